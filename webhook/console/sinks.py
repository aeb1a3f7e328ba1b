"""`/sinks`: the sinks, their states, and the actions on them, through SinkOperations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from flask import Blueprint, abort, render_template, request
from marshmallow import ValidationError

from schemas.record_types import RECORD_TYPES
from schemas.subscriber import load_subscriber
from schemas.urls import secrets_in
from webhook.console.charts import attempts, attempts_by_range, attempts_of_sinks, chosen_range
from webhook.console.flash import back_to
from webhook.context.services import services
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.masking import Shown
from webhook.operations.sink_checks import IN_FORM
from webhook.operations.sinks import NoSuchSink, SinkOperations
from worker.errors import LegworkError
from worker.ledger.queries.recent import recent_dead_letters, recent_failures

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask.typing import ResponseReturnValue

blueprint = Blueprint("sinks", __name__)

_FAILED = 10
#: The form's text fields.
_TEXTS = ("name", "url", "filter", "rate")


@blueprint.errorhandler(NoSuchSink)
def no_such_sink(error: NoSuchSink) -> ResponseReturnValue:
    """Say as a page that there is no such sink, and which there are."""
    return render_template("message.html", title="No such sink", text=str(error)), 404


@blueprint.errorhandler(LegworkError)
def not_possible(error: LegworkError) -> ResponseReturnValue:
    """Say as a page why something cannot be done."""
    return render_template("message.html", title="That cannot be done", text=str(error)), 409


@blueprint.get("/sinks")
def show() -> ResponseReturnValue:
    """Show every sink and the form for a new one."""
    return _list(given={}, wrong={})


@blueprint.post("/sinks")
def add() -> ResponseReturnValue:
    """Add a webhook subscriber; the next page shows its secret, only this once."""
    given: dict[str, Any] = {name: text for name in _TEXTS if (text := request.form.get(name, "").strip())}
    given["types"] = request.form.getlist("types")
    document = {name: value for name, value in given.items() if value}
    if may_hold_secret(given.get("url", "")):
        given["url"] = ""  # the form comes back with the input, but no page shows a password
    given["unchecked"] = bool(request.form.get("unchecked"))
    given["allow_private"] = bool(request.form.get("allow_private"))
    if given["allow_private"]:
        document["options"] = {"allow_private": True}
    try:
        described, secret = _operations().add(load_subscriber(document), unchecked=given["unchecked"])
    except ValidationError as error:
        return _list(given, by_field(error)), 422
    except LegworkError as error:
        return _list(given, {"": str(error)}), 409
    return _with_secret(described["name"], secret, added=True)


@blueprint.get("/sinks/<name>")
def show_one(name: str) -> ResponseReturnValue:
    """Show a sink and its latest failures."""
    return _one(name)


@blueprint.post("/sinks/<name>/disable")
def disable(name: str) -> ResponseReturnValue:
    """Disable a sink: its deliveries wait until it is enabled."""
    done = _operations().disable(name)
    return back_to("console.sinks.show_one", "disabled" if done else "unchanged", name=name)


@blueprint.post("/sinks/<name>/enable")
def enable(name: str) -> ResponseReturnValue:
    """Enable a sink."""
    done = _operations().enable(name)
    return back_to("console.sinks.show_one", "enabled" if done else "unchanged", name=name)


@blueprint.post("/sinks/<name>/retry")
def retry(name: str) -> ResponseReturnValue:
    """Make all that waits for a sink due now."""
    brought_forward = _operations().retry(name)
    return back_to("console.sinks.show_one", "brought_forward", brought_forward, name=name)


@blueprint.post("/sinks/<name>/test")
def test(name: str) -> ResponseReturnValue:
    """Send a webhook a signed ping, or run another sink's own check, and show the result."""
    operations = _operations()
    operations.describe(name)
    try:
        return _one(name, tested=operations.test(name))
    except (LegworkError, OSError) as error:
        return _one(name, failed=str(error))


@blueprint.post("/sinks/<name>/rotate")
def rotate(name: str) -> ResponseReturnValue:
    """Add a new signing secret; the next page shows it, only this once."""
    try:
        return _with_secret(name, _operations().rotate_secret(name))
    except ValidationError as error:
        return _one(name, failed=" ".join(by_field(error).values()))


@blueprint.post("/sinks/<name>/finish")
def finish(name: str) -> ResponseReturnValue:
    """Finish a rotation: keep only the newest secret."""
    dropped = _operations().finish_rotation(name)
    return back_to("console.sinks.show_one", "finished" if dropped else "unchanged", dropped, name=name)


@blueprint.post("/sinks/<name>/remove")
def remove(name: str) -> ResponseReturnValue:
    """Remove a subscriber, after a confirmation that counts its waiting deliveries."""
    operations = _operations()
    if not request.form.get("sure"):
        described = operations.describe(name)
        if described["source"] != "added":
            abort(409, f"{name} is defined in the settings: take it out of SINKS or legwork.toml, and restart.")
        return render_template("remove.html", sink=described, waiting=operations.waiting_for(name))
    dropped = operations.remove(name)
    return back_to("console.sinks.show", "removed_and_dropped" if dropped else "removed", dropped)


def _operations() -> SinkOperations:
    return SinkOperations(services().ledger, allowed_by=IN_FORM)


def _list(given: dict[str, Any], wrong: dict[str, str]) -> str:
    sinks = _operations().descriptions()
    can_add = bool(services().settings.legwork_secret_key)
    more = {"types": RECORD_TYPES, "given": given, "wrong": wrong, "can_add": can_add}
    made = attempts_of_sinks(services().ledger, [sink["name"] for sink in sinks])
    return render_template("sinks.html", sinks=sinks, attempts=made, **more)


def _with_secret(name: str, secret: str, **more: Any) -> str:
    """Show a sink with its new secret, or at least the secret: it is never shown again."""
    try:
        return _one(name, secret=secret, **more)
    except redis.RedisError:
        text = f"Redis went away a moment later. The signing secret just made for it, shown this once: {secret}"
        return render_template("message.html", title=f"{name}: done", text=text)


def _one(name: str, **more: Any) -> str:
    operations, ledger, span = _operations(), services().ledger, chosen_range()
    described = operations.describe(name)
    return render_template(
        "sink.html",
        sink=described,
        span=span,
        charts=attempts(ledger, name, span),
        attempts=attempts_by_range(ledger, name),
        shown=Shown(ledger.settings, list(ledger.sinks.values()), numbers=False),
        letters=DeadLetters(ledger),
        failures=recent_failures(ledger, name, limit=_FAILED),
        given_up=recent_dead_letters(ledger, limit=_FAILED, sink=name),
        now_ms=ledger.now_ms(),
        **more,
    )


def may_hold_secret(url: str) -> bool:
    """Return whether a URL as it was typed may hold a password or a token."""
    return "@" in url or bool(secrets_in(url))


def by_field(error: ValidationError, fields: Collection[str] = (*_TEXTS, "types")) -> dict[str, str]:
    """Return the messages by field of the form; those without a field are under ''."""
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    options = messages.pop("options", {})
    wrong: dict[str, str] = {}
    for field, texts in [*messages.items(), *(options.items() if isinstance(options, dict) else [("", options)])]:
        where, text = (field, _flat(texts)) if field in fields else ("", _flat({field: texts} if field else texts))
        wrong[where] = " ".join(filter(None, (wrong.get(where), text)))
    return wrong


def _flat(texts: Any) -> str:
    if isinstance(texts, dict):
        return " ".join(f"{name}: {_flat(found)}" for name, found in texts.items())
    return " ".join(map(str, texts)) if isinstance(texts, list) else str(texts)
