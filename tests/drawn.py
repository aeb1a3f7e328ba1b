"""Legs of a record, for those who draw them."""

from __future__ import annotations


def leg(role="callee", begin=0, end=30, talk=10, **more):
    """A leg of a record, its times in seconds after the call's beginning."""
    at = "2026-09-16T05:42:{:02}Z".format
    return {
        "role": role,
        "number": "+919000000001",
        "number_raw": "09000000001",
        "status": "completed",
        "created_at": None if begin is None else at(begin),
        "started_at": None,
        "updated_at": None if end is None else at(end),
        "ended_at": None,
        "on_call_seconds": talk,
        **more,
    }
