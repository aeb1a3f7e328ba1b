"""`/sinks/<name>/edit`: the form that changes a webhook subscriber, through SinkOperations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request
from marshmallow import ValidationError, fields

from schemas.record_types import RECORD_TYPES
from schemas.subscriber_change import load_change
from schemas.urls import place_of
from webhook.console.flash import back_to
from webhook.console.sinks import by_field, may_hold_secret, no_such_sink, not_possible
from webhook.context.services import services
from webhook.operations.sink_checks import IN_FORM
from webhook.operations.sinks import NoSuchSink, SinkInSettings, SinkOperations
from worker.errors import LegworkError
from worker.ledger.registry.subscribers import ChangedMeanwhile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.typing import ResponseReturnValue

    from schemas.settings import SinkSpec

blueprint = Blueprint("sink_edit", __name__)
blueprint.register_error_handler(NoSuchSink, no_such_sink)
blueprint.register_error_handler(LegworkError, not_possible)

# What stands in place of a header's value; left as it is, the value stays.
_KEPT = "***"
_TEXTS = ("url", "filter", "projection", "rate", "concurrency")


@blueprint.get("/sinks/<name>/edit")
def show(name: str) -> ResponseReturnValue:
    """Show the form, with what there is."""
    return _form(name)


@blueprint.post("/sinks/<name>/edit")
def save(name: str) -> ResponseReturnValue:
    """Store what was changed in the form, unless somebody else has changed the sink since it was shown."""
    operations = _operations()
    version, filled, typed = request.form.get("version", ""), _filled(operations.spec(name)), _typed()
    try:
        change = load_change(_change(filled, typed))
        operations.update(name, change, version=version, unchecked=typed["unchecked"])
    except ChangedMeanwhile:
        return _form(name, is_late=True), 409
    except ValidationError as error:
        wrong = by_field(error, (*_TEXTS, "types", "headers"))
        wrong = {**_not_shown_again(typed, filled), **wrong}
        # Still the version that the form was filled with: what was typed must not pass for a change of a later one.
        return _form(name, _shown_again(typed, filled), wrong=wrong, version=version), 422
    return back_to("console.sinks.show_one", "updated" if change else "unchanged", name=name)


def _operations() -> SinkOperations:
    return SinkOperations(services().ledger, allowed_by=IN_FORM)


def _form(name: str, given: dict[str, Any] | None = None, **more: Any) -> str:
    operations = _operations()
    described, spec = operations.describe(name), operations.spec(name)
    if described["source"] != "added":
        raise SinkInSettings(f"{name} is defined in the settings: change it in SINKS or legwork.toml, and restart")
    types = [*RECORD_TYPES, *(kind for kind in spec.types if kind not in RECORD_TYPES)]
    return render_template(
        "sink_edit.html",
        sink=described,
        types=types,
        given=given or _filled(spec),
        hides_part_of_url=any(mark in spec.url for mark in "@?#"),
        **{"wrong": {}, "is_late": False, "version": described["version"], **more},
    )


def _filled(spec: SinkSpec) -> dict[str, Any]:
    """Return the form's fields as they are filled at first: without what may be a secret."""
    return {
        "url": place_of(spec.url),
        "types": sorted(spec.types),
        "filter": spec.filter or "",
        "projection": spec.projection or "",
        "rate": "" if spec.rate is None else str(spec.rate),
        "concurrency": "" if spec.concurrency is None else str(spec.concurrency),
        "headers": dict.fromkeys(spec.options.get("headers", {}), _KEPT),
        "allow_private": spec.options.get("allow_private", False) in fields.Boolean.truthy,
    }


def _typed() -> dict[str, Any]:
    """Return the form's fields as they came. Raises ValidationError."""
    return {
        **{name: request.form.get(name, "").strip() for name in _TEXTS},
        "types": sorted(request.form.getlist("types")),
        "headers": _headers(request.form.get("headers", "").splitlines()),
        "allow_private": bool(request.form.get("allow_private")),
        "unchecked": bool(request.form.get("unchecked")),
    }


def _headers(lines: Iterable[str]) -> dict[str, str]:
    """Read headers, one a line; one without a colon gets an empty value, which is refused."""
    split = (line.partition(":") for line in lines if line.strip())
    return {name.strip(): value.strip() for name, _, value in split}


def _change(filled: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """Return the change (see `schemas.subscriber_change`): whatever was left as it was shown stays as it is.

    Raises ValidationError.
    """
    document = {key: typed[key] or None for key in (*_TEXTS, "types") if typed[key] != filled[key]}
    new = [name for name, value in typed["headers"].items() if value == _KEPT and name not in filled["headers"]]
    if new:
        raise ValidationError({"headers": [f"{', '.join(new)}: give the value; *** stands for one that stays"]})
    headers = {name: value for name, value in typed["headers"].items() if value != _KEPT}
    headers |= dict.fromkeys(filled["headers"].keys() - typed["headers"].keys())
    options: dict[str, Any] = {"headers": headers} if headers else {}
    if typed["allow_private"] != filled["allow_private"]:
        options["allow_private"] = typed["allow_private"] or None
    return {**document, **({"options": options} if options else {})}


def _shown_again(typed: dict[str, Any], filled: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed, for the form to come back with, but for what may be a secret: no page shows one."""
    return {
        **typed,
        "url": filled["url"] if may_hold_secret(typed["url"]) else typed["url"],
        "headers": filled["headers"],
    }


def _not_shown_again(typed: dict[str, Any], filled: dict[str, Any]) -> dict[str, str]:
    """Say by field what has to be typed once more."""
    lost = {"url": may_hold_secret(typed["url"]), "headers": typed["headers"] != filled["headers"]}
    return {field: "Type your change once more: it may hold a secret." for field, is_lost in lost.items() if is_lost}
