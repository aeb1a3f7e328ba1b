"""`/api/status`, `/api/accounts`, `/api/minutes`: what `legwork status` and the console's overview show."""

from __future__ import annotations

from typing import Any

from webhook.api.blueprints import check_known, make_blueprint
from webhook.api.shapes.status import Account, HowMany, Minute, RetriedAccount, Status
from webhook.context.services import services
from webhook.operations import accounts as operations
from webhook.operations.status import as_document, read_status
from webhook.operations.times import utc
from worker.ledger.meters import ALL, DELIVERED, FETCHED, RECEIVED
from worker.ledger.queries.activity import Range, read_activity

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
    return operations.list_accounts(services().ledger)


@accounts.post("/<string(minlength=1, maxlength=64):account>/retry")
@accounts.doc(operationId="retry_account")
@accounts.response(200, RetriedAccount())
@accounts.alt_response(404, description="There is no such account.")
def retry_account(account: str) -> dict[str, Any]:
    """Retry an account.

    Exotel is asked about it now, also if it is suspended: one request, counted against its quota. A suspension ends if it
    accepts the credentials; the account is suspended if it refuses them.
    """
    ledger = services().ledger
    check_known(account, None)
    return operations.retry_account(ledger, account)


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
