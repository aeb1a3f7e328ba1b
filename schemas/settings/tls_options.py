"""Validate the TLS options in a Redis URL: redis-py and kombu would fail only when they connect."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from marshmallow import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The values of redis-py, Celery and Python's ssl.
_CERT_REQS = {
    word: right
    for right in ("none", "optional", "required")
    for word in (right, f"cert_{right}", f"ssl.cert_{right}", f"verifymode.cert_{right}")
}
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "yes", "y", "on", "t"), "true"),
    **dict.fromkeys(("false", "0", "no", "n", "off", "f"), "false"),
}


def read_tls_options(options: Mapping[str, str]) -> dict[str, str]:
    """Return the options as redis-py and kombu both spell them. Raises ValidationError, without showing a value."""
    if set(options) - set(_READ):
        raise ValidationError(f"unknown TLS option; known are {', '.join(_READ)}")
    read = {name: _READ[name](name, value) for name, value in options.items()}
    if "ssl_keyfile" in read and "ssl_certfile" not in read:
        raise ValidationError("ssl_keyfile needs an ssl_certfile")
    if "ssl_certfile" in read:
        _check_pair(read["ssl_certfile"], read.get("ssl_keyfile"), read.get("ssl_password"))
    return read


def _cert_reqs(name: str, value: str) -> str:
    try:
        return _CERT_REQS[value.casefold()]
    except KeyError:
        raise ValidationError(f"{name} must be none, optional or required") from None


def _boolean(name: str, value: str) -> str:
    try:
        return _BOOLEANS[value.casefold()]
    except KeyError:
        raise ValidationError(f"{name} must be true or false") from None


def _file(name: str, value: str) -> str:
    try:
        with Path(value).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise ValidationError(f"{name} names a file that cannot be read ({error.strerror})") from None
    except ValueError:  # a null byte
        raise ValidationError(f"{name} names a file that cannot exist") from None
    return value


def _authorities(name: str, value: str) -> str:
    try:
        found = ssl.create_default_context(cafile=_file(name, value)).cert_store_stats()["x509"]
    except (ssl.SSLError, OSError):
        found = 0
    if not found:
        raise ValidationError(f"{name} names a file that holds no certificate in PEM")
    return value


def _folder(name: str, value: str) -> str:
    try:
        is_there = Path(value).is_dir()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise ValidationError(f"{name} names a folder that does not exist")
    return value


def _ciphers(name: str, value: str) -> str:
    try:
        ssl.create_default_context().set_ciphers(value)
    except ssl.SSLError:
        raise ValidationError(f"{name} names no cipher that is available") from None
    return value


def _version(name: str, value: str) -> str:
    versions = {str(version.value): version for version in ssl.TLSVersion if version.value > 0}
    if value not in versions:
        raise ValidationError(
            f"{name} must be {ssl.TLSVersion.TLSv1_2.value} (TLS 1.2) or {ssl.TLSVersion.TLSv1_3.value} (1.3)"
        )
    return value


def _flags(name: str, value: str) -> str:
    if not all(flag.strip() in ssl.VerifyFlags.__members__ for flag in value.strip("[]").split(",")):
        raise ValidationError(f"{name} must be a list of Python's ssl.VerifyFlags, separated by commas")
    return value


def _check_pair(certificate: str, key: str | None, password: str | None) -> None:
    try:
        # Without a password, OpenSSL would prompt for one on the terminal.
        ssl.create_default_context().load_cert_chain(certificate, key, password=password or "")
    except (ssl.SSLError, OSError, ValueError):
        raise ValidationError(
            "ssl_certfile and ssl_keyfile do not hold a certificate and its key in PEM, or the key has another password"
        ) from None


_READ: dict[str, Callable[[str, str], str]] = {
    "ssl_cert_reqs": _cert_reqs,
    "ssl_check_hostname": _boolean,
    "ssl_ca_certs": _authorities,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_ca_path": _folder,
    "ssl_ciphers": _ciphers,
    "ssl_min_version": _version,
    "ssl_include_verify_flags": _flags,
    "ssl_exclude_verify_flags": _flags,
    "ssl_ca_data": lambda _name, value: value,
    "ssl_password": lambda _name, value: value,
}
