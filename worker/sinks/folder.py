"""Write each record as a file to a folder, with a subfolder per day."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from marshmallow import ValidationError, fields, validate

from worker.errors import TemporaryFailure
from worker.extras import import_or_explain
from worker.sinks.days import today
from worker.sinks.erase_files import HALF_MADE, Kept, clear_up, erase_object
from worker.sinks.objects import ObjectSink
from worker.sinks.objects import Options as ObjectOptions

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.numbers.erasure import Eraser


# The pattern of the subfolders' names, which other files there do not match.
_DAY = "day=[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


class Options(ObjectOptions):
    """Options of a folder, in the URL's query or in legwork.toml."""

    keep_days = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=3650, error="must be a number of days, from 1 to 3650"),
        metadata={"doc": "Delete a day's subfolder this many days after it."},
    )


class FolderSink(ObjectSink):
    """`folder:///var/records` or, in the working directory, `folder:records`: one file per record.

    It is called `day=2026-09-16/acme1m-<CallSid>-1-completed.jsonl`, by the day on which the call ended, the revision and
    the kind of record, so a record that is sent again replaces its file. Files are written atomically.
    """

    Options = Options

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if parts.netloc not in {"", "localhost"} or parts.path in {"", "/"} or parts.query:
            raise ValidationError("must be folder:name, or folder:///absolute/name", "url")
        if parts.fragment:
            raise ValidationError("holds a #: percent-encode it (%23)", "url")
        self.path = Path(unquote(parts.path))

    def open(self) -> None:
        """Create the folder if it is missing. Raises OSError if it cannot be written."""
        super().open()
        self.path.mkdir(exist_ok=True)
        self.check()

    def check(self) -> str:
        """Test that a file can be written, without giving it a name."""
        with tempfile.TemporaryFile(dir=self.path) as file:
            file.write(b"\n")
        return f"{self.path} can be written"

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept]:
        """Rewrite every file with the number."""
        kept = Kept(str(self.path), is_missing=not self.path.is_dir())
        if not dry_run:
            self._clear_up()
        for path in sorted(self.path.glob(f"{_DAY}/*.jsonl")):
            erase_object(path, eraser, kept, dry_run=dry_run)
        if packed := sorted(self.path.glob(f"{_DAY}/*.parquet")):
            parquet = import_or_explain("worker.sinks.parquet", extra="parquet")
            for path in packed:
                parquet.erase_parquet(path, eraser, kept, dry_run=dry_run)
        return [kept]

    def forget_old(self) -> int:
        """Delete the folders of days past the retention, and files left over by killed workers."""
        self._clear_up()
        if self.options["keep_days"] is None:
            return 0
        last = (today(self.options["zone"]) - timedelta(days=self.options["keep_days"])).isoformat()
        old = [folder for folder in self.path.glob(_DAY) if folder.name.removeprefix("day=") < last]
        files = sum(len(list(folder.iterdir())) for folder in old)
        for folder in old:
            shutil.rmtree(folder)
        return files

    def _clear_up(self) -> None:
        clear_up(self.path, f"{_DAY}/*{HALF_MADE}")

    def put(self, name: str, data: bytes) -> None:
        """Write a file, first under another name that readers ignore."""
        path = self.path / name
        temporary = path.with_name(f".{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(exist_ok=True)
            try:
                _write(temporary, data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            for folder in (path.parent, self.path):
                _sync(folder)
        except OSError as error:
            # A full disk, a missing folder, a lost mount: all can be repaired, and then the record is wanted.
            raise TemporaryFailure(f"{path}: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Sync a folder's entries to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
