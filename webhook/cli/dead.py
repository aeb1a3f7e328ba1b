"""`legwork dead list` and `show`: failed calls and dead letters."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import letter_sid
from webhook.cli.call_history import Printer
from webhook.cli.columns import Column, show_table
from webhook.cli.common import console, examples, json_option, local, print_json
from webhook.cli.completion_values import dead_sids
from webhook.cli.dead_letters import RIGHT, DeadLetters, account_option, reason_option, sink_option, why_not
from webhook.cli.errors import CommandFailed
from webhook.operations.dead_letters import FETCH
from webhook.operations.times import ago

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger.queries.dead_letters import DeadLetter

_REASONS = [Column("count"), Column("what", least=8), Column("reason", least=12)]
_LETTERS = [
    Column("call"),
    Column("account", least=8, drop=1),
    Column("what", least=8),
    Column("failed", drop=2),
    Column("reason", least=12),
]


@click.command("list", epilog=examples("legwork dead list", "legwork dead list --sink crm --reason 503 --limit 100"))
@account_option
@sink_option
@reason_option
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Show at most N."
)
@json_option
def list_command(account: str | None, sink: str | None, reason: str | None, limit: int, as_json: bool) -> None:
    """List failed calls and dead letters: counts by reason, then the most recent."""
    letters = DeadLetters(account, sink, reason)
    reasons: Counter[tuple[str, str]] = Counter()

    def counted() -> Iterator[DeadLetter]:
        for letter in letters.all():
            reasons[letter.sink or FETCH, letters.reason(letter)] += 1
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
        narrower = " match; `legwork dead list` without options lists all"
        click.echo(f"No failed calls or dead letters{narrower if account or sink or reason else ''}.")


def _show_list(
    letters: DeadLetters, rows: list[DeadLetter], groups: list[tuple[tuple[str, str], int]], total: int
) -> None:
    now_ms = letters.ledger.now_ms()
    show_table(_REASONS, [[str(count), what, reason] for (what, reason), count in groups])
    show_table(
        _LETTERS,
        [
            [letter.call_sid, letter.account_sid, _what(letter), ago(letter.at_ms, now_ms), letters.reason(letter)]
            for letter in rows
        ],
    )
    left = f"Most recent {len(rows)} of {total}; --limit shows more. " if len(rows) < total else ""
    console().print(f"{left}`legwork dead show SID` shows details, `legwork dead retry` retries.", markup=False)


@click.command(
    "show",
    epilog=examples(
        "legwork dead show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
        "legwork dead show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g --json",
    ),
)
@click.argument("sid", metavar="SID", type=letter_sid, shell_complete=dead_sids)
@json_option
def show_command(sid: str, as_json: bool) -> None:
    """Show why a call's fetch or deliveries failed.

    Shows its fetch, and each delivery with its last attempts and the sink's last answer. `legwork calls show` shows the
    whole timeline.
    """
    letters = DeadLetters()
    found = letters.of(sid)
    if not found:
        raise CommandFailed(f"{sid}: {why_not(found)}\n{RIGHT}")
    if as_json:
        print_json([letters.as_document(letter) for letter in found])
        return
    say = Printer(console())
    for letter in found:
        zone = letters.ledger.account(letter.account_sid).timezone
        say.heading(f"{sid}, account {letter.account_sid}: {_what(letter)}")
        say.line(f"failed at {local(letter.at_ms, zone)} ({zone}): {letters.reason(letter)}")
        for attempt in letter.attempts:
            say.line(f"  {local(attempt['at'], zone)}  {letters.fit(attempt['answer'])}")
        if (said := letter.last_answer) is not None:
            text = " ".join(letters.fit(said["body"]).split())
            say.line(f"last answer: {said['status']} at {local(said['at'], zone)}: {text or 'no text'}")
    say.line(f"`legwork dead retry {sid}` retries, `legwork calls show {sid}` shows the whole timeline.")


def _what(letter: DeadLetter) -> str:
    return FETCH if letter.sink is None else f"{letter.sink} {letter.event_key}"
