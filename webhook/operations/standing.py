"""How each account and each sink stands in the ledger, for `legwork check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from webhook.operations.diagnosis import account_problems, counted, exhausted, sink_problems, waiting
from webhook.operations.finding import Finding, Verdict
from webhook.operations.status import read_status
from worker.ledger.advice import what_to_do

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webhook.operations.problem import Problem
    from worker.ledger import Ledger
    from worker.ledger.queries.totals import AccountTotals, SinkTotals

# In these states nothing flows until somebody acts. What is only late or slow is a warning: `check` tests a set-up.
_STOPPED = frozenset({"suspended", "failing", "disabled"})


def check_standing(ledger: Ledger) -> Iterator[Finding]:
    """Is an account suspended, is a sink failing or disabled, what is late, what has failed after all retries?"""
    try:
        found = read_status(ledger)
    except redis.RedisError as error:
        text = f"does not tell how accounts and sinks stand: {error}; {what_to_do(error)}"
        yield Finding("ledger", Verdict.WRONG, text)
        return
    for account, totals in found.accounts:
        yield from _standing_of(f"account {account.sid}", "call", totals, account_problems(account, totals))
    for sink in found.sinks:
        yield from _standing_of(f"sink {sink.name}", "record", sink, sink_problems(sink))


def _standing_of(
    about: str, what: str, totals: AccountTotals | SinkTotals, problems: Iterable[Problem]
) -> Iterator[Finding]:
    verdict = Verdict.WRONG if totals.state in _STOPPED else Verdict.WARNING
    findings = [Finding(about, verdict, problem.text) for problem in problems]
    yield from findings or [Finding(about, Verdict.OK, f"{totals.state}; {waiting(totals.waiting, what)}")]
    if totals.dead:
        yield Finding(about, Verdict.WARNING, exhausted(counted(totals.dead, what)))
