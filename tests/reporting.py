"""Calls for reports: records as Legwork builds them, and calls as hypothesis thinks them up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from factories import ACCOUNT, make_callback
from hypothesis import strategies as st
from payloads.records import build, legs_of

from worker.ledger.call import Verdict
from worker.record.reported import ReportedCall, TriedAgent

BEGAN = datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
CUSTOMER, OTHER_CUSTOMER = "+919000000011", "+919000000012"
AGENT, OTHER_AGENT, SOFTPHONE = "09000000001", "09000000002", "sip:agentone1a2b3c"


def leg(origin, number, at, *, ended_at=None, talk=0, status=None):
    """A leg in Exotel's words."""
    found = {
        "Origin": origin,
        "PhoneNumber": number,
        "Status": status or ("completed" if talk else "no-answer"),
        "OnCallDuration": talk,
        "DateCreated": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return found | ({"EndTime": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}"} if ended_at else {})


def inbound(sid, customer=CUSTOMER, *tried, at=BEGAN, wait=8, **changes):
    """The record of an inbound call; `tried`: agents, each by number and talk in seconds; one answers after `wait`."""
    end = at + timedelta(seconds=wait + sum(talk for _, talk in tried))
    legs = [leg("inbound", customer, at, ended_at=end, talk=1)]
    for place, (number, talk) in enumerate(tried):
        rung = at + timedelta(seconds=1 + place)
        legs.append(leg("outbound-dial", number, rung, ended_at=at + timedelta(seconds=wait + talk), talk=talk))
    return build(legs_of(*legs), [make_callback(sid)], call_sid=sid, **changes)


def outbound(sid, customer=CUSTOMER, agent=AGENT, *, talk=30, at=BEGAN, wait=12):
    """The record of an outbound call: the agent is rung first, the customer answers where `talk` is not 0."""
    end = at + timedelta(seconds=wait + talk)
    legs = [
        leg("outbound", agent, at, ended_at=end, talk=wait + talk),
        leg("outbound-dial", customer, at + timedelta(seconds=2), ended_at=end, talk=talk),
    ]
    return build(legs_of(*legs), [make_callback(sid, From=agent, To=customer)], call_sid=sid)


def keep(ledger, event, *, outcome="settled"):
    """Have the ledger decide on a call with this record, in the account that the record names."""
    data = event["data"]
    book, sid = ledger.calls[data.get("account_sid", ACCOUNT)], data["call_sid"]
    book.admit(make_callback(sid), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    key = f"{data['revision']}/{event['type'].rpartition('.')[2]}"
    step = {"at": 1_790_000_000_000, "step": "fetch", "answer": "200: final"}
    assert book.decide(sid, lease, Verdict(outcome, data["revision"], event_key=key, event=event, step=step))


PEOPLE = st.sampled_from([None, "+919000000011", "+919000000012", "+14155550123", "+9118001234"])
AGENTS = st.sampled_from([None, "+919000000001", "1234", "sip:agentone1a2b3c"])
SECONDS = st.integers(0, 14_400) | st.floats(0, 100).map(lambda seconds: round(seconds, 2))
CALLS = st.builds(
    ReportedCall,
    account_sid=st.sampled_from(["acme1m", "acme2m"]),
    # Few moments, so that calls begin together.
    began_at=st.integers(0, 40).map(lambda step: BEGAN + timedelta(minutes=37 * step)),
    direction=st.sampled_from([None, "inbound", "inbound", "outbound"]),
    outcome=st.sampled_from([None, "answered", "missed", "busy", "failed"]),
    customer=PEOPLE,
    wait_seconds=st.none() | SECONDS,
    agents=st.lists(
        st.builds(TriedAgent, AGENTS, st.booleans(), SECONDS), max_size=3, unique_by=lambda one: one.name
    ).map(tuple),
)
