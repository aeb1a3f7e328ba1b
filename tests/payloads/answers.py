"""Answers of the Legs API out of a few words."""

import json
from zoneinfo import ZoneInfo

from schemas.legs import load_legs

KOLKATA = ZoneInfo("Asia/Kolkata")
SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"


def load(document, zone=KOLKATA):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return load_legs(body, timezone=zone)


def leg(**fields):
    return {"Sid": "leg1", "CallSid": SID, "Status": "completed", "Origin": "inbound", **fields}


def answer(*legs, total=None, count=None):
    total = len(legs) if total is None else total
    return {"MetaData": {"Total": total, "Count": len(legs) if count is None else count}, "legs": list(legs)}
