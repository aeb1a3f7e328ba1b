"""The settings that are URLs. None of their messages repeats a part of one: it may be a password."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from marshmallow import ValidationError

from schemas.settings.fields import SettingField

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: What a sink's URL may begin with. A driver may follow a database's: postgresql+psycopg.
SINK_SCHEMES = (
    *("http", "https", "file", "stdout", "redis", "rediss", "amqp", "amqps", "kafka", "folder", "s3", "gs"),
    *("postgresql", "mysql", "sqlite"),
)
WITH_DRIVER = ("postgresql", "mysql", "sqlite")
_OPTIONS_OF_REDIS = {
    "redis": frozenset[str](),
    "rediss": frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"}),
    "unix": frozenset({"db"}),
}


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL. Raises ValidationError for what urlsplit would take in silence, too."""
    # urlsplit drops line breaks and tabs without a word
    if any(character <= " " for character in text):
        raise ValidationError("holds a space or a control character")
    try:
        url = urlsplit(text)
        url.port  # noqa: B018  it raises if the port is no port
    except ValueError:
        raise ValidationError("is not a URL") from None
    return url


class RedisUrl(SettingField[str]):
    """A Redis server.

    The options in its query are those that redis-py and kombu both know, and that are no secret.
    """

    right = (
        "give redis://:password@host:6379/0, rediss://… (TLS; options ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs) "
        "or unix://:password@/path/to/redis.sock?db=0"
    )

    def read(self, text: str) -> str:
        url = split_url(text)
        if not text.startswith(("redis://", "rediss://", "unix://")):
            raise ValidationError("is not the URL of a Redis server")
        for name, value in parse_qsl(url.query, keep_blank_values=True):
            if name not in _OPTIONS_OF_REDIS[url.scheme]:
                raise ValidationError("has an option in its query that is none here")
            if name == "db" and not re.fullmatch("[0-9]+", value):
                raise ValidationError("has a `db` that is no number")
        if url.scheme == "unix" and not url.path:
            raise ValidationError("names no socket")
        if url.scheme != "unix" and not url.hostname:
            raise ValidationError("names no host")
        if url.scheme != "unix" and not re.fullmatch(r"/?[0-9]*", url.path):
            raise ValidationError("has a path that is no database number")
        return text


class BaseUrl(SettingField[str]):
    """Where an API begins, without a slash at the end."""

    right = "give http(s)://host, with a port and a path if need be, and without a user, a query or a fragment"

    def read(self, text: str) -> str:
        url = split_url(text)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValidationError("is not the URL of a web server")
        if "@" in url.netloc or "?" in text or "#" in text:
            raise ValidationError("holds a user, a query or a fragment")
        return text.rstrip("/")


class SinkUrl(SettingField[str]):
    """Where records go. Only what kind of sink it is, is looked at here; the sink itself knows the rest."""

    right = (
        "give a URL with one of these schemes: " + ", ".join(SINK_SCHEMES) + ", or module:Class for a sink of your own"
    )

    def read(self, text: str) -> str:
        if not text or any(character <= " " for character in text):
            raise ValidationError("holds a space or a control character" if text else "is empty")
        scheme, _, rest = text.partition(":")
        kind, plus, driver = scheme.lower().partition("+")
        known = kind in SINK_SCHEMES and ":" in text
        if known and (not plus or (kind in WITH_DRIVER and driver)):
            return text
        if re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\?.*)?", text):
            return text
        message = "is of an unknown kind"
        if rest.startswith("//"):  # then what stands before it is a scheme and no password
            near = difflib.get_close_matches(kind, SINK_SCHEMES, n=1)
            message += f" (did you mean {near[0]}://?)" if near else ""
        raise ValidationError(message)


class SinkUrls(SettingField[tuple[str, ...]]):
    """Several sinks."""

    right = SinkUrl.right + "; several are separated by spaces"

    def read(self, text: str) -> tuple[str, ...]:
        urls = tuple(text.split())
        if not urls:
            raise ValidationError("is empty")
        for number, url in enumerate(urls, 1):
            try:
                SinkUrl().read(url)
            except ValidationError as error:
                where = f"has a sink, number {number}, that " if len(urls) > 1 else ""
                raise ValidationError(where + str(error.messages[0])) from None
        return urls
