"""Parse the callbacks that Exotel posts about a call, in any of its formats."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marshmallow import EXCLUDE, Schema, ValidationError

from schemas.fields import CallSid, Status, Word
from schemas.named_parameters import NamedParameters, fold
from schemas.php_brackets import nest
from schemas.plain import encodable, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

# PHP's own limit, and twenty times the longest passthru: a callback is a hint, not a place to store data.
MAX_PARAMETERS = 1000

# Each call keeps the callback whole, so a long list is stored that many times; a campaign lists the retries of one number.
MAX_CALLS = 100

# The final statuses of a call (exotel.md section 5.1).
FINAL = frozenset({"completed", "failed", "busy", "no-answer", "canceled"})

# Parameters of Passthru and the agent popup, which a StatusCallback never has (exotel.md section 5.3).
_POPUP_MARKS = ("CallFrom", "CallTo", "CurrentTime", "DialWhomNumber", "AgentEmail")


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback about one call: only a hint, since callbacks are not signed."""

    kind: str
    """Which of the two URLs it came to: `passthru` or `status`."""
    call_sid: str
    received_at: datetime
    """Timezone-aware, in UTC."""
    event: str | None
    """The name of the event in lower case (`terminal`, `answered`, `dial`); None if the callback names none."""
    ended: bool
    """True if it says that the call has ended."""
    params: dict[str, Any]
    """All parameters: brackets nested, lists in order of index, values unchanged."""


class _Hint(Schema):
    """The few parameters that decide something here; all others are only stored."""

    class Meta:
        unknown = EXCLUDE

    event_type = Word(data_key="EventType")
    call_state = Word(data_key="CallState")
    call_detail = Word(data_key="CallDetail")
    status = Status(data_key="Status")


_HINT = _Hint()
_HINTS = [str(field.data_key) for field in _HINT.fields.values()]


def _read_hint(*values: str | None) -> dict[str, str | None]:
    hint: dict[str, str | None] = _HINT.load(dict(zip(_HINTS, values, strict=True)))
    return hint


# The same few values come with every callback; longer, made-up ones are not cached.
_USUAL = 32
_usual_hint = lru_cache(maxsize=1024)(_read_hint)
_CALL_SID = CallSid(required=True)


def load_callbacks(
    kind: str, pairs: Sequence[tuple[str, str]], document: Any = None, *, received_at: datetime
) -> list[Callback]:
    """
    Return the callbacks of one request: one for each call that it names, never an empty list.

    `pairs` are the parameters of the query and then of the form, `document` is the decoded JSON body or None.
    A name that comes several times, in query, form or body, keeps all its values as a list in that order, so
    nothing is lost. Where one value must be chosen it is the last (`NamedParameters.text`).
    Raises ValidationError, naming the field, if there is no usable CallSid or a limit is exceeded.
    """
    params = _merge(pairs, document)
    outermost = NamedParameters(params)
    found = outermost.with_call()
    words = [found.text(name) for name in _HINTS]
    hint = (_usual_hint if all(word is None or len(word) <= _USUAL for word in words) else _read_hint)(*words)
    event = hint["event_type"] or hint["call_state"] or hint["call_detail"]
    ended = _has_ended(kind, hint, found)
    received_at = received_at.astimezone(UTC)
    return [Callback(kind, call_sid, received_at, event, ended, params) for call_sid in _call_sids(outermost)]


def is_batch(callback: Callback) -> bool:
    """Return whether it came as a list (`call_sids`), which is answered with a list even for one call."""
    if all(
        fold(name) != "callsids" for name in callback.params
    ):  # nearly always; the rest costs a tenth of the parsing
        return False
    found = NamedParameters(callback.params)
    return bool(found.all("call_sids")) and not _usable(_single_sids(found))


def _merge(pairs: Sequence[tuple[str, str]], document: Any) -> dict[str, Any]:
    document = {} if document is None else plain(document)
    if not isinstance(document, dict):
        document = {"body": document}  # a list or a bare value names no parameter; it is stored all the same
    if len(pairs) + _leaves(document) > MAX_PARAMETERS:
        raise ValidationError({"parameters": [f"More than {MAX_PARAMETERS}."]})
    if not all(name.isascii() and value.isascii() for name, value in pairs):
        pairs = [(encodable(name), encodable(value)) for name, value in pairs]
    return nest([*pairs, *document.items()])


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    if isinstance(value, list):
        # Empty elements count too: `[[], [], …]` must not evade the limit.
        return sum(map(_leaves, value)) + len(value)
    return 1


def _call_sids(found: NamedParameters) -> list[str]:
    single, listed = _single_sids(found), found.all("call_sids")
    usable = _usable(single)[-1:] or _usable(listed)
    if len(usable) > MAX_CALLS:
        raise ValidationError({"call_sids": [f"More than {MAX_CALLS}."]})
    if usable:
        # A list with an invalid entry still names the other calls; the entry stays in the parameters.
        return list(dict.fromkeys(usable))
    problem = _CALL_SID.error_messages["invalid"] if single or listed else "Missing."
    raise ValidationError({"call_sids" if listed and not single else "CallSid": [problem]})


def _single_sids(found: NamedParameters) -> list[Any]:
    return [*(sid for call in found.inside("Call") for sid in call.all("Sid")), *found.all("CallSid")]


def _usable(candidates: list[Any]) -> list[str]:
    usable = []
    for candidate in candidates:
        with suppress(ValidationError):
            usable.append(_CALL_SID.deserialize(candidate))
    return usable


def _has_ended(kind: str, hint: dict[str, str | None], found: NamedParameters) -> bool:
    """
    Return whether the data says that the call has ended; a wrong guess costs a fetch too early or too late.

    The agent popup's `Terminal` ends one agent's ringing, not the call: its Status is the agent's, and `free`
    comes for answered, missed and rejected alike. A StatusCallback's `answered` may come with any Status.
    A passthru comes in the middle of a call and never says that it has ended (`CallType`, `DialCallStatus` and
    `EndTime` describe the dial before it). At its URL only data that cannot be a passthru's counts: the two
    URLs are easily swapped in Exotel's dashboard.
    """
    if hint["event_type"]:
        is_popup = hint["status"] == "free" or any(map(found.all, _POPUP_MARKS))
        return hint["event_type"] == "terminal" and not is_popup
    if hint["call_state"] or hint["call_detail"]:  # Integration Core
        return "terminal" in (hint["call_state"], hint["call_detail"])
    return kind == "status" and hint["status"] in FINAL
