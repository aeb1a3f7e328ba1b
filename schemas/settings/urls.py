"""The types of settings that are URLs. No message repeats a part of a URL: it may be a password."""

from __future__ import annotations

import difflib
import re
from urllib.parse import parse_qsl, unquote_plus, urlencode

from marshmallow import ValidationError

from schemas.settings.fields import SettingField
from schemas.settings.tls_options import read_tls_options
from schemas.urls import UnclearUrl, Url, strictly_written, take_apart

#: The schemes of sinks. A database's may have a driver: postgresql+psycopg.
SINK_SCHEMES = (
    *("http", "https", "file", "stdout", "redis", "rediss", "amqp", "amqps", "kafka", "folder", "s3", "gs"),
    *("postgresql", "mysql", "sqlite"),
)
WITH_DRIVER = ("postgresql", "mysql", "sqlite")
#: Schemes whose URL needs a host.
_WITH_HOST = frozenset({"http", "https", "redis", "rediss", "amqp", "amqps", "kafka", "s3", "gs"})
_OPTIONS_OF_REDIS = {
    "redis": frozenset[str](),
    "rediss": frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}),
    "unix": frozenset({"db"}),
}


def split_url(text: str) -> Url:
    """Return the parts of a URL. Raises ValidationError if it is ambiguous."""
    try:
        return take_apart(text)
    except UnclearUrl as error:
        raise ValidationError(str(error)) from None


def with_tls_options_read(text: str) -> str:
    """Return a Redis URL with its TLS options in the spelling of redis-py and kombu. Raises ValidationError."""
    before, _, query = text.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    given = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs if _is_of_tls(name)}
    if not given:
        return text
    try:
        read = read_tls_options(given)
    except ValidationError as error:
        raise ValidationError(f"has a wrong option: {error.messages[0]}") from None
    others = ["".join(pair) for pair in pairs if not _is_of_tls(pair[0])]
    return f"{before}?{'&'.join([*others, urlencode(read)])}"


def _is_of_tls(name: str) -> bool:
    return unquote_plus(name).startswith("ssl_")


class RedisUrl(SettingField[str]):
    """A Redis server's URL that redis-py and kombu read alike.

    Its query allows only options that both support and that are not secret.
    """

    right = (
        "give redis://:password@host:6379/0, rediss://… (TLS; options ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs, "
        "ssl_check_hostname) or unix://:password@/path/to/redis.sock?db=0"
    )

    def read(self, text: str) -> str:
        if not text.startswith(("redis://", "rediss://", "unix://")):
            raise ValidationError("is not the URL of a Redis server")
        url = split_url(text)
        if url.fragment is not None:
            raise ValidationError("holds a #; percent-encode it (%23)")
        for name, value in parse_qsl(url.query, keep_blank_values=True):
            if name not in _OPTIONS_OF_REDIS[url.scheme]:
                raise ValidationError("has an unknown option in its query")
            if name == "db" and not re.fullmatch("[0-9]+", value):
                raise ValidationError("has a `db` that is not a number")
        if url.scheme == "unix" and (url.address or not url.path):
            raise ValidationError("names no socket")
        if url.scheme != "unix" and (not url.address or "," in url.address):
            raise ValidationError("names no host")
        if url.scheme != "unix" and not re.fullmatch(r"/?[0-9]*", url.path):
            raise ValidationError("has a path that is not a database number")
        return strictly_written(with_tls_options_read(text) if url.scheme == "rediss" else text)


class BaseUrl(SettingField[str]):
    """The base URL of an API, without a trailing slash."""

    right = "give http(s)://host, optionally with a port and a path, and without a user, a query or a fragment"

    def read(self, text: str) -> str:
        url = split_url(text) if text.lower().startswith(("http://", "https://")) else None
        if url is None or not url.address or "," in url.address:
            raise ValidationError("is not the URL of a web server")
        if url.user is not None or "?" in text or "#" in text:
            raise ValidationError("holds a user, a query or a fragment")
        return text.rstrip("/")


class SinkUrl(SettingField[str]):
    """A sink's URL. Only its scheme and its syntax are checked here; the sink validates the rest."""

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
            return self._taken_apart(text)
        if re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\?.*)?", text):
            return text
        message = "has an unknown scheme"
        if rest.startswith("//"):  # then the part before it is a scheme, not a password
            near = difflib.get_close_matches(kind, SINK_SCHEMES, n=1)
            message += f" (did you mean {near[0]}://?)" if near else ""
        raise ValidationError(message)

    def _taken_apart(self, text: str) -> str:
        """Return the URL. Raises ValidationError for one that a driver would misread and show in an error."""
        url = split_url(text)
        if url.scheme in _WITH_HOST and not url.address:
            raise ValidationError("names no bucket" if url.scheme in {"s3", "gs"} else "names no host")
        if url.scheme in _WITH_HOST - {"kafka"} and "," in (url.address or ""):
            raise ValidationError("names several hosts, but only one is allowed")
        if url.scheme in {"redis", "rediss"} and url.fragment is not None:
            raise ValidationError("holds a #; percent-encode it (%23)")
        return text


class SinkUrls(SettingField[tuple[str, ...]]):
    """Several sinks."""

    right = SinkUrl.right + "; several are separated by spaces"

    def read(self, text: str) -> tuple[str, ...]:
        urls = tuple(text.split())
        if not urls:
            raise ValidationError("is empty")
        problems = []
        for number, url in enumerate(urls, 1):
            try:
                SinkUrl().read(url)
            except ValidationError as error:
                where = f"has a sink, number {number}, that " if len(urls) > 1 else ""
                problems.append(where + str(error.messages[0]))
        if problems:
            raise ValidationError("; ".join(problems))
        return urls
