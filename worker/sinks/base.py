"""What every sink is: options, open, send, check, close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, unquote_plus

from marshmallow import Schema, ValidationError

from schemas.urls import UnclearUrl, strictly_written

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.numbers.erasure import Eraser
    from worker.sinks.erase_files import Kept

#: A record: the finished CloudEvent of contract section 5, JSON-ready.
Record = dict[str, Any]


def call_sid_of(record: Record) -> str | None:
    """Return the CallSid, which stands in `subject` whatever a projection made of `data`; None for other records."""
    return str(record["subject"]) if record["type"].startswith("legwork.call.") else None


class Sink:
    """A place records go to. Subclasses say what their options are, and how to send.

    One sink is shared by all threads of a worker: `send` has to be safe for that.
    """

    #: The options of this kind, taken from the URL's query and from `[[sinks]]` in legwork.toml.
    Options: ClassVar[type[Schema]] = Schema
    #: How many records `send` takes at once. Either all of them are delivered, or none is.
    batch: ClassVar[int] = 1
    #: Does it take whatever a projection makes of a record's `data`? Not if it has columns for what is in there.
    projectable: ClassVar[bool] = True

    def __init__(self, spec: SinkSpec) -> None:
        """Read the options. Raises marshmallow.ValidationError with what is wrong."""
        if spec.projection is not None and not self.projectable:
            raise ValidationError(
                "cannot be had with this kind of sink, which stores the record's own fields", "projection"
            )
        self.spec = spec
        self.name = spec.name
        self.secrets = spec.secrets
        #: The classes and places of surprises that were logged already.
        self.surprises: set[tuple[Any, ...]] = set()
        schema = self.Options()
        # By hand: `urlunsplit` would make `file:name` absolute.
        written = _as_all_read_it(spec.url)
        base, _, query = written.partition("?")
        ours = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key in schema.fields}
        # Left as they were written: they may be signed.
        others = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in schema.fields]
        #: The URL without our own options, to the letter but for user and password, which no library is to misread.
        self.url = written
        if ours:
            self.url = f"{base}?{'&'.join(others)}" if others else base
        self.options: dict[str, Any] = schema.load({**ours, **spec.options})

    def open(self) -> None:
        """Get ready. Raises LegworkError or OSError where it is known already that sending cannot work."""

    def send(self, records: list[Record]) -> str:
        """Deliver up to `batch` records, and return what the other side said, in a word.

        Raises TemporaryFailure (again later), PermanentFailure (never this record), SinkGone (disable the sink).
        """
        raise NotImplementedError

    def check(self) -> str:
        """Find out whether the other side is there, without sending a record; returns a word about it.

        Raises LegworkError or OSError.
        """
        return "nothing to check"

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept] | None:  # noqa: ARG002  for those that keep something
        """Take a person's number out of what this sink keeps on this host; None if it keeps nothing here.

        Never opened for it, and safe while workers write. `dry_run`: only count.
        """
        return None

    def forget_old(self) -> int:
        """Let go of what is older than the options say it is kept; returns how many files. Called every few minutes.

        Raises OSError.
        """
        return 0

    def close(self) -> None:
        """Let go of connections and files."""


def _as_all_read_it(url: str) -> str:
    """Spell user and password so that no library takes a part of them for anything else. Raises ValidationError."""
    if "://" not in url.partition("?")[0]:
        return url
    scheme, colon, rest = url.partition(":")
    try:
        return strictly_written(f"{scheme.lower()}{colon}{rest}")
    except UnclearUrl as error:
        raise ValidationError(str(error), "url") from None
