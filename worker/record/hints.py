"""Extract from callbacks what they add to a call: hints, each used only where exotel.md says what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import ValidationError

from schemas.fields import ExotelTime
from schemas.named_parameters import NamedParameters, read_json
from schemas.no_value import is_nothing
from schemas.times import in_utc
from worker.numbers.phone import to_e164
from worker.record.roles import Part, with_role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, tzinfo

    from schemas.callback import Callback

# Passthru, StatusCallback and Integration Core each name the two directions differently.
_DIRECTIONS = {
    "incoming": "inbound",
    "inbound": "inbound",
    "outbound": "outbound",
    "outbound-dial": "outbound",
    "outbound-api": "outbound",
}
# The objects that may contain a recording's URL (exotel.md sections 2.2, 2.3 and 4.2). Not CustomField: its content is
# the customer's own.
_HOLDERS = ("Insights", "Details", "Leg", "Legs", "Stream", "Call")
_RECORDINGS = ("Recording", "Recordings", "CallRecordings")
_TIME = ExotelTime()


class Hints:
    """
    The callbacks about one call, merged: the latest known value counts.

    A later missing value never erases a known one; a later recording URL replaces an earlier one, which may
    have been sent before there was a recording.
    """

    def __init__(self, callbacks: Sequence[Callback], *, region: str, timezone: tzinfo) -> None:
        self._callbacks = sorted(callbacks, key=lambda callback: callback.received_at)
        self._parameters = [NamedParameters(callback.params).with_call() for callback in self._callbacks]
        self._region = region
        self._timezone = timezone

    @property
    def callbacks(self) -> list[Callback]:
        """Return the callbacks in order of arrival."""
        return self._callbacks

    @property
    def custom_field(self) -> str | None:
        """Return the CustomField of the API request that placed the call."""
        return self._latest(lambda found: found.text("CustomField"))

    @property
    def recording_url(self) -> str | None:
        """Return the recording's permanent URL; PreSignedRecordingUrl is valid for an hour at most."""
        return self._latest(_recording)

    @property
    def digits(self) -> str | None:
        """Return the digits that the caller pressed, without the quotes that Exotel puts around them."""
        return self._latest(_digits)

    @property
    def direction(self) -> str | None:
        """Return the direction: inbound, outbound or None."""
        return self._latest(_direction)

    @property
    def exophone(self) -> str | None:
        """
        Return the virtual number in E.164, from the fields that contain it (exotel.md sections 4.2, 5 and 7).

        `CallTo` and `To` contain it in an inbound call only; in an outbound one they are a party's number.
        """
        return (
            self._latest(lambda found: self._e164(found.text("PhoneNumberSid")))
            or self._latest(lambda found: self._e164(found.text("VirtualNumber")))
            or self._latest(self._number_called)
            or self._latest(lambda found: self._e164(found.text("OutgoingPhoneNumber")))
        )

    def customer_and_agent(self, parts: Sequence[Part]) -> tuple[Part | None, Part | None]:
        """
        Return the legs of the customer and the agent of an outbound call; None for who is not known.

        The latest callback whose numbers are those of legs says who is who: the callee leg of its `To` is the customer's, the
        caller leg the agent's. A callback whose `From` is no caller of the legs is about something else.
        """
        callers, callees = with_role(parts, "caller"), with_role(parts, "callee")
        for found in reversed(self._parameters):
            called = self._party(found.text("To", "ToNumber"))
            calling = self._party(found.text("From", "CallFrom", "FromNumber"))
            customers = [part for part in callees if part.party == called]
            agents = [part for part in callers if calling in (None, part.party)]
            if customers and (agents or not callers):
                return customers[0], agents[0] if agents else None
        return None, None

    def customer_number(self) -> str | None:
        """Return the customer's number, in E.164 if it has that form: who calls in, or who is called."""
        names = ("From", "CallFrom", "FromNumber") if self.direction == "inbound" else ("To", "CallTo", "ToNumber")
        return self._latest(lambda found: self._party(found.text(*names))) if self.direction else None

    def started_at(self) -> datetime | None:
        """Return when the call began, by the latest callback that tells it (exotel.md sections 4.2 and 5)."""
        told = (self._time(found.text("StartTime") or found.text("Created")) for found in reversed(self._parameters))
        return next(filter(None, told), None)

    def ended_at(self) -> datetime | None:
        """Return when the call ended, by the latest call-ended callback; else when the latest callback was received."""
        for callback, found in zip(reversed(self._callbacks), reversed(self._parameters), strict=True):
            told = self._time(found.text("EndTime", "DateUpdated")) if callback.ended else None
            if told:
                return told
        return self._callbacks[-1].received_at if self._callbacks else None

    def _latest(self, read: Callable[[NamedParameters], str | None]) -> str | None:
        return next((value for value in map(read, reversed(self._parameters)) if value), None)

    def _number_called(self, found: NamedParameters) -> str | None:
        if _direction(found) != "inbound":
            return None
        return self._e164(found.text("CallTo")) or self._e164(found.text("To"))

    def _e164(self, raw: str | None) -> str | None:
        return to_e164(raw, self._region) if raw else None

    def _party(self, raw: str | None) -> str | None:
        return raw and (self._e164(raw) or raw.strip())

    def _time(self, text: str | None) -> datetime | None:
        try:
            told = _TIME.deserialize(text)
        except ValidationError:
            return None
        return told and in_utc(told, self._timezone)


def _direction(found: NamedParameters) -> str | None:
    return _DIRECTIONS.get((found.text("Direction") or "").strip().lower())


def _recording(found: NamedParameters, depth: int = 4) -> str | None:
    named = _url(found.text("RecordingUrl")) or _url(found.text("CallRecordings"))
    named = named or next(filter(None, (_url(one.text("Url")) for one in reversed(found.inside(*_RECORDINGS)))), None)
    if named or not depth:
        return named
    nested = (_recording(inner, depth - 1) for inner in reversed(found.inside(*_HOLDERS)))
    return next(filter(None, nested), None)


def _url(text: str | None) -> str | None:
    """Return a URL without JSON's quotes; the last one of a list in one text."""
    known = NamedParameters({"it": read_json((text or "").strip().strip('"'))})
    return known.text("it")


def _digits(found: NamedParameters) -> str | None:
    pressed = (found.text("digits") or "").strip().strip('"')
    return None if is_nothing(pressed) else pressed
