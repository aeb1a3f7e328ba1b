"""Identifiers of calls and legs in Exotel's shape: 32 characters, the day of creation in the last four."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sandbox.times import IST

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS = 28


def call_sid(created: float) -> str:
    """Return a new CallSid: 28 random hex digits, then year, month and day (`187v` is 31 July 2024)."""
    day = datetime.fromtimestamp(created, IST)
    suffix = f"{day.year - 2000:02x}{day.month:x}{_BASE36[day.day]}"
    return secrets.token_hex(_RANDOM_DIGITS // 2) + suffix


def leg_sid(call: str, position: int) -> str:
    """Return the Sid of a call's leg, derived from call and position, so that nothing has to be stored."""
    digest = hashlib.sha256(f"{call}/{position}".encode()).hexdigest()
    return digest[:_RANDOM_DIGITS] + call[_RANDOM_DIGITS:]
