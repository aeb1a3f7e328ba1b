"""`legwork dead`: what was given up on, fetches and deliveries; try it again, or let go of it."""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.common import console, json_option, local, print_json, spoken
from webhook.cli.given import check_all_found, letter_sid, tell_of_disabled
from webhook.cli.letters import Letters
from webhook.cli.story import Printer
from webhook.cli.trouble import Trouble
from worker.ledger.mending import Mended, Mending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from worker.ledger.mending import DeadLetter

Command = TypeVar("Command", bound="Callable[..., Any]")

_account_option = click.option("--account", metavar="SID", help="Only what is of this account.")
_sink_option = click.option("--sink", metavar="NAME", help="Only deliveries to this sink.")


@click.group()
def dead() -> None:
    """What was given up on, fetches and deliveries.

    None of it is lost: it waits until you retry it or drop it.
    """


@dead.command("list", epilog="Example: `legwork dead list --sink crm`")
@_account_option
@_sink_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="So many at most.")
@json_option
def list_command(account: str | None, sink: str | None, limit: int, as_json: bool) -> None:
    """What was given up on: counted by reason, and the last ones of it."""
    letters = Letters(account, sink)
    reasons: Counter[tuple[str, str]] = Counter()

    def counted() -> Iterator[DeadLetter]:
        for letter in letters.all():
            reasons[letter.sink or "fetch", letters.reason(letter)] += 1
            yield letter

    rows = heapq.nlargest(limit, counted(), key=lambda letter: letter.at_ms)
    groups = reasons.most_common(limit)
    if as_json:
        print_json(
            {
                "count": reasons.total(),
                "reasons": [{"what": what, "reason": reason, "count": count} for (what, reason), count in groups],
                "dead": [letters.as_document(letter) for letter in rows],
            }
        )
    elif rows:
        _show_list(letters, rows, groups, reasons.total())
    else:
        click.echo("Nothing is dead.")


def _show_list(letters: Letters, rows: list[DeadLetter], groups: list[tuple[tuple[str, str], int]], total: int) -> None:
    now_ms = letters.ledger.now_ms()
    counted = Table("count", "what", "reason", box=box.SIMPLE_HEAD, pad_edge=False)
    for (what, reason), count in groups:
        counted.add_row(str(count), what, escape(reason))
    listed = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("call", "account", "what", "given up on", "reason"):
        listed.add_column(name, no_wrap=name != "reason")
    for letter in rows:
        ago = f"{spoken(max(0.0, now_ms - letter.at_ms) / 1000)} ago"
        listed.add_row(letter.call_sid, letter.account_sid, _what(letter), ago, escape(letters.reason(letter)))
    screen = console()
    screen.print(counted)
    screen.print(listed)
    left = f"The last {len(rows)} of {total}; --limit shows more. " if len(rows) < total else ""
    screen.print(f"{left}`legwork dead show SID` says more of one, `legwork dead retry` tries again.", markup=False)


@dead.command("show", epilog="Example: `legwork dead show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g`")
@click.argument("sid", metavar="SID", type=letter_sid)
@json_option
def show_command(sid: str, as_json: bool) -> None:
    """What of a call was given up on, and why.

    Its fetch, and each delivery with its last attempts and what the sink said last. `legwork calls show` tells all of its
    story.
    """
    letters = Letters()
    found = letters.of(sid)
    if not found:
        raise Trouble(f"{sid}: {_why_not(found)}")
    if as_json:
        print_json([letters.as_document(letter) for letter in found])
        return
    say = Printer(console())
    for letter in found:
        zone = letters.ledger.account(letter.account_sid).timezone
        say.heading(f"{sid}, account {letter.account_sid}: {_what(letter)}")
        say.line(f"given up on at {local(letter.at_ms, zone)} ({zone}): {letters.reason(letter)}")
        for attempt in letter.attempts:
            say.line(f"  {local(attempt['at'], zone)}  {letters.fit(attempt['answer'])}")
        if (said := letter.last_answer) is not None:
            text = " ".join(letters.fit(said["body"]).split())
            say.line(f"its last answer, {said['status']} at {local(said['at'], zone)}: {text or 'no text'}")
    say.line(f"`legwork dead retry {sid}` tries again, `legwork calls show {sid}` tells all of its story.")


def _mending(command: Command) -> Command:
    """The arguments and options of `retry` and `drop`."""
    parameters: list[Callable[[Command], Command]] = [
        click.argument("sids", metavar="[SID]...", nargs=-1, type=letter_sid),
        click.option("--all", "everything", is_flag=True, help="All that is dead, or all that the next three leave."),
        _account_option,
        _sink_option,
        click.option(
            "--reason", metavar="TEXT", help="Only what has this in its reason, in small letters or capitals."
        ),
        click.option("--yes", is_flag=True, help="Do not ask."),
        json_option,
    ]
    for parameter in reversed(parameters):
        command = parameter(command)
    return command


@dead.command(epilog="Example: `legwork dead retry --all --sink crm --reason 503`")
@_mending
def retry(sids: tuple[str, ...], everything: bool, yes: bool, as_json: bool, **only: Any) -> None:
    """Try again what was given up on.

    Calls are fetched again, records delivered again under the same id; all of it now, and by a schedule that begins anew.
    """
    letters = _letters(sids, everything, only)
    found, wrong = _find(letters, sids)
    if everything and not yes and sys.stdin.isatty():
        _ask("Try again:", found())
    sinks: set[str] = set()

    def noted() -> Iterator[DeadLetter]:
        for letter in found():
            sinks.add(letter.sink or "")
            yield letter

    mended = Mending(letters.ledger).retry(noted())
    tell_of_disabled(letters.ledger, sinks)
    _tell("Trying again:", mended, wrong, as_json)


@dead.command(epilog="Example: `legwork dead drop 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g`")
@_mending
def drop(sids: tuple[str, ...], everything: bool, yes: bool, as_json: bool, **only: Any) -> None:
    """Let go of what was given up on, for good.

    Calls are not fetched any more, sinks do without the records. Asks first, unless it is told --yes.
    """
    if everything and not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on: --all needs --yes")
    letters = _letters(sids, everything, only)
    found, wrong = _find(letters, sids)
    if not yes and sys.stdin.isatty():
        _ask("Drop:", found())
    _tell("Dropped:", Mending(letters.ledger).drop(found()), wrong, as_json)


def _letters(sids: tuple[str, ...], everything: bool, only: dict[str, str | None]) -> Letters:
    if bool(sids) == everything:
        raise click.UsageError("name calls by their SIDs, or give --all; `legwork dead list` shows what there is")
    return Letters(**only)


def _find(letters: Letters, sids: tuple[str, ...]) -> tuple[Callable[[], Iterable[DeadLetter]], dict[str, str]]:
    """Find what was asked for: as a function, for it is gone through twice; and what is wrong with which SID."""
    if not sids:
        # What dies after it was counted is not what was agreed to.
        now_ms = letters.ledger.now_ms()
        return lambda: letters.all(until_ms=now_ms), {}
    of_calls = {sid: letters.of(sid) for sid in sids}
    wrong = {sid: _why_not(found) for sid, found in of_calls.items() if not found}
    return lambda: [letter for found in of_calls.values() for letter in found or ()], wrong


def _why_not(found: list[DeadLetter] | None) -> str:
    return "no such call in the ledger" if found is None else "nothing of it is dead, or nothing that was asked for"


def _ask(verb: str, found: Iterable[DeadLetter]) -> None:
    """Count, and ask on the terminal; raises click.Abort for a no."""
    counts = Counter(letter.sink is None for letter in found)
    if counts:
        click.confirm(f"{verb} {_spoken(Mended(counts[True], counts[False]))}?", abort=True, err=True)


def _tell(verb: str, mended: Mended, wrong: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json({"calls": mended.calls, "deliveries": mended.deliveries, "wrong": wrong})
    else:
        click.echo(f"{verb} {_spoken(mended)}.")
    check_all_found(wrong)


def _spoken(mended: Mended) -> str:
    calls, deliveries = mended.calls, mended.deliveries
    return f"{calls} call{'' if calls == 1 else 's'} and {deliveries} deliver{'y' if deliveries == 1 else 'ies'}"


def _what(letter: DeadLetter) -> str:
    return "fetch" if letter.sink is None else f"{letter.sink} {letter.event_key}"
