"""Translates an ASGI request (https://asgi.readthedocs.io) to a WSGI environ (PEP 3333)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

_ALWAYS: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    # Not in PEP 3333: it makes Werkzeug read a body whose length no header gives.
    "wsgi.input_terminated": True,
}
_WITHOUT_HTTP = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def environ_of(scope: Mapping[str, Any]) -> WSGIEnvironment:
    """Return the environ of a request, without `wsgi.input`. Bytes are decoded as Latin-1, as PEP 3333 demands.

    Headers with an underscore in their names are left out: `X_Forwarded_For` and `X-Forwarded-For` would be one key, and a
    proxy sets only the second. nginx and gunicorn leave them out too (nginx's `underscores_in_headers`).
    """
    path: bytes = scope["raw_path"]
    server, client = scope["server"], scope["client"]
    environ = {
        **_ALWAYS,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": scope["scheme"],
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        key = _WITHOUT_HTTP.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        # RFC 9110, section 5.3: a repeated field is one comma-separated list. Cookies are joined by `;` (RFC 6265, 5.4).
        environ[key] = f"{environ[key]}{';' if name == b'cookie' else ','}{text}" if key in environ else text
    return environ
