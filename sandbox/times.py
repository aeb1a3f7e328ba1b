"""Exotel's ways of writing an instant; all of them are wall clock time of India without saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")

# How Exotel writes "no end yet" in a Passthru: the Unix epoch, seen from India.
NO_END_YET = "1970-01-01 05:30:00"


def exotel_time(epoch: float) -> str:
    """`2026-09-16 11:12:39`: what the v1 API and the callbacks write, no zone, IST."""
    return datetime.fromtimestamp(epoch, IST).strftime("%Y-%m-%d %H:%M:%S")


def created_time(epoch: float) -> str:
    """`Wed, 16 Sep 2026 16:42:56`: what a Passthru writes as `Created`, no zone, IST."""
    return datetime.fromtimestamp(epoch, IST).strftime("%a, %d %b %Y %H:%M:%S")


def utc_time(epoch: float) -> str:
    """`2026-09-16T05:42:39.250Z`: what the sandbox itself says to test drivers."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_exotel_time(text: str) -> float:
    """The instant of `2026-09-16 11:12:39`, IST. Raises ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=IST).timestamp()
