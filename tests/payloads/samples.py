"""Exotel's payloads as they travel, each with what is known of it; all identifiers and numbers are invented.

A `.query` holds a query string, a `.form` one field a line, a `.multipart`, `.json` or `.xml` a whole body.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

HERE = Path(__file__).parent
TYPES = {".form": "application/x-www-form-urlencoded", ".json": "application/json"}


@dataclass(frozen=True)
class CallbackSample:
    file: str
    to: str
    """The URL it is meant for: `passthru` or `status`."""
    call_sid: str
    event: str | None
    ended: bool
    what: str
    origin: str
    """How trustworthy the shape is: captured, official, asserted, reported."""
    content_type: str | None = None

    @property
    def name(self):
        return self.file.partition(".")[0]

    @property
    def method(self):
        return "GET" if self.file.endswith(".query") else "POST"

    @property
    def fields(self):
        """The pairs of a query string or of a form, decoded; none of a JSON or multipart body."""
        text = (HERE / self.file).read_text()
        if self.file.endswith(".query"):
            return parse_qsl(text.strip(), keep_blank_values=True)
        if self.file.endswith(".form"):
            return [(name, value) for name, _, value in (line.partition("=") for line in text.splitlines())]
        return []

    @property
    def document(self):
        return json.loads((HERE / self.file).read_text()) if self.file.endswith(".json") else None

    @property
    def request(self):
        """The method, the query string, the headers and the body of the HTTP request."""
        if self.method == "GET":
            return "GET", (HERE / self.file).read_text().strip(), {}, b""
        body = urlencode(self.fields).encode() if self.fields else (HERE / self.file).read_bytes()
        content_type = self.content_type or TYPES[Path(self.file).suffix]
        return "POST", "", {"Content-Type": content_type}, body


@dataclass(frozen=True)
class AnswerSample:
    file: str
    api: str
    """Which of Exotel's APIs answers so: `legs` is the one Legwork asks."""
    status: int
    what: str
    origin: str
    call_sid: str | None = None
    error: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self):
        return self.file.partition(".")[0]

    @property
    def body(self):
        return (HERE / self.file).read_bytes()


_INDEX = json.loads((HERE / "index.json").read_text())
CALLBACKS = {sample.name: sample for sample in (CallbackSample(**entry) for entry in _INDEX["callbacks"])}
ANSWERS = {sample.name: sample for sample in (AnswerSample(**entry) for entry in _INDEX["answers"])}
