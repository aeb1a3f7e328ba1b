"""The calls that a report of the command line is of: from the ledger, or from files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import BEGINNING, check_account, time_ranges
from webhook.cli.common import local, open_ledger, settings_here, settings_with_redis
from webhook.cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo
    from pathlib import Path

    from schemas.settings import Settings
    from webhook.cli.arguments import GivenTime
    from webhook.operations.reports.files import RecordFiles
    from worker.ledger import Ledger
    from worker.ledger.queries.newest_records import NewestRecords
    from worker.record.reported import ReportedCall


@dataclass(slots=True)
class Wanted:
    """What was asked for."""

    account: str | None
    since: GivenTime | None
    until: GivenTime | None


@dataclass(slots=True)
class FromLedger:
    """The ledger's calls, each account's times read in its own zone."""

    ledger: Ledger
    wanted: Wanted
    parts: list[NewestRecords] = field(default_factory=list)

    @classmethod
    def of(cls, wanted: Wanted) -> FromLedger:
        """Open the ledger. Raises click.BadParameter for an unknown account, click.UsageError for an empty span."""
        from worker.ledger.queries.filters import CallFilter  # noqa: PLC0415  files do not need it
        from worker.ledger.queries.newest_records import NewestRecords  # noqa: PLC0415

        ledger = open_ledger(settings_with_redis())
        check_account(ledger, wanted.account)
        accounts = [wanted.account] if wanted.account else list(ledger.calls)
        if wanted.since is None and wanted.until is None:
            filters = [CallFilter(accounts=accounts)]
        else:
            spans = time_ranges(ledger, wanted.since or BEGINNING, wanted.until, accounts)
            filters = [
                # Without --until there is no upper bound: a host's clock may be behind Exotel's.
                CallFilter(accounts=[sid], since_ms=begin, until_ms=end if wanted.until else None)
                for sid, (begin, end) in spans.items()
            ]
        return cls(ledger, wanted, [NewestRecords(ledger, each) for each in filters])

    @property
    def total(self) -> int:
        """Return how many calls will be read."""
        from worker.ledger.queries.listing import calls_between  # noqa: PLC0415

        return sum(calls_between(self.ledger, part.wanted) for part in self.parts)

    def calls(self, advance: Callable[[int], None]) -> Iterator[ReportedCall]:
        """Yield the calls."""
        for part in self.parts:
            part.advance = advance
        return chain.from_iterable(self.parts)

    def zone_of(self, account_sid: str) -> tzinfo:
        """Return an account's zone."""
        return self.ledger.account(account_sid).timezone

    @property
    def zone(self) -> tzinfo:
        """Return the zone of the report's times: that of the account, or of the first one."""
        return self.zone_of(self.wanted.account or next(iter(self.ledger.calls)))

    @property
    def zones(self) -> set[str]:
        """Return the names of all zones in which hours are told."""
        return {str(self.zone)} if self.wanted.account else {str(self.zone_of(sid)) for sid in self.ledger.calls}

    @property
    def without_record(self) -> int:
        """Return how many of the calls read have no record yet."""
        return sum(part.without for part in self.parts)

    def remarks(self) -> list[str]:
        """Return what is to be said about the source, after the calls were read."""
        from webhook.operations.reports.remarks import reaches_back_to_ms  # noqa: PLC0415

        if self.wanted.since is None:
            return []
        first = [ms for part in self.parts if (ms := reaches_back_to_ms(self.ledger, part.wanted)) is not None]
        if not first:
            return []
        days = self.ledger.settings.retention_days
        began = local(min(first), self.zone)
        return [f"Calls are kept for {days:g} days after their last delivery; the first one kept began {began}."]


@dataclass(slots=True)
class FromFiles:
    """The calls in files that sinks have written."""

    files: RecordFiles
    settings: Settings
    wanted: Wanted
    total: None = None
    without_record: int = 0

    @classmethod
    def of(cls, path: Path, wanted: Wanted) -> FromFiles:
        """Read the settings, which have the accounts' zones. Raises click.UsageError for an empty span."""
        from webhook.operations.reports.files import RecordFiles  # noqa: PLC0415  the ledger does not need it

        source = cls(RecordFiles(path), settings_here(), wanted)
        since_ms, until_ms = _span(wanted, source.zone)
        if since_ms is not None and until_ms is not None and since_ms >= until_ms:
            raise click.UsageError("the time span is empty: --since must be before --until")
        return source

    def calls(self, advance: Callable[[int], None]) -> Iterator[ReportedCall]:
        """Yield the calls. Raises CommandFailed."""
        from webhook.operations.reports.files import UnreadableFiles  # noqa: PLC0415

        self.files.advance = advance
        span = cache(lambda account_sid: _span(self.wanted, self.zone_of(account_sid)))
        try:
            for call in self.files:
                since_ms, until_ms = span(call.account_sid)
                began_ms = call.began_at.timestamp() * 1000
                if (
                    self.wanted.account in {None, call.account_sid}
                    and (since_ms is None or began_ms >= since_ms)
                    and (until_ms is None or began_ms < until_ms)
                ):
                    yield call
        except UnreadableFiles as error:
            raise CommandFailed(str(error)) from error

    def zone_of(self, account_sid: str) -> tzinfo:
        """Return an account's zone; that of the first account for one that the settings do not name."""
        zones = {account.sid: account.timezone for account in self.settings.accounts}
        return zones.get(account_sid, next(iter(zones.values())))

    @property
    def zone(self) -> tzinfo:
        """Return the zone of the report's times."""
        return self.zone_of(self.wanted.account or "")

    @property
    def zones(self) -> set[str]:
        """Return the names of all zones in which hours may be told."""
        return {str(self.zone)} if self.wanted.account else {str(each.timezone) for each in self.settings.accounts}

    def remarks(self) -> list[str]:
        """Return what is to be said about the source, after the calls were read."""
        from webhook.operations.reports.remarks import counted  # noqa: PLC0415

        found = []
        if self.files.skipped:
            found.append(f"Skipped, because it is no record: {counted(self.files.skipped, 'line')}.")
        if self.files.parquet:
            found.append(f"Not read: {counted(self.files.parquet, 'Parquet file')}.")
        return found


def _span(wanted: Wanted, zone: tzinfo) -> tuple[float | None, float | None]:
    now_ms = time.time() * 1000
    since, until = (None if given is None else given.in_ms(zone, now_ms) for given in (wanted.since, wanted.until))
    return since, until
