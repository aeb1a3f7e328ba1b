"""HTTP/1.1 for the driver: one connection per request, distinguishing refused from unanswered."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

# Seconds that Exotel waits for a receiver.
PATIENCE_SECONDS = 15.0


class Refused(Exception):
    """Raised if the connection was refused: nothing was sent, so another server may safely be tried."""


class NoAnswer(Exception):
    """Raised if the request was sent without a complete response: the result is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    document: Any = None,
    seconds: float = PATIENCE_SECONDS,
) -> Answer:
    """Send a request, and return the complete response. Raises Refused and NoAnswer."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    said = {"Host": parts.netloc.rpartition("@")[2], "Connection": "close", **(headers or {})}
    if document is not None:
        body, said["Content-Type"] = json.dumps(document).encode(), "application/json"
    if body or method == "POST":
        said["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    request = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connect(parts.hostname or "", parts.port or 80)
            try:
                writer.write(request)
                await writer.drain()
                return await _read(reader)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, EOFError, ValueError) as error:
        raise NoAnswer(type(error).__name__) from error


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(host, port)
    except ConnectionRefusedError as error:
        raise Refused(f"{host}:{port}") from error


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read()
    return Answer(status, headers, body)


def multipart(fields: list[tuple[str, str]]) -> tuple[bytes, str]:
    """Return a form as Exotel sends a StatusCallback by default, and its content type."""
    boundary = "----------------------------aXgOrEu17Vb2"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields
    ]
    return ("".join(parts) + f"--{boundary}--\r\n").encode(), f"multipart/form-data; boundary={boundary}"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
