"""Judge after a run whether every guarantee was kept: pure functions over what was observed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.records import COMPLETED, CORRECTED, UNAVAILABLE, Arrived
from faults.truth import differences

if TYPE_CHECKING:
    from faults.driver import Call

# Fetches that a scenario answers with 200 although the answer is not final.
_EARLY_READS = {"legs-late": 2, "count-below-total": 2, "leg-in-progress": 1, "no-legs-at-first": 1, "html-200": 1}
# Scenarios that never get all legs: one ends as unavailable, the other as not settled.
NEVER_KNOWN, NEVER_WHOLE = "404-for-ever", "count-below-total-for-ever"
# Scenarios whose legs change after they looked final: only these may be corrected.
_CHANGING = {"changed-later"}
_SHOWN = 5


@dataclass(frozen=True)
class Trouble:
    """A time (`time.monotonic`) during which Exotel gave an account (None: all) no usable answer."""

    account: str | None
    began: float
    ended: float


@dataclass
class Seen:
    """The observations of a run."""

    calls: dict[str, Call]
    sinks: dict[str, list[Arrived]]
    #: Records that a sink got and did not acknowledge: each must be sent again, unchanged.
    unacknowledged: list[Arrived]
    spoilt: list[bytes]
    truths: dict[str, dict[str, Any]]
    summary: dict[str, Any]
    status: dict[str, Any]
    #: Every request that arrived at Exotel; used only for calls that ended without all legs.
    arrivals: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)
    #: Accounts whose quota another client uses too: 429s are expected there.
    shared: set[str] = field(default_factory=set)
    attempts: int = 1
    #: Log lines that show a bug, and processes that ended unexpectedly.
    crashes: list[str] = field(default_factory=list)


@dataclass
class Verdict:
    """`problems` by kind; empty: every guarantee was kept. `figures` go into the report."""

    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not any(self.problems.values())

    def told(self) -> str:
        """Return the problems as text, a few of each kind."""
        lines = []
        for kind, found in self.problems.items():
            lines.append(f"{kind}: {len(found)}")
            lines += [f"    {each[:600]}" for each in found[:_SHOWN]]
        return "\n".join(lines) or "no problem"


def judge(seen: Seen) -> Verdict:
    """Compare the observations with the guarantees."""
    verdict = Verdict()
    owed = {sid: call for sid, call in seen.calls.items() if call.noted_at is not None}
    _judge_sinks(seen, owed, verdict)
    _judge_quota(seen, verdict)
    _judge_what_is_left(seen, verdict)
    if seen.spoilt:
        verdict.problems["spoilt lines"] += [repr(line) for line in seen.spoilt]
    if seen.crashes:
        verdict.problems["crashes"] += seen.crashes
    verdict.figures |= {"calls_sent": len(seen.calls), "obligations": len(owed)}
    return verdict


def _judge_sinks(seen: Seen, owed: dict[str, Call], verdict: Verdict) -> None:
    attempts = _failed_attempts(seen)
    kinds: Counter[str] = Counter()
    again = 0
    for sink, records in seen.sinks.items():
        digests: dict[str, str] = {}
        of_call: dict[str, dict[str, Arrived]] = defaultdict(dict)
        for record in records:
            if digests.setdefault(record.id, record.digest) != record.digest:
                verdict.problems["same id, other content"].append(f"{sink}: {record.id} of {record.call_sid}")
            of_call[record.call_sid].setdefault(record.id, record)
        again += len(records) - len(digests)
        for record in seen.unacknowledged if sink == "hook" else []:
            if digests.get(record.id, record.digest) != record.digest:
                verdict.problems["same id, other content"].append(f"{sink}: {record.id} of {record.call_sid}")
        for sid in of_call.keys() - seen.calls.keys():
            verdict.problems["records of calls nobody sent"].append(f"{sink}: {sid}")
        for sid, call in owed.items():
            found = list(of_call.get(sid, {}).values())
            for problem in _judge_call(seen, call, found, attempts[sid]):
                verdict.problems[problem[0]].append(f"{sink}: {call.scenario} {sid} of {call.account}: {problem[1]}")
            kinds.update(_kind(record) for record in found)
    verdict.figures |= {"records": dict(kinds), "deliveries_repeated": again}


def _kind(record: Arrived) -> str:
    kind = record.type.rpartition(".")[2]
    return kind if record.event["data"]["settled"] or kind == "unavailable" else f"{kind}, not settled"


def _judge_call(seen: Seen, call: Call, found: list[Arrived], failed: int) -> list[tuple[str, str]]:
    """Yield what is wrong with the records of one call at one sink, as kind and text."""
    first = [record for record in found if record.type in {COMPLETED, UNAVAILABLE}]
    corrections = [record for record in found if record.type == CORRECTED]
    if not first:
        return [("lost", "no record")]
    if len(first) > 1:
        return [("doubled", f"{[record.type for record in first]}")]
    if corrections and (call.scenario not in _CHANGING or len(corrections) > 1):
        return [("corrected without need", f"{len(corrections)} corrections")]
    record, truth = (corrections or first)[0], seen.truths[call.sid]
    if record.event["data"]["settled"]:
        if call.scenario in {NEVER_KNOWN, NEVER_WHOLE}:
            return [("settled without its legs", record.type)]
        return [("content", text) for text in differences(record.event, truth)]
    problems = [("content", text) for text in differences(record.event, truth, whole=False)]
    expected = (
        call.sid in seen.poisoned
        or (call.scenario == NEVER_KNOWN and record.type == UNAVAILABLE)
        or (call.scenario == NEVER_WHOLE and record.type == COMPLETED)
    )
    if not expected and failed < seen.attempts:
        reason = record.event["data"].get("reason")
        problems.append(("given up too early", f"{reason!r} after {failed} failed attempts of {seen.attempts}"))
    return problems


def _failed_attempts(seen: Seen) -> Counter[str]:
    """Count each call's unsuccessful fetches: because of the answer, a fault at that time, or its scenario.

    A 429 and a refusal of the account use up no attempt.
    """
    failed: Counter[str] = Counter()
    early: Counter[str] = Counter()
    for arrival in seen.arrivals:
        sid, status, at = arrival["call_sid"], arrival["status"], arrival["monotonic"]
        call = seen.calls.get(sid)
        if call is None or status in {429, 401, 402, 403}:
            continue
        in_trouble = any(
            trouble.account in {None, call.account} and trouble.began <= at <= trouble.ended
            for trouble in seen.troubles
        )
        if status != 200 or in_trouble:
            failed[sid] += 1
        elif early[sid] < _EARLY_READS.get(call.scenario, 0):
            early[sid] += 1
            failed[sid] += 1
    return failed


def _judge_quota(seen: Seen, verdict: Verdict) -> None:
    fullest = {}
    for sid, account in seen.summary["accounts"].items():
        fullest[sid] = account["fullest_window"]
        if account["fullest_window"] > account["quota"]:
            verdict.problems["windows above the limit"].append(
                f"{sid}: {account['fullest_window']} arrivals in {account['quota_seconds']} s, limit {account['quota']}"
            )
        if account["refused"] and sid not in seen.shared:
            verdict.problems["refused by the quota"].append(f"{sid}: {account['refused']}")
    if seen.summary["writes"]:
        verdict.problems["writes"].append(f"{seen.summary['writes']} requests would have rung a phone")
    verdict.figures |= {
        "arrivals_at_exotel": seen.summary["arrivals"],
        "answers_of_exotel": seen.summary["statuses"],
        "fullest_window": fullest,
        "quota": {sid: account["quota"] for sid, account in seen.summary["accounts"].items()},
    }


def _judge_what_is_left(seen: Seen, verdict: Verdict) -> None:
    calls = seen.status["calls"]
    left = {name: calls[name] for name in ("waiting", "fetching") if calls[name]}
    for name, sink in seen.status["sinks"].items():
        left |= {f"{name} {what}": sink[what] for what in ("waiting", "dead") if sink[what]}
    if left:
        verdict.problems["left over"].append(str(left))
    honest = sum(1 for call in seen.calls.values() if call.noted_at is not None)
    if calls["received"] < honest:
        verdict.problems["left over"].append(f"the ledger knows {calls['received']} calls of {honest}")
