"""`/api/status`, `/api/accounts`, `/api/minutes`: what `legwork status` and the console's overview show."""

from __future__ import annotations

from typing import Any

from webhook.api.blueprints import make_blueprint
from webhook.api.shapes.status import Account, HowMany, Minute, Status
from webhook.context.services import services
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.status import account_document, as_document, read_status
from webhook.operations.times import utc
from worker.ledger.meters import ALL, DELIVERED, FETCHED, RECEIVED
from worker.ledger.queries.activity import Range, read_activity
from worker.ledger.queries.totals import totals_of_accounts

status = make_blueprint("status", "The state of the whole system.")
accounts = make_blueprint("accounts", "Each account's quota and state.")
minutes = make_blueprint("minutes", "Recent activity, minute by minute.")


@status.get("")
@status.doc(operationId="read_status")
@status.response(200, Status())
def show_status() -> dict[str, Any]:
    """Get status.

    Calls by state, accounts, sinks, workers, and what keeps calls from flowing.
    """
    ledger = services().ledger
    ledger.refresh_sinks()
    return as_document(read_status(ledger))


@accounts.get("")
@accounts.doc(operationId="list_accounts")
@accounts.response(200, Account(many=True))
def list_accounts() -> list[dict[str, Any]]:
    """List accounts.

    Each with its quota, how much of it is used, and its pauses and suspensions.
    """
    ledger = services().ledger
    fit = DeadLetters(ledger).fit
    documents = [
        {"account_sid": totals.sid, **account_document(ledger.account(totals.sid), totals)}
        for totals in totals_of_accounts(ledger, ledger.calls)
    ]
    # A reason may quote Exotel.
    return [{**each, "reason": each["reason"] and fit(each["reason"])} for each in documents]


@minutes.get("")
@minutes.doc(operationId="list_minutes")
@minutes.arguments(HowMany(), location="query")
@minutes.response(200, Minute(many=True))
def list_minutes(given: dict[str, int]) -> list[dict[str, Any]]:
    """List minutes.

    The numbers of calls received, requests sent to Exotel and records delivered in each of the last minutes, the current
    minute last.
    """
    (found,) = read_activity(services().ledger, [ALL], Range("", step_minutes=1, steps=given["minutes"] - 1))
    columns = {"received": RECEIVED, "fetched": FETCHED, "delivered": DELIVERED}
    return [
        {"at": utc(minute.at * 1000), **{name: minute.counts[over.in_all] for name, over in columns.items()}}
        for minute in found.steps
    ]
