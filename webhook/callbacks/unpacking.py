"""Unpacks a body that was packed on its way (Content-Encoding, RFC 9110 section 8.4): not by Exotel, but proxies may."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

KNOWN = "gzip, deflate"
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
# No codings, and taken for some at times; the body is as it is.
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1"})
_GZIP = b"\x1f\x8b"
# How zlib is told what it unpacks: gzip's wrapping, zlib's, or none, which some call deflate too (RFC 9110 section 8.4.1.2).
_WITH_GZIP, _WITH_ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class CannotUnpack(BadRequest):
    """400: cut off, or broken."""


class UnknownCoding(UnsupportedMediaType):
    """415, with what would do (RFC 9110 section 12.5.3)."""

    def get_headers(self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None) -> Any:
        """Add the codings that are known."""
        return [*super().get_headers(environ, scope), ("Accept-Encoding", KNOWN)]


def is_packed(body: bytes) -> bool:
    """Does a body begin as gzip does, whatever was said of it?"""
    return body.startswith(_GZIP)


def unpack(body: bytes, coding: str, most: int) -> bytes:
    """Return a body as it was before it was packed, `most` bytes at most; `coding` is what Content-Encoding says.

    What does not look packed is taken as it is: proxies unpack, and leave the header. Raises werkzeug's
    RequestEntityTooLarge beyond `most`, CannotUnpack for what is cut off or broken, UnknownCoding.
    """
    name = coding.strip().lower()
    if name not in _CODINGS and name not in _CHARSETS:
        raise UnknownCoding(f"A body may be packed with {KNOWN}, or not at all.")
    if is_packed(body):
        return _unpacked(body, _WITH_GZIP, most)
    if name == "deflate":
        for wrapping in (_WITH_ZLIB, _BARE):
            if _begins_well(body, wrapping):
                return _unpacked(body, wrapping, most)
    return body


def _begins_well(body: bytes, wrapping: int) -> bool:
    try:
        unpacker = zlib.decompressobj(wrapping)
        unpacker.decompress(body, 1024)
    except zlib.error:
        return False
    # Text that happens to look like the beginning of a packed body does not come to an end.
    return wrapping != _BARE or unpacker.eof or bool(unpacker.unconsumed_tail)


def _unpacked(body: bytes, wrapping: int, most: int) -> bytes:
    whole = b""
    while body:  # gzip may come in several members (RFC 1952 section 2.2)
        unpacker = zlib.decompressobj(wrapping)
        try:
            whole += unpacker.decompress(body, most + 1 - len(whole))
        except zlib.error:
            raise CannotUnpack("The body cannot be unpacked.") from None
        if len(whole) > most:
            raise RequestEntityTooLarge
        if not unpacker.eof:
            raise CannotUnpack("The packed body ends too soon.")
        body = unpacker.unused_data if wrapping == _WITH_GZIP and unpacker.unused_data.startswith(_GZIP) else b""
    return whole
