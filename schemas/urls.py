"""Takes URLs of any scheme apart, and says what of one must not show.

RFC 3986 (3.2) ends the authority at the first `/`, `?` or `#`, and its user at the last `@`. Libraries do not agree: to
SQLAlchemy a password ends at the first `@` and may hold a slash, to urllib it ends at the last one and may not. A URL that
two of them could read in two ways is refused here, and what is accepted is handed to them in RFC 3986's own spelling: then
none of them takes a part of a password for a host, a port or a path, and tells it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PARTS = re.compile(r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?(#(?P<fragment>.*))?", re.DOTALL)
# A host and perhaps a port; brokers of Kafka and hosts of PostgreSQL are several, with commas between. Python makes no number
# of more than 4300 digits.
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(%[\w.~-]+)?\]|[^:\[\],@]*)(:0*(?P<port>[0-9]{0,5}))?")
_HIGHEST_PORT = 65535
# What may stand in a user or a password as it is (RFC 3986, 3.2.1), and what parts the two.
_USERINFO = ":!$&'()*+,;=-._~"
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Where a library might end a password that it reads in its own way.
_DELIMITERS = re.compile(r"[@/?#:]")
#: Parameters and options by these names are not for anybody's eyes. `code` is Azure's.
SECRETIVE = re.compile(r"^auth|^code$|cred|hmac|jwt|(?<!routing_)key(?!file)|pass|pwd|secret|sig|token", re.IGNORECASE)
# Whoever stands alone before their `@` is often no name but an API key (Stripe's, GitHub's).
_LONE_USER_IS_SECRET = frozenset({"http", "https"})
# What is shorter than this is found in many a text where it is no secret (`worker/secret_masking.py`).
_SHORT = 4
_ENCODE = "percent-encode what stands in a user or a password (/ as %2F, ? as %3F, # as %23, @ as %40)"


class UnclearUrl(ValueError):
    """Raised for what cannot be taken apart for sure. Its message goes on after "the URL", and repeats no part of one."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its parts, each as it was written."""

    #: In lower case.
    scheme: str
    #: None where there is none; an empty one is there.
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: What follows the `@`: a host and perhaps a port, or several, with commas between. None where no `//` was.
    address: str | None
    path: str = field(repr=False)
    query: str = field(repr=False)
    fragment: str | None = field(repr=False)

    @property
    def userinfo(self) -> str | None:
        """What stands before the `@`."""
        return self.user if self.password is None else f"{self.user or ''}:{self.password}"

    def __str__(self) -> str:
        authority = "" if self.address is None else f"//{self.address}"
        if self.userinfo is not None:
            authority = f"//{self.userinfo}@{self.address}"
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}:{authority}{self.path}{query}{'' if self.fragment is None else f'#{self.fragment}'}"


def take_apart(text: str) -> Url:
    """Return the parts of a URL. Raises UnclearUrl."""
    # urlsplit drops line breaks and tabs without a word
    if any(character <= " " for character in text):
        raise UnclearUrl("holds a space or a control character")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise UnclearUrl("is not a URL")
    rest = text[scheme.end() :]
    found = _PARTS.fullmatch(rest.removeprefix("//"))
    assert found is not None  # noqa: S101  it takes any text
    parts = {name: found[name] or "" for name in ("path", "query")}
    if not rest.startswith("//"):
        parts["path"] = found["authority"] + parts["path"]
        return Url(scheme[1].lower(), None, None, None, **parts, fragment=found["fragment"])
    userinfo, at, address = found["authority"].rpartition("@")
    if _may_be_a_user(scheme[1].lower(), found["authority"]) and "@" in rest[len("//") + found.end("authority") :]:
        raise UnclearUrl(f"holds an @ behind its host, or a password that ends too soon; {_ENCODE}, and a later @ too")
    _check_address(address)
    user, colon, password = userinfo.partition(":")
    return Url(
        scheme[1].lower(),
        user if at else None,
        password if colon else None,
        address,
        **parts,
        fragment=found["fragment"],
    )


def _may_be_a_user(scheme: str, authority: str) -> bool:
    """May an `@` behind an authority be the end of a user or a password that holds a slash?

    `https://user:12/34@host` may as well mean the path `/34@host` at the port 12 of a host called `user`. An API key that
    stands alone has no dots as the name of a host has.
    """
    if "@" in authority or ":" in re.sub(r"^\[[^@]*\]", "", authority):
        return True
    return scheme in _LONE_USER_IS_SECRET and not re.search(r"\.|\[|^(localhost)?$", authority, re.IGNORECASE)


def _check_address(address: str) -> None:
    for one in filter(None, address.split(",")):
        found = _ADDRESS.fullmatch(one)
        if found is None and "[" in one:
            raise UnclearUrl("is not a URL")
        if found is None or int(found["port"] or 0) > _HIGHEST_PORT:
            raise UnclearUrl(f"is not a URL: its port is no number up to {_HIGHEST_PORT}; {_ENCODE}")
        if not found["host"]:
            raise UnclearUrl("names no host")
    try:
        # It refuses characters that others would take for a delimiter (NFKC), and what is no address between brackets.
        urlsplit(f"//{address}")
    except ValueError:
        raise UnclearUrl("is not a URL") from None


def strictly_written(text: str) -> str:
    """Return a URL that every library reads as `take_apart` does. Raises UnclearUrl."""
    userinfo = take_apart(text).userinfo or ""
    # Of several colons the first one parts the two, for everybody.
    strict = quote(_LONE_PERCENT.sub("%25", userinfo), safe=f"%{_USERINFO}", errors="replace")
    # Nothing else is touched: what follows may be signed.
    return text if strict == userinfo else text.replace(f"//{userinfo}@", f"//{strict}@", 1)


def place_of(text: str) -> str:
    """Return where a URL leads: no user, and no query, which may hold secrets. Of an unclear one, no more than its scheme."""
    bare = re.split("[?#]", text, maxsplit=1)[0]
    if "://" not in bare:
        return bare
    try:
        url = take_apart(text)
    except UnclearUrl:
        return _scheme_alone(text)
    return f"{bare.partition(':')[0]}://{url.address}{url.path}"


def without_password(text: str) -> str:
    """Return a URL fit for a log: its password, if any, and parameters that sound like one, replaced by ***."""
    try:
        url = take_apart(text) if text else None
    except UnclearUrl:
        return _scheme_alone(text)
    if url is None or url.address is None:
        return text
    query = re.sub(r"(^|&)([^=&]*)=[^&]*", _hidden, url.query)
    # A name without a password is often a password that lost its colon.
    user = "***" if url.user and url.password is None else url.user
    return str(replace(url, user=user, password=url.password and "***", query=query, fragment=None))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}=***" if SECRETIVE.search(unquote(found[2])) else found[0]


def _scheme_alone(text: str) -> str:
    scheme, slashes, _ = text.partition("://")
    return f"{scheme}://…" if slashes and _SCHEME.fullmatch(f"{scheme}:") else "…"


def secrets_in(text: str) -> set[str]:
    """Return what of a URL must not show, in every spelling that a library may give it.

    The password, and what is left of it where a library ends it too soon; of a web address a user without one; and
    parameters that sound like a secret, or are URLs with one in them.
    """
    found = _in_query(text.partition("?")[2])
    try:
        url = take_apart(text)
    except UnclearUrl:
        found |= _pieces(text.partition("://")[2].rpartition("@")[0])
    else:
        if url.password:
            # With what is around it too: a password of one to three letters is known in a text by nothing else.
            userinfo = url.userinfo or ""
            found |= {userinfo, *([f"//{userinfo}@"] if len(userinfo) < _SHORT else [])}
            found |= _pieces(url.password) | _pieces(unquote(url.password))
            # What a web client makes of them (RFC 7617).
            pair = f"{unquote(url.user or '')}:{unquote(url.password)}"
            found.add(base64.b64encode(pair.encode(errors="replace")).decode())
        elif url.user and url.scheme in _LONE_USER_IS_SECRET:
            found |= {url.user, base64.b64encode(f"{unquote(url.user)}:".encode(errors="replace")).decode()}
    encoded = {quote(secret, safe=safe, errors="replace") for secret in found for safe in ("", _USERINFO)}
    return (found | encoded | {unquote(secret) for secret in found}) - {""}


def _in_query(query: str) -> set[str]:
    """Return the secrets in a query; a raw & or # in one makes the rest of it another parameter, or a fragment."""
    first = next((pair for pair in re.finditer(r"(?:^|&)([^=&]*)=", query) if SECRETIVE.search(unquote(pair[1]))), None)
    rest = {query[first.end() :]} if first else set()
    return set(secretive(parse_qsl(query))) | rest


def secretive(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Yield the values whose names sound like a secret's, and the secrets in those that are URLs."""
    for name, value in pairs:
        if isinstance(value, str):
            if SECRETIVE.search(name):
                yield from _pieces(value)
            if "://" in value:
                yield from secrets_in(value)


def _pieces(secret: str) -> set[str]:
    """Return a secret, and what begins or ends at a character that a library may take for the end of it."""
    cuts = [cut.span() for cut in _DELIMITERS.finditer(secret)]
    heads, tails = {secret[:start] for start, _ in cuts}, {secret[end:] for _, end in cuts}
    return {secret, *heads, *tails, *_DELIMITERS.split(secret)}
