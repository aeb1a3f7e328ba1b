"""Decompresses a body (Content-Encoding, RFC 9110 section 8.4). Exotel does not compress; proxies may."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

KNOWN = "gzip, deflate"
_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
# Character sets, which some senders mistake for codings; the body is not compressed.
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1"})
_GZIP = b"\x1f\x8b"
# zlib's `wbits` for gzip, for zlib, and for bare deflate, which some send as `deflate` too (RFC 9110 section 8.4.1.2).
_WITH_GZIP, _WITH_ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class CannotUnpack(BadRequest):
    """400: the compressed body is cut off or broken."""


class UnknownCoding(UnsupportedMediaType):
    """415, with the codings that are accepted (RFC 9110 section 12.5.3)."""

    def get_headers(self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None) -> Any:
        """Add the accepted codings."""
        return [*super().get_headers(environ, scope), ("Accept-Encoding", KNOWN)]


def is_packed(body: bytes) -> bool:
    """Does a body begin like gzip, whatever its headers say?"""
    return body.startswith(_GZIP)


def unpack(body: bytes, coding: str, most: int) -> bytes:
    """Return the decompressed body, at most `most` bytes; `coding` is the value of Content-Encoding.

    A body that does not look compressed is returned unchanged: some proxies decompress and leave the header. Raises werkzeug's
    RequestEntityTooLarge beyond `most`, CannotUnpack for a body that is cut off or broken, UnknownCoding.
    """
    name = coding.strip().lower()
    if name not in _CODINGS and name not in _CHARSETS:
        raise UnknownCoding(f"The body may be encoded as {KNOWN}, or not at all.")
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
    # Text that happens to begin like compressed data never reaches the end of a deflate stream.
    return wrapping != _BARE or unpacker.eof or bool(unpacker.unconsumed_tail)


def _unpacked(body: bytes, wrapping: int, most: int) -> bytes:
    whole = b""
    while body:  # gzip may come in several members (RFC 1952 section 2.2)
        unpacker = zlib.decompressobj(wrapping)
        try:
            whole += unpacker.decompress(body, most + 1 - len(whole))
        except zlib.error:
            raise CannotUnpack("The body cannot be decompressed.") from None
        if len(whole) > most:
            raise RequestEntityTooLarge
        if not unpacker.eof:
            raise CannotUnpack("The compressed body is incomplete.")
        body = unpacker.unused_data if wrapping == _WITH_GZIP and unpacker.unused_data.startswith(_GZIP) else b""
    return whole
