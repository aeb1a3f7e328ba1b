"""Dead letters as commands are asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook import letters
from webhook.cli.common import open_ledger, settings_with_redis, utc
from webhook.cli.given import check_account, check_sink

if TYPE_CHECKING:
    from worker.ledger.mending import DeadLetter


class Letters(letters.Letters):
    """The dead letters of an account, to a sink, with some words in their reason; or all of them."""

    def __init__(self, account: str | None = None, sink: str | None = None, reason: str | None = None) -> None:
        ledger = open_ledger(settings_with_redis())
        check_account(ledger, account)
        check_sink(ledger, sink, account)
        super().__init__(ledger, account, sink, reason)

    def as_document(self, letter: DeadLetter) -> dict[str, Any]:
        """Return it for programs."""
        attempts = [{**self.masked(attempt), "at": utc(attempt["at"])} for attempt in letter.attempts]
        said = self.last_answer(letter)
        of_delivery = {
            "sink": letter.sink,
            "record": letter.event_key,
            "attempts": attempts,
            "last_answer": None if said is None else {**said, "at": utc(said["at"])},
        }
        return {
            "what": "fetch" if letter.sink is None else "delivery",
            "account_sid": letter.account_sid,
            "call_sid": letter.call_sid,
            "at": utc(letter.at_ms),
            "reason": self.reason(letter),
            **({} if letter.sink is None else of_delivery),
        }
