"""Operations on accounts, shared by the command line, the API and the console: list them, ask Exotel about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from webhook.operations.checks import why_not_asked
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.status import account_document
from worker.ledger.queries.totals import totals_of_account, totals_of_accounts
from worker.steps.probe import Credentials, ask_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.ledger import Ledger

_ANSWERS = {
    Credentials.ACCEPTED: "accepted",
    Credentials.REFUSED: "refused",
    Credentials.THROTTLED: "throttled",
    Credentials.UNREACHABLE: "unreachable",
    Credentials.NOT_ASKED: "not_asked",
}
#: What `retry_account` may find, as programs read it.
ANSWERS = tuple(_ANSWERS.values())


class _OnlyLedger(NamedTuple):
    """Announces what comes of it; a worker's dispatcher finds the record at its next tick."""

    ledger: Ledger
    nudge: Callable[[], None] = lambda: None


def list_accounts(ledger: Ledger) -> list[dict[str, Any]]:
    """Return every account with its state, counts and quota; reasons, which may quote Exotel, are made safe to show."""
    fit = DeadLetters(ledger).fit
    documents = [
        {"account_sid": totals.sid, **account_document(ledger.account(totals.sid), totals)}
        for totals in totals_of_accounts(ledger, ledger.calls)
    ]
    return [{**each, "reason": each["reason"] and fit(each["reason"])} for each in documents]


def retry_account(ledger: Ledger, sid: str) -> dict[str, Any]:
    """Ask Exotel about an account now, also if it is suspended, with one request under its quota.

    Return what it said, and the state that came of it. Raises KeyError for an unknown account, redis.RedisError.
    """
    book = ledger.calls[sid]
    book.bucket.allow_probe()
    ledger.refresh_sinks()
    found = ask_account(_OnlyLedger(ledger), book.account)
    text = why_not_asked(found.text) if found.credentials is Credentials.NOT_ASKED else found.text
    return {
        "account_sid": sid,
        "answer": _ANSWERS[found.credentials],
        "text": DeadLetters(ledger).fit(text),
        "state": totals_of_account(ledger, sid).state,
    }
