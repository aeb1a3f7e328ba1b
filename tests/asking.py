"""A client of Exotel's API under test, and what comes of asking with it."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_settings
from payloads.samples import ANSWERS
from stubs import answer

from worker.errors import TemporaryFailure
from worker.exotel import ExotelClient

S1, S2, S3 = ANSWERS["S1"], ANSWERS["S2"], ANSWERS["S3"]
SID = S1.call_sid
FINAL = answer(S1.body)
#: For tests in which no answer comes in time.
TIMEOUT_SECONDS = 0.3


def client_of(url, **variables):
    """A client that waits long enough for a busy machine, unless told otherwise."""
    variables = {"exotel_timeout_seconds": 10, **variables}
    return ExotelClient(make_settings(exotel_base_url=url, **variables).account(ACCOUNT))


def failure_of(client, kind=TemporaryFailure, call_sid=SID):
    with pytest.raises(kind) as caught:
        client.fetch_legs(call_sid)
    assert type(caught.value) is kind
    return caught.value
