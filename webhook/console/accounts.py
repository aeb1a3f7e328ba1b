"""`/accounts`: each account's state, its quota, and its use of the quota now and in the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template

from webhook.console.charts import chosen_range, quota
from webhook.console.flash import back_to
from webhook.context.services import services
from webhook.operations.accounts import retry_account
from worker.ledger.queries.totals import totals_of_accounts

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/accounts")
def show() -> ResponseReturnValue:
    """Show every account."""
    ledger, span = services().ledger, chosen_range()
    accounts = [
        (account := ledger.account(totals.sid), totals, quota(ledger, account, span))
        for totals in totals_of_accounts(ledger, ledger.calls)
    ]
    return render_template("accounts.html", accounts=accounts, span=span, now_ms=ledger.now_ms())


@blueprint.post("/accounts/<sid>/retry")
def retry(sid: str) -> ResponseReturnValue:
    """Ask Exotel about an account now, like `legwork accounts retry`."""
    ledger = services().ledger
    if sid not in ledger.calls:
        abort(404, f"There is no account {sid}.")
    return back_to("console.accounts.show", f"account_{retry_account(ledger, sid)['answer']}")
