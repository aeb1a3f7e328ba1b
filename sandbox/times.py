"""Exotel's formats of a time; all are Indian time, without a UTC offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")

# How Exotel writes "no end yet" in a Passthru: the Unix epoch, seen from India.
NO_END_YET = "1970-01-01 05:30:00"


def exotel_time(epoch: float) -> str:
    """Return a time as the v1 API and callbacks write it: `2026-09-16 11:12:39`, IST, without an offset."""
    return datetime.fromtimestamp(epoch, IST).strftime("%Y-%m-%d %H:%M:%S")


def created_time(epoch: float) -> str:
    """Return a time as a Passthru writes `Created`: `Wed, 16 Sep 2026 16:42:56`, IST, without an offset."""
    return datetime.fromtimestamp(epoch, IST).strftime("%a, %d %b %Y %H:%M:%S")


def utc_time(epoch: float) -> str:
    """Return a time as the sandbox's own pages write it: `2026-09-16T05:42:39.250Z`."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_exotel_time(text: str) -> float:
    """Return the Unix time of `2026-09-16 11:12:39`, IST. Raises ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST).timestamp()
