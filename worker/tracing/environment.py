"""Check OpenTelemetry's variables: whether traces are turned on, and whether the values are valid."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from schemas.settings import SettingsError
from schemas.urls import UnclearUrl, secrets_in, take_apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
# What the SDK accepts as a header.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[\t !#-+.-:<-\[\]-~-]*")
_COMPRESSIONS = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_FILE = re.compile(r"OTEL_EXPORTER_OTLP_(TRACES_)?(CERTIFICATE|CLIENT_CERTIFICATE|CLIENT_KEY)")
_COUNT, _LIMIT = re.compile(r"OTEL_BSP_[A-Z_]+"), re.compile(r"OTEL_[A-Z_]+_LIMIT")
# The SDK's variables of which the first may not exceed the second.
_BATCH, _QUEUE = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"), ("OTEL_BSP_MAX_QUEUE_SIZE", "2048")
_RATIOS = ("traceidratio", "parentbased_traceidratio")
_SAMPLERS = ("always_on", "always_off", "parentbased_always_on", "parentbased_always_off", *_RATIOS)


def is_asked_for(environ: Mapping[str, str]) -> bool:
    """Return whether an exporter or an endpoint is set, and the SDK is not disabled."""
    exporter = _word(environ, "OTEL_TRACES_EXPORTER")
    if _word(environ, "OTEL_SDK_DISABLED") == "true" or exporter == "none":
        return False
    return bool(exporter) or any(environ.get(name) for name in _ENDPOINTS)


def secrets_asked_with(environ: Mapping[str, str]) -> set[str]:
    """Return the secrets in OpenTelemetry's variables: passwords in endpoints, and the values of headers."""
    headers = {pair.partition("=")[2].strip() for name in _HEADERS for pair in environ.get(name, "").split(",")}
    return (
        headers | set(map(unquote, headers)) | set().union(*(secrets_in(environ.get(name, "")) for name in _ENDPOINTS))
    )


def refuse_what_is_wrong(environ: Mapping[str, str]) -> None:
    """Raise SettingsError with everything that is wrong; the SDK itself would silently use other values."""
    problems = []
    if _word(environ, "OTEL_TRACES_EXPORTER") not in {"", "otlp"}:
        problems.append("OTEL_TRACES_EXPORTER: is not one that Legwork has; use otlp, or none for no traces")
    problems += [
        f"{name}: is no URL; give one such as http://127.0.0.1:4318"
        for name in _ENDPOINTS
        if environ.get(name) and not _is_url(environ[name])
    ]
    problems += [
        f"{name}: only http/protobuf is spoken here; leave it out"
        for name in _PROTOCOLS
        if _word(environ, name) not in {"", "http/protobuf"}
    ]
    problems += _wrong_for_the_exporter(environ)
    problems += _wrong_numbers(environ)
    # Unchanged: the SDK strips no whitespace.
    sampler = environ.get("OTEL_TRACES_SAMPLER", "").lower()
    if sampler and sampler not in _SAMPLERS:
        problems.append(f"OTEL_TRACES_SAMPLER: is no sampler; use one of {', '.join(_SAMPLERS)}")
    if sampler in _RATIOS and not _is_ratio(environ.get("OTEL_TRACES_SAMPLER_ARG", "")):
        problems.append("OTEL_TRACES_SAMPLER_ARG: is no part of all calls; give a number from 0 to 1, such as 0.1")
    if problems:
        raise SettingsError(problems)


def _wrong_for_the_exporter(environ: Mapping[str, str]) -> Iterator[str]:
    for name in _HEADERS:
        # The SDK would print an invalid value, which may be a password.
        if not all(_HEADER.fullmatch(pair.strip()) for pair in environ.get(name, "").split(",") if pair.strip()):
            yield f"{name}: is no list of headers; give name=value, with commas between several, quoted as in a URL"
    for name in _COMPRESSIONS:
        if _word(environ, name) not in {"", "none", "gzip", "deflate"}:
            yield f"{name}: is no compression; use gzip, deflate or none"
    for name in _TIMEOUTS:
        if environ.get(name) and not _is_timeout(environ[name]):
            yield f"{name}: is no time; give seconds, such as 10"
    for name, path in environ.items():
        if path and _FILE.fullmatch(name) and not Path(path).is_file():
            yield f"{name}: there is no such file"


def _wrong_numbers(environ: Mapping[str, str]) -> Iterator[str]:
    for name, text in environ.items():
        least = 1 if _COUNT.fullmatch(name) else 0 if _LIMIT.fullmatch(name) else None
        if text and least is not None and not (_is_whole(text) and int(text) >= least):
            yield f"{name}: is no number that can be used; give a whole one from {least}"
    batch, queue = (environ.get(*one) or one[1] for one in (_BATCH, _QUEUE))
    if _is_whole(batch) and _is_whole(queue) and int(batch) > int(queue) > 0:
        yield f"{_BATCH[0]}: {batch} is more than {_QUEUE[0]}, {queue}; give no more than that"


def _is_whole(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit()


def _is_timeout(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _word(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip().lower()


def _is_url(text: str) -> bool:
    try:
        url = take_apart(text)
    except UnclearUrl:
        return False
    address = url.address or ""
    return url.scheme in {"http", "https"} and bool(address) and "," not in address and not address.endswith(":0")


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1 and math.isfinite(float(text))
    except ValueError:
        return False
