"""Write each record as an object to a bucket of S3 or Google Cloud Storage."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from marshmallow import ValidationError

from worker.errors import PermanentFailure, TemporaryFailure
from worker.extras import import_or_explain
from worker.secret_masking import without_secrets_of
from worker.sinks.objects import ObjectSink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

# In place of pyarrow's defaults: a small object in one request instead of three, and a Google client that gives up before
# a thread has waited for a quarter of an hour.
_DEFAULTS = {"s3": ("allow_delayed_open", "true"), "gs": ("retry_limit_seconds", "15")}
# An error of Google's is a page long.
_LONGEST_MESSAGE = 300
# Arrow's errors are OSErrors, except for responses that it cannot parse.
_FAILURES = (OSError, ValueError)
# A key has up to 1024 bytes in S3 and in Google's storage; the names of objects here need less than 300 of them.
_LONGEST_PREFIX_BYTES = 700
_CONTENT_TYPES = {"jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}


class BucketSink(ObjectSink):
    """`s3://bucket/prefix` or `gs://bucket/prefix`: one object per record, with the same name as in a folder.

    Credentials come from the environment, as for Amazon's and Google's own tools, or `s3://key:secret@bucket`. The other
    options in the query are pyarrow's: `region`, `endpoint_override` (`host:port` of a server that speaks S3), `scheme`.
    """

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if not parts.hostname:
            raise ValidationError("must be s3://bucket/prefix or gs://bucket/prefix", "url")
        if parts.fragment:
            raise ValidationError("holds a #: percent-encode it (%23)", "url")
        if "//" in parts.path:
            raise ValidationError("must have a prefix without //", "url")
        if len(unquote(parts.path).encode()) > _LONGEST_PREFIX_BYTES:
            raise ValidationError(f"must have a prefix of up to {_LONGEST_PREFIX_BYTES} bytes", "url")
        name, value = _DEFAULTS[parts.scheme.lower()]
        given = "" if name in parse_qs(parts.query) else f"{'&' if parts.query else '?'}{name}={value}"
        self._location = self.url + given
        self._lock = threading.Lock()
        self._place: tuple[Any, str] | None = None

    def open(self) -> None:
        """Load the library; the bucket is accessed when there is something to write."""
        super().open()
        self._files = import_or_explain("pyarrow.fs", extra="parquet")
        try:
            self._bucket()
        except OSError:
            pass  # it has no region yet, since S3 could not be reached
        except ValueError as error:
            raise PermanentFailure(self._words(error)) from error

    def check(self) -> str:
        """Test that the bucket exists."""
        try:
            filesystem, prefix = self._bucket()
            bucket = prefix.partition("/")[0]
            if filesystem.get_file_info(bucket).type == self._files.FileType.NotFound:
                raise TemporaryFailure(f"there is no bucket {bucket}")
        except _FAILURES as error:
            raise TemporaryFailure(self._words(error)) from error
        return f"{bucket} answers"

    def put(self, name: str, data: bytes) -> None:
        """Write an object; it becomes visible once it is complete."""
        metadata = {"Content-Type": _CONTENT_TYPES[self.options["format"]]}
        try:
            filesystem, prefix = self._bucket()
            with filesystem.open_output_stream(f"{prefix}/{name}", metadata=metadata) as stream:
                stream.write(data)
        except _FAILURES as error:
            raise TemporaryFailure(self._words(error)) from error

    def close(self) -> None:
        """Close the connections."""
        self._place = None

    def _bucket(self) -> tuple[Any, str]:
        # Without a region, S3 is queried for it, once.
        with self._lock:
            if self._place is None:
                filesystem, path = self._files.FileSystem.from_uri(self._location)
                self._place = filesystem, path.rstrip("/")
            return self._place

    def _words(self, error: Exception) -> str:
        # Arrow repeats the whole URL. If the message is cut within a secret, the rest could not be masked.
        said = without_secrets_of(self.spec, str(error))
        return said.strip().partition("\n")[0][:_LONGEST_MESSAGE]
