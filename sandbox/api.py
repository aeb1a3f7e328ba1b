"""The mock Exotel API: the legs of a call and the calls list, behind authentication and the quota."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from flask import Blueprint, request

from sandbox.answers import ANSWERS
from sandbox.faults import too_many
from sandbox.gateway import VISIT
from sandbox.listing import list_calls, read_query
from sandbox.quota import NANOSECONDS
from sandbox.wire import Reply, error, legs_error, respond

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sandbox.calls import Calls
    from sandbox.gateway import Visit
    from sandbox.settings import Settings

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Api:
    """The routes under `/v1`. They rely on the gateway having recorded the request."""

    def __init__(self, settings: Settings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls

    def blueprint(self) -> Blueprint:
        api = Blueprint("api", __name__, url_prefix="/v1/Accounts/<account_sid>")
        api.before_request(self._admit)
        for rule, view in (
            ("/Calls", self.calls),
            ("/Calls.json", self.calls),
            ("/Calls/<call_sid>/Legs", self.legs),
            ("/Calls/<call_sid>/Legs.json", self.legs),
            ("/<path:rest>", self.elsewhere),
        ):
            api.add_url_rule(rule, view_func=view, methods=_METHODS)
        return api

    def legs(self, account_sid: str, call_sid: str) -> Response:
        """Answer with a call's legs, once it is over; both errors differ only in their description."""
        call = self._calls.get(call_sid)
        if call is None or call.account_sid != account_sid:
            return _answer(legs_error(400, "Bad Request", "Please check the call id sent"))
        if not self._calls.is_over(call):
            return _answer(legs_error(400, "Bad Request", "The call is not completed"))
        way = call.scenario.answer_to(self._calls.read(call))
        return _answer(ANSWERS[way](call, self._settings))

    def calls(self, account_sid: str) -> Response:
        try:
            page = read_query(request.args, self._calls.now())
        except ValueError as reason:
            return _answer(error(400, f"Bad Request: {reason}"))
        return _answer(Reply(list_calls(self._calls, account_sid, page, request.path)))

    def elsewhere(self, **_: str) -> Response:
        return _answer(error(404, "The sandbox has only Legs and the calls list"))

    def _admit(self) -> Response | None:
        """Check the credentials, then the account, then the quota, then the method."""
        known = self._accounts_of_credentials()
        wanted = (request.view_args or {})["account_sid"]
        visit: Visit = request.environ[VISIT]
        if not known:
            refusal = error(401, "Authentication failed", {"WWW-Authenticate": 'Basic realm="Exotel"'})
        elif wanted not in {account.sid for account in self._settings.accounts}:
            refusal = error(404, "The requested resource was not found")
        elif wanted not in known:
            refusal = error(403, "You do not have access to this account")
        elif visit.arrival.refused_for is not None:
            refusal = self._over_quota(visit.arrival.refused_for / NANOSECONDS)
        elif request.method not in ("GET", "HEAD"):
            refusal = error(405, "The sandbox changes nothing: only GET", {"Allow": "GET, HEAD"})
        else:
            return None
        return _answer(refusal)

    def _accounts_of_credentials(self) -> set[str]:
        given = request.authorization
        key, token = (given.username or "", given.password or "") if given else ("", "")
        return {
            account.sid
            for account in self._settings.accounts
            if _same(account.key, key) and _same(account.token, token)
        }

    def _over_quota(self, seconds: float) -> Reply:
        if self._settings.retry_after == "none":
            return too_many(seconds, "none")
        headers = {
            "X-RateLimit-Limit": str(self._settings.quota),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time() + seconds) + 1),
        }
        return too_many(seconds, self._settings.retry_after, headers)


def _answer(reply: Reply) -> Response:
    visit: Visit = request.environ[VISIT]
    visit.cut_off = reply.cut_off
    return respond(reply, request)


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode())
