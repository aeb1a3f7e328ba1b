"""Reads and checks the arguments of commands: CallSids, times, accounts, sinks."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from marshmallow import ValidationError

from schemas.fields import CallSid
from schemas.record_types import CALL_TYPES
from schemas.settings.sink_fields import check_type
from webhook.cli.common import note
from webhook.cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from worker.ledger import Ledger

_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
_OPERATOR = re.compile(r"operator-[0-9a-f]{16}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class GivenTime:
    """A time as given: with a UTC offset, without one, or as an age."""

    given: datetime | timedelta

    def in_ms(self, zone: tzinfo, now_ms: float) -> float:
        """Return it in milliseconds since the epoch; `zone` applies to a time without an offset."""
        if isinstance(self.given, timedelta):
            return now_ms - self.given.total_seconds() * 1000
        return (self.given if self.given.tzinfo else self.given.replace(tzinfo=zone)).timestamp() * 1000


#: Earlier than any call.
BEGINNING = GivenTime(datetime(2000, 1, 1, tzinfo=UTC))


class CallType(click.Choice[str]):
    """A type of the records about calls, as the type of an option."""

    def __init__(self) -> None:
        super().__init__(CALL_TYPES)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the type. Raises click.BadParameter, which names the type that was probably meant."""
        try:
            return check_type(value, CALL_TYPES)
        except ValidationError as error:
            self.fail(f"{value!r} {error.messages[0]}; give one of {', '.join(CALL_TYPES)}", param, ctx)


def call_sid(text: str) -> str:
    """Read a CallSid, as the type of an argument. Raises click.BadParameter."""
    try:
        return str(CallSid().deserialize(text))
    except ValidationError:
        raise click.BadParameter(
            f"{text!r}: a CallSid has 8 to 64 letters and digits; `legwork calls list` lists the calls"
        ) from None


def letter_sid(text: str) -> str:
    """Read a CallSid, or the name that operator records have instead. Raises click.BadParameter."""
    return text if _OPERATOR.fullmatch(text) else call_sid(text)


def given_time(text: str) -> GivenTime:
    """Read a time, as the type of an option: ISO 8601, or how long ago (`90m`, `2h`). Raises click.BadParameter."""
    if ago := _AGO.fullmatch(text):
        return GivenTime(timedelta(**{_UNITS[ago[2]]: float(ago[1])}))
    try:
        return GivenTime(datetime.fromisoformat(text))
    except ValueError:
        right = "give 2026-09-16T05:30:00Z, 2026-09-16T11:00 or 2026-09-16, or an age: 90m, 2h, 3d"
        raise click.BadParameter(f"{text!r} is not a valid time; {right}") from None


def time_ranges(
    ledger: Ledger, since: GivenTime, until: GivenTime | None, accounts: Iterable[str] = ()
) -> dict[str, tuple[float, float]]:
    """Return a time span in milliseconds for each account, or for these: each may have its own zone.

    An account is left out if `since` is still ahead in its zone. Raises click.UsageError if no account is left.
    """
    now_ms = ledger.now_ms()
    spans = {}
    for sid in accounts or ledger.calls:
        zone = ledger.account(sid).timezone
        begin_ms, end_ms = since.in_ms(zone, now_ms), until.in_ms(zone, now_ms) if until else now_ms
        if begin_ms < end_ms:
            spans[sid] = begin_ms, end_ms
    if not spans:
        raise click.UsageError("the time span is empty: --since must be before now, and before --until")
    return spans


def check_account(ledger: Ledger, sid: str | None) -> None:
    """Refuse an unknown account. Raises click.BadParameter."""
    if sid is not None and sid not in ledger.calls:
        raise click.BadParameter(f"{sid!r} is no account; there are {', '.join(ledger.calls)}", param_hint="--account")


def check_sink(ledger: Ledger, name: str | None, account_sid: str | None = None, *, option: str = "--sink") -> None:
    """Refuse an unknown sink, or one that receives nothing of the account. Raises click.BadParameter."""
    if name is None:
        return
    known = sorted({sink for _, sink in ledger.deliveries})
    if name not in known:
        raise click.BadParameter(f"{name!r} is no sink; there are {', '.join(known) or 'none'}", param_hint=option)
    if account_sid is not None and (account_sid, name) not in ledger.deliveries:
        right = "`legwork sinks list --json` shows the accounts of each"
        raise click.BadParameter(f"{name} receives no records of the account {account_sid}; {right}", param_hint=option)


def check_all_found(wrong: Mapping[str, str], right: str) -> None:
    """Report the CallSids that could not be processed, and where to find valid ones, after the others were processed.

    Raises CommandFailed.
    """
    if wrong:
        raise CommandFailed("\n".join([*(f"{sid}: {why}" for sid, why in wrong.items()), right]))


def tell_of_disabled(ledger: Ledger, sinks: Iterable[str]) -> None:
    """Say on standard error which of these sinks are disabled, so that what is queued for them waits."""
    states = ledger.sink_states()
    for sink in sorted(sinks):
        if states.get(sink, {}).get("state") == "disabled":
            note(f"{sink} is disabled: its deliveries wait; `legwork sinks enable {sink}` resumes them")


def check_can_ask(otherwise: str) -> None:
    """Raise click.UsageError if there is no terminal to ask for a confirmation; `otherwise` names the options for that."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal for the confirmation: {otherwise}")
