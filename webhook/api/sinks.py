"""`/api/sinks`: manage sinks at run time, like `legwork sinks`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from schemas.subscriber import SUBSCRIBER
from schemas.subscriber_change import SUBSCRIBER_CHANGE
from webhook.api.blueprints import UNUSABLE, make_blueprint
from webhook.api.shapes.sinks import (
    AddedSink,
    Asking,
    Disabling,
    Exchange,
    OutOfUse,
    Precondition,
    Recovered,
    Removed,
    Retried,
    Secret,
    Sink,
    Span,
)
from webhook.api.versions import ETAG, Tagged, asked_version, tagged
from webhook.context.services import services
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.sink_checks import IN_API
from webhook.operations.sinks import SinkOperations
from webhook.operations.times import in_ms
from worker.errors import LegworkError
from worker.ledger.operations.replaying import Fate

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.ledger.operations.replaying import Tally

blueprint = make_blueprint("sinks", "Sinks: the destinations of records.")

_NONE = "There is no sink of that name."
_NONE_ADDED = "There is no sink of that name, or it is defined in the settings."


def _operations() -> SinkOperations:
    return SinkOperations(services().ledger, allowed_by=IN_API)


@blueprint.get("")
@blueprint.doc(operationId="list_sinks")
@blueprint.response(200, Sink(many=True))
def list_sinks() -> list[dict[str, Any]]:
    """List sinks.

    Every sink with its destination, its options and its state.
    """
    return _operations().descriptions()


@blueprint.post("")
@blueprint.doc(operationId="add_sink")
@blueprint.arguments(SUBSCRIBER, example={"name": "crm", "url": "https://crm.example.com/hooks/calls"})
@blueprint.arguments(Asking(), location="query")
@blueprint.response(201, AddedSink())
@blueprint.alt_response(409, description="There is a sink of that name, or LEGWORK_SECRET_KEY is not set.")
def add(spec: SinkSpec, asking: dict[str, bool]) -> dict[str, Any]:
    """Add a webhook.

    Unless you give one, a signing secret is created; only this response shows it.
    """
    described, secret = _operations().add(spec, unchecked=not asking["check"])
    return {**described, "secret": secret or None}


@blueprint.get("/<name>")
@blueprint.doc(operationId="describe_sink")
@blueprint.response(200, Sink(), headers=ETAG)
@blueprint.alt_response(404, description=_NONE)
def describe(name: str) -> Tagged:
    """Get a sink.

    Its destination, its options and its state.
    """
    return tagged(_operations().describe(name))


@blueprint.patch("/<name>")
@blueprint.doc(operationId="update_sink")
@blueprint.arguments(SUBSCRIBER_CHANGE, example={"url": "https://crm.example.com/v2/calls", "filter": None})
@blueprint.arguments(Asking(), location="query")
@blueprint.arguments(Precondition(), location="headers")
@blueprint.response(200, Sink(), headers=ETAG)
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=f"It is defined in the settings. {UNUSABLE}")
@blueprint.alt_response(412, description="It was changed since `If-Match` was current: get it again.")
def update(change: dict[str, Any], asking: dict[str, bool], given: dict[str, str], name: str) -> Tagged:
    """Update a webhook.

    A merge patch (RFC 7396): the keys that are given change, null takes a key away, the others stay. Its signing secret and its
    waiting deliveries stay too; the latter go to the new URL.
    """
    operations = _operations()
    version = asked_version(given.get("if_match"), operations.describe(name).get("version"))
    return tagged(operations.update(name, change, version=version, unchecked=not asking["check"]))


@blueprint.delete("/<name>")
@blueprint.doc(operationId="remove_sink")
@blueprint.response(200, Removed())
@blueprint.alt_response(404, description=_NONE_ADDED)
def remove(name: str) -> dict[str, Any]:
    """Remove a webhook.

    Its waiting deliveries are dropped. A sink that is defined in the settings is removed there.
    """
    return {"name": name, "dropped": _operations().remove(name)}


@blueprint.post("/<name>/disable")
@blueprint.doc(operationId="disable_sink")
@blueprint.arguments(Disabling(), required=False)
@blueprint.response(200, Sink())
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=UNUSABLE)
def disable(given: dict[str, str], name: str) -> dict[str, Any]:
    """Disable a sink.

    Nothing is delivered to it until it is enabled; its deliveries wait.
    """
    operations = _operations()
    operations.disable(name, given["reason"])
    return operations.describe(name)


@blueprint.post("/<name>/enable")
@blueprint.doc(operationId="enable_sink")
@blueprint.response(200, Sink())
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=UNUSABLE)
def enable(name: str) -> dict[str, Any]:
    """Enable a sink.

    Deliveries resume, and its count of failures starts at zero.
    """
    operations = _operations()
    operations.enable(name)
    return operations.describe(name)


@blueprint.post("/<name>/retry")
@blueprint.doc(operationId="retry_sink")
@blueprint.response(200, Retried())
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=f"It is disabled. {UNUSABLE}")
def retry(name: str) -> dict[str, Any]:
    """Retry a sink.

    Makes every delivery that waits for it due now. Attempts already made still count.
    """
    return {"name": name, "brought_forward": _operations().retry(name)}


@blueprint.post("/<name>/rotate-secret")
@blueprint.doc(operationId="rotate_secret")
@blueprint.response(200, Secret())
@blueprint.alt_response(404, description=_NONE_ADDED)
@blueprint.alt_response(409, description=UNUSABLE)
@blueprint.alt_response(422, description="It has the maximum number of secrets: finish the rotation first.")
def rotate_secret(name: str) -> dict[str, str]:
    """Rotate a signing secret.

    Creates a new secret, which only this response shows; the old ones sign too until the rotation is finished.
    """
    return {"name": name, "secret": _operations().rotate_secret(name)}


@blueprint.post("/<name>/finish-rotation")
@blueprint.doc(operationId="finish_rotation")
@blueprint.response(200, OutOfUse())
@blueprint.alt_response(404, description=_NONE_ADDED)
@blueprint.alt_response(409, description=UNUSABLE)
def finish_rotation(name: str) -> dict[str, Any]:
    """Finish a rotation.

    From now on only the newest secret signs.
    """
    return {"name": name, "out_of_use": _operations().finish_rotation(name)}


@blueprint.post("/<name>/test")
@blueprint.doc(operationId="test_sink")
@blueprint.response(200, Exchange())
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=UNUSABLE)
def test(name: str) -> dict[str, Any]:
    """Test a sink.

    Sends a webhook a signed `legwork.ping` and returns the exchange; any other sink runs its own check.
    """
    operations = _operations()
    operations.spec(name)
    letters = DeadLetters(services().ledger)
    try:
        found = operations.test(name)
    except (LegworkError, OSError) as error:
        return {"name": name, "delivered": False, "error": letters.fit(str(error))}
    if isinstance(found, str):
        return {"name": name, "delivered": True, "check": letters.fit(found)}
    good = found.status is not None and 200 <= found.status < 300  # noqa: PLR2004  the class of successes
    said = letters.masked({"answer_body": found.answer_body, "error": found.error})
    return {"name": name, **asdict(found), "answer_headers": dict(found.answer_headers), **said, "delivered": good}


@blueprint.post("/<name>/recover")
@blueprint.doc(operationId="recover_sink")
@blueprint.arguments(Span(), example={"since": "2026-09-16T05:30:00Z", "dry_run": True})
@blueprint.response(200, Recovered())
@blueprint.alt_response(404, description=_NONE)
@blueprint.alt_response(409, description=UNUSABLE)
def recover(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Backfill a sink.

    Delivers every record that it never received of the calls decided in a time span, and enables it.
    """
    ledger = services().ledger
    until = ledger.now_ms() if given["until"] is None else in_ms(given["until"])
    spans = dict.fromkeys(ledger.calls, (in_ms(given["since"]), until))
    steps = _operations().recover(name, spans, dry_run=given["dry_run"])
    surveyed, done = next(steps), Counter[tuple[str, Fate]]()
    for counts in steps:
        done.update(counts)
    return _as_document(name, surveyed, done, dry_run=given["dry_run"])


def _as_document(name: str, surveyed: Tally, done: Tally, *, dry_run: bool) -> dict[str, Any]:
    return {
        "name": name,
        "dry_run": dry_run,
        "to_queue": surveyed[name, Fate.QUEUED],
        "queued": done[name, Fate.QUEUED],
        "waiting": surveyed[name, Fate.WAITING],
        "delivered": surveyed[name, Fate.DELIVERED],
    }
