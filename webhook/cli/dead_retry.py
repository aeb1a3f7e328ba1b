"""`legwork dead retry` and `drop`: retry failed calls and dead letters, or drop them."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import click

from webhook.cli.arguments import check_all_found, check_can_ask, letter_sid, tell_of_disabled
from webhook.cli.common import COMMAND_LINE, examples, json_option, print_json
from webhook.cli.completion_values import dead_sids
from webhook.cli.dead_letters import RIGHT, DeadLetters, account_option, reason_option, sink_option, why_not
from webhook.cli.progress import progress
from worker.ledger.operations.dead_letters import ChangedCounts, DeadLetterOperations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from worker.ledger.queries.dead_letters import DeadLetter

Command = TypeVar("Command", bound="Callable[..., Any]")


def _selection_options(command: Command) -> Command:
    """Add the arguments and options that `retry` and `drop` share."""
    parameters: list[Callable[[Command], Command]] = [
        click.argument("sids", metavar="[SID]...", nargs=-1, type=letter_sid, shell_complete=dead_sids),
        click.option(
            "--all", "everything", is_flag=True, help="All, or all that match --account, --sink and --reason."
        ),
        account_option,
        sink_option,
        reason_option,
        click.option("--yes", is_flag=True, help="Do not ask for confirmation."),
        json_option,
    ]
    for parameter in reversed(parameters):
        command = parameter(command)
    return command


@click.command(
    epilog=examples(
        "legwork dead retry 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "legwork dead retry --all --sink crm --reason 503 --yes"
    )
)
@_selection_options
def retry(sids: tuple[str, ...], everything: bool, yes: bool, as_json: bool, **only: Any) -> None:
    """Retry failed calls and dead letters.

    Calls are fetched again, and records are delivered again with the same ids, now; their retry schedules start again.
    --all asks first, unless --yes is given.
    """
    if everything and not yes:
        check_can_ask("--all needs --yes; `legwork dead list` shows what would be retried")
    letters = _letters(sids, everything, only)
    found, wrong = _find(letters, sids)
    total = _ask("Retry", found()) if everything and not yes else None
    sinks: set[str] = set()

    def chosen() -> Iterator[DeadLetter]:
        for letter in found():
            sinks.add(letter.sink or "")
            yield letter

    with progress("retrying", total, as_json=as_json) as advance:
        changed = DeadLetterOperations(letters.ledger, by=COMMAND_LINE).retry(_counted(chosen(), advance))
    tell_of_disabled(letters.ledger, sinks)
    _tell("Queued for retry:", changed, wrong, as_json)


@click.command(
    epilog=examples("legwork dead drop 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "legwork dead drop --all --sink crm --yes")
)
@_selection_options
def drop(sids: tuple[str, ...], everything: bool, yes: bool, as_json: bool, **only: Any) -> None:
    """Drop failed calls and dead letters for good.

    The calls are no longer fetched, and the sinks never receive the records. Asks first, unless --yes is given.
    """
    if everything and not yes:
        check_can_ask("--all needs --yes; `legwork dead list` shows what would be dropped")
    letters = _letters(sids, everything, only)
    found, wrong = _find(letters, sids)
    total = _ask("Drop", found()) if not yes and sys.stdin.isatty() else None
    with progress("dropping", total, as_json=as_json) as advance:
        changed = DeadLetterOperations(letters.ledger, by=COMMAND_LINE).drop(_counted(found(), advance))
    _tell("Dropped:", changed, wrong, as_json)


def _letters(sids: tuple[str, ...], everything: bool, only: dict[str, str | None]) -> DeadLetters:
    if bool(sids) == everything:
        raise click.UsageError("give CallSids or --all; `legwork dead list` lists failed calls and dead letters")
    return DeadLetters(**only)


def _find(letters: DeadLetters, sids: tuple[str, ...]) -> tuple[Callable[[], Iterable[DeadLetter]], dict[str, str]]:
    """Return a function that yields the selected letters, since they are read twice; and what is wrong with which SID."""
    if not sids:
        # What fails after it was counted is not part of the confirmation.
        now_ms = letters.ledger.now_ms()
        return lambda: letters.all(until_ms=now_ms), {}
    of_calls = {sid: letters.of(sid) for sid in sids}
    wrong = {sid: why_not(found) for sid, found in of_calls.items() if not found}
    return lambda: [letter for found in of_calls.values() for letter in found or ()], wrong


def _counted(letters: Iterable[DeadLetter], advance: Callable[[int], None]) -> Iterator[DeadLetter]:
    for letter in letters:
        yield letter
        advance(1)


def _ask(verb: str, found: Iterable[DeadLetter]) -> int:
    """Count, ask for confirmation, and return the number; raises click.Abort for a no."""
    counts = Counter(letter.sink is None for letter in found)
    if counts:
        click.confirm(f"{verb} {_spoken(ChangedCounts(counts[True], counts[False]))}?", abort=True, err=True)
    return counts.total()


def _tell(verb: str, changed: ChangedCounts, wrong: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json({"calls": changed.calls, "deliveries": changed.deliveries, "wrong": wrong})
    else:
        click.echo(f"{verb} {_spoken(changed)}.")
    check_all_found(wrong, RIGHT)


def _spoken(changed: ChangedCounts) -> str:
    calls, deliveries = changed.calls, changed.deliveries
    return f"{calls} call{'' if calls == 1 else 's'} and {deliveries} deliver{'y' if deliveries == 1 else 'ies'}"
