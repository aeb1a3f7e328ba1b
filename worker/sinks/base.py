"""The base class of sinks: options, open, send, check, close."""

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
    """Return the CallSid from `subject`, which projections do not change; None for records that are about no call."""
    return str(record["subject"]) if record["type"].startswith("legwork.call.") else None


class Sink:
    """A destination of records. Subclasses define their options and `send`.

    All threads of a worker share one sink: `send` must be thread-safe.
    """

    #: The options of this kind, taken from the URL's query and from `[[sinks]]` in legwork.toml.
    Options: ClassVar[type[Schema]] = Schema
    #: How many records `send` takes at once. All of them are delivered, or none.
    batch: ClassVar[int] = 1
    #: Whether it accepts any `data` from a projection; False if it has fixed columns for it.
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
        #: The classes and code lines of surprises already logged.
        self.surprises: set[tuple[Any, ...]] = set()
        schema = self.Options()
        # Not by `urlunsplit`, which would make `file:name` absolute.
        written = _as_all_read_it(spec.url)
        base, _, query = written.partition("?")
        ours = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key in schema.fields}
        # Left unchanged: they may be signed.
        others = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in schema.fields]
        #: The URL without Legwork's options; unchanged except for user and password, which are encoded unambiguously.
        self.url = written
        if ours:
            self.url = f"{base}?{'&'.join(others)}" if others else base
        self.options: dict[str, Any] = schema.load({**ours, **spec.options})

    def open(self) -> None:
        """Prepare for sending. Raises LegworkError or OSError if it is already certain that sending cannot work."""

    def send(self, records: list[Record]) -> str:
        """Deliver up to `batch` records, and return the destination's answer in a word.

        Raises TemporaryFailure (retry later), PermanentFailure (never this record), SinkGone (disable the sink).
        """
        raise NotImplementedError

    def check(self) -> str:
        """Test the destination without sending a record; return a short result.

        Raises LegworkError or OSError.
        """
        return "nothing to check"

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept] | None:  # noqa: ARG002  used by sinks that keep files
        """Erase a person's number from what this sink stores on this host; return None if it stores nothing here.

        Works on a sink that is not open, and while workers write. `dry_run`: only count.
        """
        return None

    def forget_old(self) -> int:
        """Delete files past the retention in the options; return how many. Called every few minutes.

        Raises OSError.
        """
        return 0

    def close(self) -> None:
        """Close connections and files."""


def _as_all_read_it(url: str) -> str:
    """Return the URL with user and password encoded unambiguously for every library. Raises ValidationError."""
    if "://" not in url.partition("?")[0]:
        return url
    scheme, colon, rest = url.partition(":")
    try:
        return strictly_written(f"{scheme.lower()}{colon}{rest}")
    except UnclearUrl as error:
        raise ValidationError(str(error), "url") from None
