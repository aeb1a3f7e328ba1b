"""What a Tab offers for values: names and ids out of the settings and the ledger, or nothing where that is not quick."""

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

# Who pressed Tab waits for this, and no longer.
_LONGEST_WAIT_SECONDS = 1.0
# A server that is there answers in a millisecond.
_SOCKET_TIMEOUT_SECONDS = 0.3
# More than these nobody reads.
_MOST_CALLS = 50


def account_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The accounts of the settings."""
    return _offer(lambda ledger: ledger.calls, incomplete)


def sink_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The sinks of the settings, and those that were added."""
    return _offer(_sinks, incomplete)


def call_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The calls heard of last."""
    return _offer(_calls, incomplete)


def dead_sids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The calls of which something was given up on."""
    return _offer(_dead, incomplete)


def token_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The tokens of the API."""
    return _offer(_tokens, incomplete)


def _tokens(ledger: Ledger) -> Iterable[str]:
    from worker.ledger.registry.tokens import Tokens  # noqa: PLC0415  only who presses Tab here needs it

    return [each.name for each in Tokens(ledger.client).all()]


def _sinks(ledger: Ledger) -> Iterable[str]:
    ledger.refresh_sinks()
    return [*ledger.sinks, *ledger.register.unusable]


def _calls(ledger: Ledger) -> Iterable[str]:
    from worker.ledger.queries.lookup import STATES, list_calls  # noqa: PLC0415  only who presses Tab here needs it

    for account in ledger.calls:
        for state in STATES:
            for call in list_calls(ledger, account, state, limit=_MOST_CALLS):
                yield call.call_sid


def _dead(ledger: Ledger) -> Iterable[str]:
    from itertools import islice  # noqa: PLC0415

    from worker.ledger.queries.dead_letters import dead_letters  # noqa: PLC0415

    ledger.refresh_sinks()
    return (letter.call_sid for letter in islice(dead_letters(ledger), _MOST_CALLS))


def _offer(find: Callable[[Ledger], Iterable[str]], incomplete: str) -> list[str]:
    """Return what begins so, each once; nothing where it cannot be had in time."""
    found: list[str] = []
    # A thread, since a host's name can take longer to look up than any time-out of a socket.
    seeker = Thread(target=lambda: found.extend(_seek(find)), daemon=True)
    # What is said meanwhile would stand in the midst of what somebody types.
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        seeker.start()
        seeker.join(_LONGEST_WAIT_SECONDS)
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def _seek(find: Callable[[Ledger], Iterable[str]]) -> list[str]:
    try:
        import redis  # noqa: PLC0415  imported here: what can go wrong with it is no more than nothing to offer

        from schemas.settings import load_settings  # noqa: PLC0415
        from worker.ledger import Ledger  # noqa: PLC0415

        settings = load_settings(os.environ)
        waits = {"socket_timeout": _SOCKET_TIMEOUT_SECONDS, "socket_connect_timeout": _SOCKET_TIMEOUT_SECONDS}
        with redis.Redis.from_url(settings.redis_url or "", protocol=2, **waits) as client:
            return list(find(Ledger(client, settings)))
    except Exception:  # noqa: BLE001  whatever it is: a Tab offers nothing then, and `legwork check` tells why
        return []
