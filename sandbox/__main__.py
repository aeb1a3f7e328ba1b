"""`python -m sandbox`: runs a sandbox by its options and environment; it stops within a second."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import click

from sandbox.scenarios import BY_NAME
from sandbox.server import Sandbox
from sandbox.settings import Settings, accounts_of

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])


def _parsed(parse: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, str], T]:
    def callback(_context: click.Context, _parameter: click.Parameter, value: str) -> T:
        try:
            return parse(value)
        except ValueError as reason:
            raise click.BadParameter(str(reason)) from reason

    return callback


def _url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return text


def _pauses(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split())
    except ValueError as reason:
        raise ValueError("must be seconds separated by spaces, such as 300 900") from reason


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.replace(",", " ").split())
    unknown = sorted(set(names) - set(BY_NAME))
    if unknown:
        raise ValueError(f"no such scenario: {', '.join(unknown)}")
    return names


def _option(name: str, *variables: str, **attributes: Any) -> Callable[[Command], Command]:
    """Return an option with its variables; the first one that is set counts."""
    shown = {"show_envvar": True, "show_default": True} | attributes
    return click.option(*name.split(), envvar=list(variables), **shown)


_POSITIVE = click.FloatRange(0, min_open=True)
_NOT_NEGATIVE = click.FloatRange(0)


@click.command(
    epilog="Accounts come only from the environment, because they hold secrets: SANDBOX_ACCOUNTS as "
    "sid:key:token (several separated by spaces), or SANDBOX_ACCOUNT_SID, SANDBOX_API_KEY and "
    "SANDBOX_API_TOKEN, or the same with EXOTEL_ for SANDBOX_. "
    "Without any: acme1m, sandbox-key, sandbox-token."
)
@_option("--host", "SANDBOX_HOST", default="127.0.0.1", help="Address to listen on.")
@_option(
    "--port",
    "SANDBOX_PORT",
    default=8010,
    type=click.IntRange(0, 65535),
    help="0 takes a free port and prints it.",
)
@_option(
    "--quota",
    "SANDBOX_QUOTA",
    "EXOTEL_QUOTA",
    default=200,
    type=click.IntRange(1),
    help="Requests in any window.",
)
@_option(
    "--quota-seconds",
    "SANDBOX_QUOTA_SECONDS",
    "EXOTEL_QUOTA_SECONDS",
    default=60.0,
    type=_POSITIVE,
    help="Length of the window.",
)
@_option(
    "--count-refused/--forgive-refused",
    "SANDBOX_COUNT_REFUSED",
    default=True,
    help="Whether refused requests fill the window too.",
)
@_option(
    "--retry-after",
    "SANDBOX_RETRY_AFTER",
    default="seconds",
    type=click.Choice(["seconds", "date", "none"]),
    help="Form of the Retry-After header of the quota's 429.",
)
@_option(
    "--slow-seconds",
    "SANDBOX_SLOW_SECONDS",
    default=3.0,
    type=_NOT_NEGATIVE,
    help="Pause of the scenario slow.",
)
@_option(
    "--time-scale speed",
    "SANDBOX_SPEED",
    default=1.0,
    type=_POSITIVE,
    help="How many times faster than real time calls run: at 20, a call of 40 s ends after 2 s.",
)
@_option(
    "--passthru-url",
    "SANDBOX_PASSTHRU_URL",
    default="",
    show_default=False,
    callback=_parsed(_url),
    help="URL for Passthru; {account_sid} in it is replaced by the account. It holds a secret: use the variable.",
)
@_option(
    "--status-url",
    "SANDBOX_STATUS_URL",
    default="",
    show_default=False,
    callback=_parsed(_url),
    help="The same for StatusCallback.",
)
@_option(
    "--callback-retries",
    "SANDBOX_CALLBACK_RETRIES",
    default="300 900",
    callback=_parsed(_pauses),
    help="Seconds of call time before each retry of a StatusCallback that was not answered with 2xx.",
)
@_option(
    "--calls-at-start",
    "SANDBOX_CALLS_AT_START",
    default=0,
    type=click.IntRange(0),
    help="Calls to place as soon as the receiver of the callbacks listens.",
)
@_option(
    "--calls-per-minute",
    "SANDBOX_CALLS_PER_MINUTE",
    default=0.0,
    type=_NOT_NEGATIVE,
    help="Calls to place per minute after that.",
)
@_option(
    "--scenarios",
    "SANDBOX_SCENARIOS",
    default="",
    show_default=False,
    callback=_parsed(_names),
    help="Scenarios of those calls, in turn; default: all.",
)
def main(**options: Any) -> None:
    """A mock Exotel: Legs API and calls list under a quota, calls that post their callbacks.

    `GET /` lists the scenarios, `POST /calls` places calls.
    """
    try:
        settings = Settings(accounts=accounts_of(os.environ), **options)
    except ValueError as reason:
        raise click.UsageError(str(reason)) from reason
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Sandbox(settings) as sandbox:
        click.echo(f"sandbox: listening on {sandbox.url}")
        stop.wait()


if __name__ == "__main__":
    main()
