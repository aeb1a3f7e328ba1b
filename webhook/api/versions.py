"""Versions over HTTP: `ETag` in responses, `If-Match` in requests (RFC 9110, 8.8.3 and 13.1.1)."""

from __future__ import annotations

from typing import Any

from werkzeug.http import parse_etags, quote_etag

#: A description, the status, and the headers.
Tagged = tuple[dict[str, Any], int, dict[str, str]]

#: The header, as the API's description has it.
ETAG = {"ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}}}


def tagged(described: dict[str, Any]) -> Tagged:
    """Return a response whose `ETag` is the version in it, if there is one."""
    version = described.get("version")
    return described, 200, {} if version is None else {"ETag": quote_etag(version)}


def asked_version(if_match: str | None, current: str | None) -> str | None:
    """Return the version that `If-Match` asks for: None for any, '' for none that there is now."""
    tags = parse_etags(if_match)
    if if_match is None or tags.star_tag:
        return None
    # Proxies that compress make a tag a weak one.
    return current if current is not None and tags.contains_weak(current) else ""
