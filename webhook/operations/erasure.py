"""Erases a person's number from the ledger and from what sinks keep on this host, and reports what was found where."""

from __future__ import annotations

import socket
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis

from schemas.times import write_milliseconds
from worker.errors import LegworkError
from worker.lazy_logger import LazyLogger
from worker.ledger.operations.erasing import PLACES, LedgerEraser
from worker.ledger.server import about_server
from worker.numbers.erasure import Eraser, known_as
from worker.numbers.masking import mask_number
from worker.sinks import sink_for
from worker.sinks.boundary import as_failures
from worker.sinks.erase_files import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import SinkSpec
    from worker.ledger import Ledger
    from worker.ledger.operations.erasing import FoundCall

log = LazyLogger(__name__)

# When no account is configured: the default of an account's `region`.
_USUAL_REGION = "IN"


class ErasureInterrupted(Exception):
    """Raised when Redis became unreachable, holds unreadable data (of a newer Legwork, say), or the user interrupted.

    The receipt covers what was done until then.
    """

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt)
        self.receipt = receipt


class NotANumber(Exception):
    """Raised for an input that is no phone number; the message says what is valid and does not repeat the input."""


@dataclass(slots=True)
class Receipt:
    """What was found where, and what was erased; its number is masked."""

    number: str
    at_ms: float
    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    #: The calls in the ledger that held the number.
    calls: list[FoundCall] = field(default_factory=list)
    #: The sinks' files on this host, with the sink's name.
    here: list[tuple[str, Kept]] = field(default_factory=list)
    #: The sinks that store records elsewhere, and those that no longer exist.
    elsewhere: list[str] = field(default_factory=list)
    #: Hosts with workers, which may have files of their own.
    other_hosts: list[str] = field(default_factory=list)
    append_only_file: str = "not asked"
    is_broken_off: bool = False

    @property
    def unfinished(self) -> list[FoundCall]:
        """The calls in which the number may reappear."""
        return [call for call in self.calls if call.is_unfinished]

    @property
    def is_complete(self) -> bool:
        """Is everything erased that can be erased here?"""
        return not self.is_broken_off and not self.unfinished and all(kept.problem is None for _, kept in self.here)

    def delivered_to(self, sink: str) -> list[str]:
        """Return the calls of which a sink has, or may have, received a record with the number."""
        return sorted({call.call_sid for call in self.calls if sink in call.delivered})

    def as_document(self) -> dict[str, Any]:
        """Return it as plain data; the shape is the same whatever was found."""
        return {
            "number": self.number,
            "at": write_milliseconds(self.at_ms),
            "dry_run": self.dry_run,
            "complete": self.is_complete,
            "accounts": sorted({call.account_sid for call in self.calls}),
            "ledger": {
                place: {"found": self.counts[place], "erased": 0 if self.dry_run else self.counts[place]}
                for place in PLACES
            },
            "files": [
                {
                    "sink": sink,
                    "path": kept.path,
                    "found": kept.found,
                    "erased": kept.erased,
                    "missing": kept.is_missing,
                    "problem": kept.problem,
                }
                for sink, kept in self.here
            ],
            "unfinished": [{"account_sid": call.account_sid, "call_sid": call.call_sid} for call in self.unfinished],
            "elsewhere": [{"sink": sink, "calls": self.delivered_to(sink)} for sink in self.elsewhere],
            "other_hosts": self.other_hosts,
            "append_only_file": self.append_only_file,
        }


def read_number(given: str, ledger: Ledger, region: str | None) -> str:
    """Return the number in E.164, read as in `region`, or by default as in the accounts' regions if they all agree.

    Raises NotANumber.
    """
    regions = {region} if region else {account.region for account in ledger.settings.accounts} or {_USUAL_REGION}
    meant = {known_as(given, each) for each in regions}
    if len(meant) > 1:
        raise NotANumber("the accounts' regions read this number differently: write it with + and the country code")
    (number,) = meant
    if number is None:
        raise NotANumber("this is no phone number: give +919000000001, 09000000001 or sip:name@host")
    return number


def forget(
    ledger: Ledger,
    number: str,
    *,
    region: str | None = None,
    dry_run: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> Receipt:
    """Erase a number that `read_number` returned, or only count; `progress` is called with numbers of calls searched.

    Raises ErasureInterrupted.
    """
    regions = {account.sid: account.region for account in ledger.settings.accounts}
    eraser = Eraser(number, regions, region or next(iter(regions.values()), _USUAL_REGION))
    receipt = Receipt(mask_number(number), ledger.now_ms(), dry_run)
    try:
        _go_through(ledger, eraser, receipt, progress)
    except (KeyboardInterrupt, redis.RedisError, ValueError, zlib.error) as error:
        receipt.is_broken_off = True
        raise ErasureInterrupted(receipt) from error
    finally:
        if not dry_run:
            _tell(receipt)
    return receipt


def _go_through(ledger: Ledger, eraser: Eraser, receipt: Receipt, progress: Callable[[int], None]) -> None:
    # Set first, so that the receipt of an interrupted run names them too.
    receipt.elsewhere = list(ledger.sinks)
    in_ledger = LedgerEraser(ledger, eraser, dry_run=receipt.dry_run)
    for looked in in_ledger.run():
        receipt.calls += looked.found
        for call in looked.found:
            receipt.counts += call.counts
            receipt.elsewhere += sorted(call.delivered - ledger.sinks.keys() - set(receipt.elsewhere))
        if looked.calls:
            progress(looked.calls)
    receipt.counts["answers"] += in_ledger.suspensions()
    receipt.counts["sink_states"] = in_ledger.sink_states()
    # After the ledger: what is delivered from now on no longer holds the number.
    for spec in ledger.sinks.values():
        kept = _kept_by(spec, eraser, dry_run=receipt.dry_run)
        if kept is not None and not all(one.is_missing for one in kept):
            receipt.elsewhere.remove(spec.name)
        receipt.here += [(spec.name, one) for one in kept or ()]
    hosts = {name.rpartition(":")[0] for name in ledger.workers()}
    receipt.other_hosts = sorted(hosts - {socket.gethostname()})
    if not receipt.dry_run:
        receipt.append_only_file = _rewrite_append_only_file(ledger)


def _kept_by(spec: SinkSpec, eraser: Eraser, *, dry_run: bool) -> list[Kept] | None:
    try:
        with as_failures(spec):
            return sink_for(spec).erase(eraser, dry_run=dry_run)
    except (LegworkError, OSError) as error:
        # A missing library or an unreadable folder must not prevent the rest.
        return [Kept(spec.name, problem=str(error))]


def _rewrite_append_only_file(ledger: Ledger) -> str:
    """Have Redis rewrite its append-only file, which holds the erased data until then."""
    told = about_server(ledger.client, "persistence")
    if "aof_enabled" in told and not told["aof_enabled"]:
        return "off"
    try:
        ledger.client.bgrewriteaof()
    except redis.ResponseError as error:
        return f"refused: {error}"
    return "being rewritten"


def _tell(receipt: Receipt) -> None:
    log.info(
        "privacy.forgotten",
        number=receipt.number,
        **{place: receipt.counts[place] for place in PLACES},
        file_records=sum(kept.erased for _, kept in receipt.here),
        unfinished=len(receipt.unfinished),
        complete=receipt.is_complete,
    )
