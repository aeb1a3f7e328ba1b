"""The judge reports each broken guarantee, and none that was kept."""

from __future__ import annotations

import copy

import pytest
from faults.driver import Call
from faults.judge import NEVER_KNOWN, NEVER_WHOLE, Seen, Trouble, judge
from faults.records import Tail, arrived

SID, ACCOUNT = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "alpha1m"
ATTEMPTS = 3

TRUTH = {
    "sid": SID,
    "account_sid": ACCOUNT,
    "direction": "outbound",
    "legs": [
        {
            "sid": name,
            "number": number,
            "origin": origin,
            "status": "completed",
            "on_call_seconds": seconds,
            "created_at": f"2026-09-16T05:42:{second}.000Z",
        }
        for name, number, origin, seconds, second in (
            ("leg1", "09000009001", "outbound", 34, 10),
            ("leg2", "09000001101", "outbound-dial", 21, 18),
        )
    ],
}
LEGS = [
    {
        "sid": name,
        "role": role,
        "number": number,
        "status": "completed",
        "on_call_seconds": seconds,
        "created_at": f"2026-09-16T05:42:{second}Z",
    }
    for name, role, number, seconds, second in (
        ("leg1", "caller", "+919000009001", 34, 10),
        ("leg2", "callee", "+919000001101", 21, 18),
    )
]


def record(kind="completed", *, name="evt_1", sid=SID, at=1.0, **data):
    usual = {
        "account_sid": ACCOUNT,
        "call_sid": sid,
        "settled": kind != "unavailable",
        "direction": "outbound",
        "status": "completed",
        "talk_seconds": 21,
        "participant_count": 2,
        "scenario": "direct",
        "monitored": False,
        "agents": [{"number": "+919000009001", "on_call_seconds": 34}],
        "legs": [] if kind == "unavailable" else copy.deepcopy(LEGS),
    }
    return arrived({"id": name, "type": f"legwork.call.{kind}", "subject": sid, "data": usual | data}, at=at)


@pytest.fixture
def seen():
    """Return a run with one accepted call in which every guarantee was kept."""
    quiet = {"waiting": 0, "dead": 0}
    account = {"fullest_window": 60, "quota": 60, "quota_seconds": 3.0, "refused": 0}
    return Seen(
        calls={SID: Call(SID, ACCOUNT, "answered", noted_at=1.0)},
        sinks={"file": [record()], "hook": [record()]},
        unacknowledged=[],
        spoilt=[],
        truths={SID: TRUTH},
        summary={"accounts": {ACCOUNT: account}, "arrivals": 1, "writes": 0, "statuses": {"200": 1}},
        status={"calls": {"received": 1, "waiting": 0, "fetching": 0}, "sinks": {"file": quiet, "hook": quiet}},
        attempts=ATTEMPTS,
    )


def problems(seen):
    return sorted(kind for kind, found in judge(seen).problems.items() if found)


def arrival(status, at=10.0):
    return {"call_sid": SID, "status": status, "monotonic": at}


def test_what_was_kept_is_no_problem(seen):
    assert problems(seen) == []


def test_the_same_record_twice_is_what_at_least_once_means(seen):
    seen.sinks["hook"] += [record(), record()]
    assert problems(seen) == []
    assert judge(seen).figures["deliveries_repeated"] == 2


def test_a_call_that_was_never_answered_200_is_owed_nothing(seen):
    seen.calls["other"] = Call("other", ACCOUNT, "answered")
    assert problems(seen) == []


def test_a_lost_record_is_noticed_at_the_sink_that_lacks_it(seen):
    seen.sinks["hook"].clear()
    verdict = judge(seen)
    assert [kind for kind, found in verdict.problems.items() if found] == ["lost"]
    assert verdict.problems["lost"][0].startswith("hook:")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (record(name="evt_2"), "doubled"),
        (record("unavailable", name="evt_2"), "doubled"),
        (record(direction="inbound"), "same id, other content"),
        (record(name="evt_2", sid="nobody"), "records of calls nobody sent"),
        (record("corrected", name="evt_2"), "corrected without need"),
    ],
)
def test_a_record_too_many_is_noticed(seen, more, problem):
    seen.sinks["file"].append(more)
    assert problem in problems(seen)


def test_what_was_not_acknowledged_has_to_come_again_as_it_was(seen):
    seen.unacknowledged.append(record(direction="inbound"))
    assert problems(seen) == ["same id, other content"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"legs": LEGS[:1]},
        {"legs": [LEGS[0], LEGS[1] | {"number": "+919000001102"}]},
        {"legs": [LEGS[0], LEGS[1] | {"role": "caller"}]},
        {"legs": [LEGS[0], LEGS[1] | {"on_call_seconds": 22}]},
        {"legs": LEGS[::-1]},
        {"direction": "inbound"},
        {"talk_seconds": 20},
        {"participant_count": 3},
        {"agents": []},
        {"agents": [{"number": "+919000009001", "on_call_seconds": 35}]},
        {"account_sid": "beta1m"},
    ],
)
def test_a_record_that_differs_from_the_truth_is_noticed(seen, wrong):
    seen.sinks = {"file": [record(**wrong)]}
    assert problems(seen) == ["content"]


def test_giving_up_is_honest_only_after_the_whole_schedule_in_vain(seen):
    seen.sinks = {"file": [record("unavailable")]}
    seen.arrivals = [arrival(503), arrival(None)]
    assert problems(seen) == ["given up too early"]
    seen.arrivals += [arrival(429), arrival(401)]
    assert problems(seen) == ["given up too early"], "these cost no attempt"
    seen.arrivals.append(arrival(200))
    assert problems(seen) == ["given up too early"], "that one was a good answer"
    seen.troubles.append(Trouble(None, 9.0, 11.0))
    assert problems(seen) == [], "but for the trouble that cut it short"


@pytest.mark.parametrize(
    ("scenario", "kind", "data"), [(NEVER_KNOWN, "unavailable", {}), (NEVER_WHOLE, "completed", {"settled": False})]
)
def test_calls_that_never_get_their_legs_end_as_what_they_are(seen, scenario, kind, data):
    seen.calls[SID].scenario = scenario
    seen.sinks = {"file": [record(kind, **data)]}
    assert problems(seen) == []
    seen.sinks = {"file": [record()]}
    assert problems(seen) == ["settled without its legs"]


def test_a_call_that_kills_its_worker_may_be_given_up(seen):
    seen.sinks = {"file": [record("unavailable")]}
    seen.poisoned.add(SID)
    assert problems(seen) == []


def test_a_window_above_the_limit_is_noticed_and_so_is_a_refusal_that_nobody_else_brought_about(seen):
    account = seen.summary["accounts"][ACCOUNT]
    account |= {"fullest_window": 61, "refused": 1}
    assert problems(seen) == ["refused by the quota", "windows above the limit"]
    seen.shared.add(ACCOUNT)
    assert problems(seen) == ["windows above the limit"]


@pytest.mark.parametrize("part", ["waiting", "fetching"])
def test_what_is_left_in_the_ledger_is_noticed(seen, part):
    seen.status["calls"][part] = 1
    assert problems(seen) == ["left over"]


def test_a_ledger_that_knows_fewer_calls_than_were_noted_is_noticed(seen):
    seen.status["calls"]["received"] = 0
    assert problems(seen) == ["left over"]


def test_a_line_that_is_no_record_and_a_crash_are_noticed(seen):
    seen.spoilt.append(b'{"half": ')
    seen.crashes.append("worker1 ended by itself with 1")
    seen.summary["writes"] = 1
    assert problems(seen) == ["crashes", "spoilt lines", "writes"]


def test_half_a_line_at_the_end_of_the_file_is_no_record(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"id": "evt_1", "type": "t", "subject": "s"}\nno json\n{"id": "evt')
    taken, spoilt = Tail(path).read_all()
    assert [each.id for each in taken] == ["evt_1"]
    assert spoilt == [b"no json", b'{"id": "evt']
