"""`/api/replay`: redeliver records, like `legwork replay`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from webhook.api.blueprints import UNUSABLE, by_api, check_known, make_blueprint
from webhook.api.shapes.replay import Replayed, Replaying
from webhook.context.services import services
from webhook.operations.replays import as_document, calls_named, sinks_concerned
from webhook.operations.times import in_ms
from worker.ledger.operations.replaying import Replay, Wanted, calls_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.ledger.operations.replaying import KnownCall, Tally

blueprint = make_blueprint("replay", "Redelivery of records.")


@blueprint.post("")
@blueprint.doc(operationId="replay")
@blueprint.arguments(Replaying(), example={"since": "2026-09-16T05:30:00Z", "dry_run": True})
@blueprint.response(200, Replayed())
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
@blueprint.alt_response(409, description=UNUSABLE)
def replay(given: dict[str, Any]) -> dict[str, Any]:
    """Redeliver records.

    The records of some calls, or of a time span, with the same ids, at lower priority than live records. It is safe to
    repeat: what is still waiting is not queued twice.
    """
    return replayed(given)


def replayed(given: dict[str, Any], *, sooner: bool = False) -> dict[str, Any]:
    """Count what there is to do, do it unless it is a dry run, and return the result. Raises NoSuchSink.

    `sooner`: what waits already is due now.
    """
    ledger = services().ledger
    ledger.refresh_sinks()
    account, sink = given["account"], given["sink"]
    check_known(account, sink)
    wanted = Wanted(sink=sink, event_type=given["type"], only_missing=given["only_missing"], sooner=sooner)
    plan = Replay(ledger, wanted, by=by_api())
    calls, wrong = _calls(given, plan)
    surveyed = plan.survey(calls())
    done: Tally = Counter()
    if not given["dry_run"]:
        for _, counts in plan.run(calls()):
            done.update(counts)
    return as_document(sinks_concerned(ledger, account, sink), surveyed, done, wrong, dry_run=given["dry_run"])


def _calls(given: dict[str, Any], plan: Replay) -> tuple[Callable[[], Iterable[KnownCall]], dict[str, str]]:
    """Return a function that yields the calls, since they are read twice, and what is wrong with others."""
    ledger, account = services().ledger, given["account"]
    if "since" not in given:
        found, wrong = calls_named(ledger, given["call_sids"], account, plan)
        return lambda: found, wrong
    until = ledger.now_ms() if given["until"] is None else in_ms(given["until"])
    span = in_ms(given["since"]), until
    spans = {sid: span for sid in ledger.calls if account in {None, sid}}
    return lambda: calls_between(ledger, spans), {}
