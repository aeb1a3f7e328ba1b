"""Parse URLs of any scheme, and find the secrets in them.

RFC 3986 (3.2) ends the authority at the first `/`, `?` or `#`, and the user at the last `@`. Libraries differ: for
SQLAlchemy a password ends at the first `@` and may hold a slash, for urllib it ends at the last one and may not. An
ambiguous URL is refused here, and an accepted one is passed to libraries in RFC 3986's spelling, so that none of them
takes a part of a password for a host, a port or a path, and shows it in an error.
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
# A host and an optional port; Kafka and PostgreSQL allow several, separated by commas. Python refuses to read a number of more
# than 4300 digits.
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(%[\w.~-]+)?\]|[^:\[\],@]*)(:0*(?P<port>[0-9]{0,5}))?")
_HIGHEST_PORT = 65535
# What a user or a password may contain unencoded (RFC 3986, 3.2.1), and the colon between them.
_USERINFO = ":!$&'()*+,;=-._~"
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Characters at which a library may end a password too soon.
_DELIMITERS = re.compile(r"[@/?#:]")
#: Parameters and options with these names hold secrets. `code` is Azure's.
SECRETIVE = re.compile(r"^auth|^code$|cred|hmac|jwt|(?<!routing_)key(?!file)|pass|pwd|secret|sig|token", re.IGNORECASE)
# In these schemes a user without a password is often an API key (Stripe's, GitHub's).
_LONE_USER_IS_SECRET = frozenset({"http", "https"})
# Shorter secrets occur in many texts where they are not secret (`worker/secret_masking.py`).
_SHORT = 4
_ENCODE = "percent-encode the user and the password (/ as %2F, ? as %3F, # as %23, @ as %40)"


class UnclearUrl(ValueError):
    """Raised for an ambiguous or invalid URL. The message continues "the URL …" and repeats no part of it."""


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL; each part is as it was written."""

    #: In lower case.
    scheme: str
    #: None if absent; an empty user is not None.
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    #: The part after the `@`: a host and an optional port, or several, separated by commas. None without `//`.
    address: str | None
    path: str = field(repr=False)
    query: str = field(repr=False)
    fragment: str | None = field(repr=False)

    @property
    def userinfo(self) -> str | None:
        """The part before the `@`: the user and the password."""
        return self.user if self.password is None else f"{self.user or ''}:{self.password}"

    def __str__(self) -> str:
        authority = "" if self.address is None else f"//{self.address}"
        if self.userinfo is not None:
            authority = f"//{self.userinfo}@{self.address}"
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}:{authority}{self.path}{query}{'' if self.fragment is None else f'#{self.fragment}'}"


def take_apart(text: str) -> Url:
    """Return the parts of a URL. Raises UnclearUrl if it is ambiguous or invalid."""
    # urlsplit silently drops line breaks and tabs
    if any(character <= " " for character in text):
        raise UnclearUrl("holds a space or a control character")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise UnclearUrl("is not a URL")
    rest = text[scheme.end() :]
    found = _PARTS.fullmatch(rest.removeprefix("//"))
    assert found is not None  # noqa: S101  the pattern matches any text
    parts = {name: found[name] or "" for name in ("path", "query")}
    if not rest.startswith("//"):
        parts["path"] = found["authority"] + parts["path"]
        return Url(scheme[1].lower(), None, None, None, **parts, fragment=found["fragment"])
    userinfo, at, address = found["authority"].rpartition("@")
    if _may_be_a_user(scheme[1].lower(), found["authority"]) and "@" in rest[len("//") + found.end("authority") :]:
        raise UnclearUrl(
            f"has an @ after its host, or an unencoded character in its password; {_ENCODE}, and any later @"
        )
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
    """Return whether a later `@` may end a user or a password that contains a slash.

    `https://user:12/34@host` may as well mean the path `/34@host` at port 12 of the host `user`. An API key without a
    password has no dots, unlike a host name.
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
            raise UnclearUrl(f"is not a URL: its port is not a number up to {_HIGHEST_PORT}; {_ENCODE}")
        if not found["host"]:
            raise UnclearUrl("names no host")
    try:
        # urlsplit refuses characters that NFKC turns into delimiters, and brackets without an IP address.
        urlsplit(f"//{address}")
    except ValueError:
        raise UnclearUrl("is not a URL") from None


def strictly_written(text: str) -> str:
    """Return a URL that every library reads as `take_apart` does. Raises UnclearUrl."""
    userinfo = take_apart(text).userinfo or ""
    # The first colon separates user and password, in every library.
    strict = quote(_LONE_PERCENT.sub("%25", userinfo), safe=f"%{_USERINFO}", errors="replace")
    # The rest stays unchanged: the query may be signed.
    return text if strict == userinfo else text.replace(f"//{userinfo}@", f"//{strict}@", 1)


def place_of(text: str) -> str:
    """Return a URL without user and query, which may hold secrets. Of an ambiguous URL, only the scheme."""
    bare = re.split("[?#]", text, maxsplit=1)[0]
    if "://" not in bare:
        return bare
    try:
        url = take_apart(text)
    except UnclearUrl:
        return _scheme_alone(text)
    return f"{bare.partition(':')[0]}://{url.address}{url.path}"


def without_password(text: str) -> str:
    """Return a URL that is safe to log: passwords, and parameters with a secret's name, are replaced by ***."""
    try:
        url = take_apart(text) if text else None
    except UnclearUrl:
        return _scheme_alone(text)
    if url is None or url.address is None:
        return text
    query = re.sub(r"(^|&)([^=&]*)=[^&]*", _hidden, url.query)
    # A user without a password is often a password whose colon is missing.
    user = "***" if url.user and url.password is None else url.user
    return str(replace(url, user=user, password=url.password and "***", query=query, fragment=None))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}=***" if SECRETIVE.search(unquote(found[2])) else found[0]


def _scheme_alone(text: str) -> str:
    scheme, slashes, _ = text.partition("://")
    return f"{scheme}://…" if slashes and _SCHEME.fullmatch(f"{scheme}:") else "…"


def secrets_in(text: str) -> set[str]:
    """Return the secrets in a URL, in every spelling that a library may show.

    The password, and the parts of it that remain if a library ends it too soon; in a web address also a user without a
    password; and parameters that have a secret's name, or are URLs that contain one.
    """
    found = _in_query(text.partition("?")[2])
    try:
        url = take_apart(text)
    except UnclearUrl:
        found |= _pieces(text.partition("://")[2].rpartition("@")[0])
    else:
        if url.password:
            # With its delimiters too: nothing else tells a password of one to three letters from other text.
            userinfo = url.userinfo or ""
            found |= {userinfo, *([f"//{userinfo}@"] if len(userinfo) < _SHORT else [])}
            found |= _pieces(url.password) | _pieces(unquote(url.password))
            # What an HTTP client sends for Basic authentication (RFC 7617).
            pair = f"{unquote(url.user or '')}:{unquote(url.password)}"
            found.add(base64.b64encode(pair.encode(errors="replace")).decode())
        elif url.user and url.scheme in _LONE_USER_IS_SECRET:
            found |= {url.user, base64.b64encode(f"{unquote(url.user)}:".encode(errors="replace")).decode()}
    encoded = {quote(secret, safe=safe, errors="replace") for secret in found for safe in ("", _USERINFO)}
    return (found | encoded | {unquote(secret) for secret in found}) - {""}


def _in_query(query: str) -> set[str]:
    """Return the secrets in a query; an unencoded & or # ends one, and the rest becomes another parameter or a fragment."""
    first = next((pair for pair in re.finditer(r"(?:^|&)([^=&]*)=", query) if SECRETIVE.search(unquote(pair[1]))), None)
    rest = {query[first.end() :]} if first else set()
    return set(secretive(parse_qsl(query))) | rest


def secretive(pairs: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Yield the values whose names are those of secrets, and the secrets in values that are URLs."""
    for name, value in pairs:
        if isinstance(value, str):
            if SECRETIVE.search(name):
                yield from _pieces(value)
            if "://" in value:
                yield from secrets_in(value)


def _pieces(secret: str) -> set[str]:
    """Return a secret, and its parts before and after each character at which a library may end it."""
    cuts = [cut.span() for cut in _DELIMITERS.finditer(secret)]
    heads, tails = {secret[:start] for start, _ in cuts}, {secret[end:] for _, end in cuts}
    return {secret, *heads, *tails, *_DELIMITERS.split(secret)}
