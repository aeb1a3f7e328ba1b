"""A server on loopback that speaks as much of S3 and of Google Cloud Storage as it takes to put objects into a bucket."""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "calls"


class ObjectStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        handler = type("Handler", (_Handler,), {"objects": self.objects, "content_types": self.content_types})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    content_types: dict[str, str]

    def do_HEAD(self):
        """S3: is the bucket there?"""
        self._answer(200 if self._path == f"/{BUCKET}" else 404)

    def do_GET(self):
        """Google: the same."""
        there = self._path == f"/storage/v1/b/{BUCKET}"
        self._answer(200 if there else 404, {"kind": "storage#bucket", "name": BUCKET} if there else {})

    def do_POST(self):
        """Google: an upload begins."""
        about = json.loads(self._body())
        self.content_types[about["name"]] = about["contentType"]
        if self._path != f"/upload/storage/v1/b/{BUCKET}/o":
            self._answer(404, {})
            return
        place = f"http://{self.headers['Host']}/uploads?name={about['name']}"
        self._answer(200, {}, Location=place)

    def do_PUT(self):
        """S3: an object. Google: what is uploaded."""
        body = self._body()
        if self._path == "/uploads":
            (name,) = parse_qs(urlsplit(self.path).query)["name"]
            self.objects[name] = body
            self._answer(200, {"kind": "storage#object", "name": name, "bucket": BUCKET, "size": str(len(body))})
            return
        bucket, _, name = self._path.removeprefix("/").partition("/")
        if bucket == BUCKET:
            self.objects[name] = body
            self.content_types[name] = self.headers["Content-Type"]
        self._answer(200 if bucket == BUCKET else 404)

    @property
    def _path(self):
        return unquote(urlsplit(self.path).path)

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = _unchunked(self.rfile)
        # S3 has chunks of its own within those of HTTP.
        return _unchunked(io.BytesIO(body)) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def _answer(self, status, document=None, **headers):
        body = b"" if document is None or self.command == "HEAD" else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "ETag": '"0"'}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads along."""


def _unchunked(file):
    data = b""
    while size := int(file.readline().partition(b";")[0], 16):
        data += file.read(size)
        file.readline()
    while file.readline().strip():
        pass
    return data
