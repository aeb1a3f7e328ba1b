"""Completion of values: names and ids from the settings and the ledger, or nothing if that would be slow."""

from __future__ import annotations

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from worker.ledger import Ledger

# The longest that the Tab key may take.
_LONGEST_WAIT_SECONDS = 1.0
# A healthy server answers in a millisecond.
_SOCKET_TIMEOUT_SECONDS = 0.3
# Nobody reads a longer list.
_MOST_CALLS = 50


def account_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the SIDs of accounts."""
    return _offer(lambda ledger: ledger.calls, incomplete)


def sink_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of sinks, of the settings and added ones."""
    return _offer(_sinks, incomplete)


def call_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the CallSids of recent calls."""
    return _offer(_calls, incomplete)


def dead_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the CallSids of failed calls and dead letters."""
    return _offer(_dead, incomplete)


def token_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of API tokens."""
    return _offer(_tokens, incomplete)


def _tokens(ledger: Ledger) -> Iterable[str]:
    from worker.ledger.registry.tokens import Tokens  # noqa: PLC0415  only this completion needs it

    return [each.name for each in Tokens(ledger.client).all()]


def _sinks(ledger: Ledger) -> Iterable[str]:
    ledger.refresh_sinks()
    return [*ledger.sinks, *ledger.register.unusable]


def _calls(ledger: Ledger) -> Iterable[str]:
    from worker.ledger.queries.listing import page_of_calls  # noqa: PLC0415  only this completion needs it

    return (call.call_sid for call in page_of_calls(ledger, limit=_MOST_CALLS).calls)


def _dead(ledger: Ledger) -> Iterable[str]:
    from itertools import islice  # noqa: PLC0415

    from worker.ledger.queries.dead_letters import dead_letters  # noqa: PLC0415

    ledger.refresh_sinks()
    return (letter.call_sid for letter in islice(dead_letters(ledger), _MOST_CALLS))


def _offer(find: Callable[[Ledger], Iterable[str]], incomplete: str) -> list[str]:
    """Return the matching values, each once; nothing if they cannot be read in time."""
    found: list[str] = []
    # A thread, since resolving a host's name can take longer than any socket time-out.
    seeker = Thread(target=lambda: found.extend(_seek(find)), daemon=True)
    # Output would appear in the middle of the command line being typed.
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        seeker.start()
        seeker.join(_LONGEST_WAIT_SECONDS)
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def _seek(find: Callable[[Ledger], Iterable[str]]) -> list[str]:
    try:
        import redis  # noqa: PLC0415  imported here, so that even a failing import only means no completions

        from schemas.settings import load_settings  # noqa: PLC0415
        from worker.ledger import Ledger  # noqa: PLC0415

        settings = load_settings(os.environ)
        waits = {"socket_timeout": _SOCKET_TIMEOUT_SECONDS, "socket_connect_timeout": _SOCKET_TIMEOUT_SECONDS}
        with redis.Redis.from_url(settings.redis_url or "", protocol=2, **waits) as client:
            return list(find(Ledger(client, settings)))
    except Exception:  # noqa: BLE001  on any error there are no completions; `legwork check` shows the cause
        return []
