"""The sandbox's own pages: its scenarios, its calls, its faults, and what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, render_template, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException

from sandbox.calls import EXOPHONE, cycle
from sandbox.faults import KINDS, Fault
from sandbox.legs import truth
from sandbox.orders import FaultOrder, PageOrder, PlaceOrder, RequestsOrder
from sandbox.scenarios import BY_NAME, SCENARIOS, scenario_of

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from sandbox.arrivals import Arrivals
    from sandbox.calls import Calls
    from sandbox.faults import Faults
    from sandbox.plans import Scenario
    from sandbox.postman import Postman
    from sandbox.settings import Settings

_PLACE, _FAULT, _PAGE, _REQUESTS = PlaceOrder(), FaultOrder(), PageOrder(), RequestsOrder()


class Control:
    """The routes outside `/v1`. There is no password: anyone who can reach the sandbox controls it."""

    def __init__(self, settings: Settings, calls: Calls, postman: Postman, arrivals: Arrivals, faults: Faults) -> None:
        self._settings = settings
        self._calls = calls
        self._postman = postman
        self._arrivals = arrivals
        self._faults = faults
        self._account_sids = [account.sid for account in settings.accounts]
        self._next_scenario = cycle()

    def blueprint(self) -> Blueprint:
        control = Blueprint("control", __name__)
        for method, rule, view in (
            ("GET", "/", self.front),
            ("POST", "/calls", self.place),
            ("GET", "/calls", self.list_calls),
            ("GET", "/calls/<sid>", self.show_call),
            ("GET", "/requests", self.list_requests),
            ("GET", "/requests/summary", self.sum_up_requests),
            ("GET", "/faults", self.list_faults),
            ("POST", "/faults", self.switch_on),
            ("DELETE", "/faults", self.switch_off),
            ("DELETE", "/faults/<kind>", self.switch_off),
        ):
            control.add_url_rule(rule, view_func=view, methods=[method])
        control.register_error_handler(ValidationError, _not_understood)
        control.record_once(lambda state: state.app.register_error_handler(HTTPException, _refused))
        return control

    def front(self) -> ResponseReturnValue:
        about = {
            "scenarios": [_described(scenario) for scenario in SCENARIOS.values()],
            "faults": KINDS,
            "accounts": self._account_sids,
            "quota": self._settings.quota,
            "quota_seconds": self._settings.quota_seconds,
            "speed": self._settings.speed,
        }
        if "text/html" in request.headers.get("Accept", "") and request.args.get("format") != "json":
            return render_template("front.html", **about)
        return jsonify(about)

    def place(self) -> ResponseReturnValue:
        order = _load(_PLACE, request.get_json())
        scenario, parties = _chosen(order)
        account = self._known(order.pop("account", self._account_sids[0]))
        count, over_seconds = order.pop("count"), order.pop("over_seconds")
        details: dict[str, Any] = parties | order
        sids = []
        for position in range(count):
            chosen = scenario or self._next_scenario()
            call = self._calls.place(chosen, account, after=over_seconds * position / count, **details)
            self._postman.take_on(call)
            sids.append(call.sid)
        return jsonify(call_sids=sids), 201

    def list_calls(self) -> ResponseReturnValue:
        total, found = self._calls.latest(**_load(_PAGE, request.args))
        shown = [
            {
                "sid": call.sid,
                "account_sid": call.account_sid,
                "scenario": call.scenario.name,
                "over": self._calls.is_over(call),
                "reads": call.reads,
            }
            for call in found
        ]
        return jsonify(total=total, calls=shown)

    def show_call(self, sid: str) -> ResponseReturnValue:
        call = self._calls.get(sid)
        if call is None:
            return jsonify(error="no such call"), 404
        return jsonify(truth(call) | {"over": self._calls.is_over(call)})

    def list_requests(self) -> ResponseReturnValue:
        return jsonify(self._arrivals.shown(**_load(_REQUESTS, request.args)))

    def sum_up_requests(self) -> ResponseReturnValue:
        return jsonify(self._arrivals.summary())

    def list_faults(self) -> Response:
        return jsonify(faults=self._faults.shown())

    def switch_on(self) -> ResponseReturnValue:
        order = _load(_FAULT, request.get_json())
        if "account" in order:
            self._known(order["account"])
        seconds = order.pop("for_seconds", None)
        fault = Fault(**order, until=None if seconds is None else self._faults.clock() + seconds)
        self._faults.switch_on(fault)
        if fault.fault == "eat":
            self._arrivals.eat(fault.account, fault.per_second, seconds)
        return self.list_faults(), 201

    def switch_off(self, kind: str | None = None) -> ResponseReturnValue:
        self._faults.switch_off(kind)
        if kind in (None, "eat"):
            self._arrivals.eat(None, 0)
        return self.list_faults()

    def _known(self, account_sid: str) -> str:
        if account_sid not in self._account_sids:
            raise ValidationError({"account": ["no such account"]})
        return account_sid


def _described(scenario: Scenario) -> dict[str, Any]:
    return {
        "code": f"{scenario.code:02d}",
        "name": scenario.name,
        "direction": "inbound" if scenario.inbound else "outbound",
        "seconds": scenario.seconds,
        "does": scenario.does,
    }


def _load(schema: Schema, data: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = schema.load(data)
    return loaded


def _chosen(order: dict[str, Any]) -> tuple[Scenario | None, dict[str, str]]:
    """Return the scenario that was requested by name or by number, and the parties' numbers.

    If `to` is the ExoPhone, `from` is the customer, as in an inbound call; otherwise `to` is the customer.
    """
    name, caller, called = order.pop("scenario", None), order.pop("from", ""), order.pop("to", "")
    customer, agent = order.pop("number", ""), ""
    if called and called != EXOPHONE:
        customer, agent = called, caller
    elif caller:
        customer = caller
    parties = {"customer": customer, "agent": agent}
    if name:
        return BY_NAME[name], parties
    return (scenario_of(customer) if customer else None), parties


def _refused(reason: HTTPException) -> ResponseReturnValue:
    return jsonify(error=reason.description), reason.code or 500


def _not_understood(reason: ValidationError) -> ResponseReturnValue:
    return jsonify(error="not understood", fields=reason.messages), 400
