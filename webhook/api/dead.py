"""`/api/dead`: list, retry and discard failed calls and dead letters, like `legwork dead`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from webhook.api.blueprints import UNUSABLE, by_api, check_known, make_blueprint
from webhook.api.shapes.dead import ChangedCounts, Choosing, Dead, WhichDead
from webhook.context.services import services
from webhook.operations.dead_letter_selection import Selection, key_of
from webhook.operations.dead_letters import FETCH, DeadLetters
from worker.ledger.operations import dead_letters
from worker.ledger.queries.recent import DeadLetterCursor, page_of_dead_letters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger.queries.dead_letters import DeadLetter

blueprint = make_blueprint("dead", "Failed calls and dead letters.")

_EXAMPLE = {"reason": "503", "dry_run": True}


@blueprint.get("")
@blueprint.doc(operationId="list_dead")
@blueprint.arguments(WhichDead(), location="query")
@blueprint.response(200, Dead())
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
@blueprint.alt_response(409, description=UNUSABLE)
def list_dead(given: dict[str, Any]) -> dict[str, Any]:
    """List failures.

    Calls and deliveries whose retries are exhausted, latest first. The first page also counts them by reason.
    """
    account, sink, after = given.get("account"), given.get("sink"), given.get("after")
    letters = _letters(account, sink)
    ledger = letters.ledger
    page = page_of_dead_letters(ledger, limit=given["limit"], account_sid=account, sink=sink, after=_read_cursor(after))
    reasons = letters.reasons() if after is None else Counter()
    return {
        "count": letters.count(),
        "reasons": [
            {"what": what, "reason": reason, "count": count} for (what, reason), count in reasons.most_common()
        ],
        "counted": reasons.total(),
        "dead": [{"id": key_of(letter), **letters.as_document(letter)} for letter in page.letters],
        "next": _cursor_text(page.next),
    }


@blueprint.post("/retry")
@blueprint.doc(operationId="retry_dead")
@blueprint.arguments(Choosing(), example=_EXAMPLE)
@blueprint.response(200, ChangedCounts())
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
@blueprint.alt_response(409, description=UNUSABLE)
def retry(given: dict[str, Any]) -> dict[str, Any]:
    """Retry failures.

    The calls are fetched and the records delivered now, and their retry schedules start again.
    """
    return _change(given, "retry")


@blueprint.post("/drop")
@blueprint.doc(operationId="drop_dead")
@blueprint.arguments(Choosing(), example=_EXAMPLE)
@blueprint.response(200, ChangedCounts())
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
@blueprint.alt_response(409, description=UNUSABLE)
def drop(given: dict[str, Any]) -> dict[str, Any]:
    """Discard failures.

    Permanently: the calls are no longer fetched, and the sinks never receive the records.
    """
    return _change(given, "drop")


def _change(given: dict[str, Any], verb: str) -> dict[str, Any]:
    letters = _letters(given.get("account"), given.get("sink"), given.get("reason"))
    ids = tuple(given.get("ids", ()))
    found: set[str] = set()

    def chosen() -> Iterator[DeadLetter]:
        # What fails after this request is not included.
        for letter in Selection(ids).letters(letters, until_ms=letters.ledger.now_ms()):
            if ids:
                found.add(key_of(letter))
            yield letter

    if given["dry_run"]:
        counts = Counter(letter.sink is None for letter in chosen())
        done = dead_letters.ChangedCounts(counts[True], counts[False])
    else:
        operations = dead_letters.DeadLetterOperations(letters.ledger, by=by_api())
        done = operations.retry(chosen()) if verb == "retry" else operations.drop(chosen())
    wrong = [each for each in ids if each not in found]
    return {"dry_run": given["dry_run"], "calls": done.calls, "deliveries": done.deliveries, "wrong": wrong}


def _letters(account: str | None, sink: str | None, reason: str | None = None) -> DeadLetters:
    ledger = services().ledger
    ledger.refresh_sinks()
    check_known(account, sink)
    return DeadLetters(ledger, account, sink, reason)


def _cursor_text(cursor: DeadLetterCursor | None) -> str | None:
    if cursor is None:
        return None
    call_sid, _, record = cursor.item.partition("/")
    return f"{cursor.at_ms!r}-{call_sid}/{cursor.sink or FETCH}/{record}"


def _read_cursor(text: str | None) -> DeadLetterCursor | None:
    if text is None:
        return None
    at, _, known_as = text.partition("-")
    call_sid, sink, record = known_as.split("/", 2)
    return DeadLetterCursor(float(at), f"{call_sid}/{record}" if record else call_sid, "" if sink == FETCH else sink)
