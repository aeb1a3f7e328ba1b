"""Read calls from files that file and folder sinks have written: the newest record of each call."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from schemas.record import TYPE_UNAVAILABLE
from worker.errors import LegworkError
from worker.record.reported import reported_call
from worker.sinks.rotation import Rotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from worker.record.reported import ReportedCall

# A folder sink has a subfolder per day.
_DAYS = ("", "day=*/")
# Lines between two calls of `advance`.
_STEP = 1000


class UnreadableFiles(LegworkError):
    """Raised if files cannot be read; the message says which, and what would be right."""


@dataclass(slots=True)
class RecordFiles:
    """The files at a path: a file with those rotated from it, or all `.jsonl` and `.jsonl.gz` files of a folder.

    Iterate once: each call occurs once, by its newest record. What is held in memory is a small entry per call. Workers may
    write, rotate and compress meanwhile. `advance` is called with numbers of lines read.
    """

    path: Path
    advance: Callable[[int], None] = lambda _count: None
    #: How many lines are no records. Records that are about no call, such as operator records, do not count.
    skipped: int = 0
    #: How many Parquet files there are, which are not read.
    parquet: int = 0

    def __iter__(self) -> Iterator[ReportedCall]:
        """Yield the calls. Raises UnreadableFiles."""
        newest: dict[tuple[str, str], tuple[tuple[int, bool], ReportedCall]] = {}
        count = 0
        for count, line in enumerate(self._lines(), 1):
            if count % _STEP == 0:
                self.advance(_STEP)
            try:
                found = _read(line)
            except ValueError:
                self.skipped += 1
                continue
            if found is not None:
                key, rank, call = found
                if key not in newest or rank >= newest[key][0]:
                    newest[key] = rank, call
        self.advance(count % _STEP)
        for _, call in newest.values():
            yield call

    def _lines(self) -> Iterator[bytes]:
        path, found = self.path, False
        try:
            for path in self._files():
                found = True
                # One that was compressed meanwhile comes once more under its new name.
                with (
                    suppress(FileNotFoundError),
                    gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source,
                ):
                    yield from (line for line in source if not line.isspace())
        except (OSError, EOFError, zlib.error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UnreadableFiles(f"{path} cannot be read: {why}; repair it, or move it elsewhere") from error
        if not found:
            also = " (Parquet, of which there is some, is not read)" if self.parquet else ""
            raise UnreadableFiles(
                f"{self.path} holds no .jsonl or .jsonl.gz file{also}: name a file that a file: sink writes, or the folder of "
                "a folder: sink"
            )

    def _files(self) -> Iterator[Path]:
        """Yield the files in such an order that none is missed while they are rotated and compressed."""
        if not self.path.is_dir():
            yield self.path
            rotation = Rotation(self.path, most_bytes=None, packed=False)
            for is_packed in (False, True):
                yield from (path for path in rotation.aside() if (path.suffix == ".gz") is is_packed)
            return
        self.parquet = len(list(self._like("parquet")))
        for ending in ("jsonl", "jsonl.gz"):
            yield from self._like(ending)

    def _like(self, ending: str) -> Iterable[Path]:
        return sorted(path for day in _DAYS for path in self.path.glob(f"{day}*.{ending}"))


def _read(line: bytes) -> tuple[tuple[str, str], tuple[int, bool], ReportedCall] | None:
    """Return the key of a line's call, the rank of its record, and the call; None if the record is about no call.

    Raises ValueError if the line is no record.
    """
    event: Any = orjson.loads(line)
    try:
        kind, data = event["type"], event["data"]
        if not kind.startswith("legwork.call."):
            if kind.startswith("legwork."):
                return None
            raise ValueError("the type of no record")
        call, sid, revision = reported_call(data), data["call_sid"], data["revision"]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("no record") from error
    if not isinstance(sid, str) or not isinstance(revision, int):
        raise ValueError("no record")  # noqa: TRY004  it is the line that is wrong
    # As in the ledger and in SQL: a call that failed and succeeded later has two records of the same revision.
    return (call.account_sid, sid), (revision, kind != TYPE_UNAVAILABLE), call
