"""Ask Exotel at a worker's start about each account that has not answered lately, so that a wrong key shows at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import redis
import structlog

from worker.ledger.registry.account_notes import AccountNotes
from worker.steps.probe import Credentials, ask_account

if TYPE_CHECKING:
    from worker.context import WorkerContext
    from worker.steps.probe import Probed

log = structlog.get_logger(__name__)

# An account that answered within this time has shown that its key is right.
LATELY_SECONDS = 3600.0
# Of workers that start together, one asks.
_TOGETHER_SECONDS = 60


def ask_at_start(context: WorkerContext) -> None:
    """Ask about the accounts, one after the other."""
    for account in context.settings.accounts:
        notes = AccountNotes(context.ledger.client, account.sid)
        try:
            if not notes.claim_question(lately_seconds=LATELY_SECONDS, together_seconds=_TOGETHER_SECONDS):
                continue
            found = ask_account(context, account)
        except redis.RedisError as error:
            log.warning("account.not_tried", account=account.sid, reason=str(error))
            return
        _tell(account.sid, found)


def _tell(account_sid: str, found: Probed) -> None:
    match found.credentials:
        case Credentials.ACCEPTED:
            log.info("account.resumed" if found.has_resumed else "account.answers", account=account_sid)
        case Credentials.REFUSED:
            log.error("account.suspended", account=account_sid, reason=found.text)
        case _:
            log.warning("account.not_tried", account=account_sid, reason=found.text, hint="`legwork check` tries again")


def begin_asking(context: WorkerContext) -> None:
    """Ask in a thread of its own: the work need not wait for an Exotel that does not answer."""
    threading.Thread(target=ask_at_start, args=(context,), name="ask-at-start", daemon=True).start()
