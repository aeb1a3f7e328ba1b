"""`legwork up`, `legwork web`, `legwork worker`: the commands that run until they are stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from webhook.cli.common import examples, json_option, settings_with_redis


@click.command(epilog=examples("legwork up", "PORT=8080 SINKS=file:calls.jsonl legwork up", "legwork up --json"))
@json_option
def up(as_json: bool) -> None:
    """Start everything on this machine, until Ctrl-C.

    An embedded Redis unless REDIS_URL is set (its data is kept in .legwork/), a mock Exotel (the sandbox) that places calls
    unless EXOTEL_API_KEY is set, and a web and a worker process.
    """
    from webhook.up import run  # noqa: PLC0415  a worker needs no web server

    sys.exit(run(Path(), os.environ, as_json=as_json))


@click.command(epilog=examples("legwork web", "PORT=8080 legwork web --json"))
@json_option
def web(as_json: bool) -> None:
    """Take callbacks and serve the console on PORT, until SIGTERM.

    Run any number, on any number of hosts, against one Redis.
    """
    _log_as(as_json)
    settings = settings_with_redis()
    from webhook.server import serve  # noqa: PLC0415  only this command needs the server

    serve(settings)


@click.command(epilog=examples("legwork worker", "legwork worker --heartbeat /run/legwork/alive"))
@click.option(
    "--heartbeat",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Touch FILE every few seconds, for a liveness probe: if it is a minute old, this worker hangs.",
)
@json_option
def worker(heartbeat: Path | None, as_json: bool) -> None:
    """Fetch legs and deliver records, until SIGTERM.

    Run any number, on any number of hosts, against one Redis; together they keep the quota.
    """
    _log_as(as_json)
    settings = settings_with_redis()
    from worker.process.heartbeat import Heartbeat  # noqa: PLC0415  only this command needs Celery, and what goes with it
    from worker.run import run_worker  # noqa: PLC0415

    pulse = Heartbeat(heartbeat)
    try:
        pulse.begin()
    except OSError as error:
        right = "name one in an existing, writable directory"
        problem = f"{heartbeat} cannot be written ({error.strerror}); {right}"
        raise click.BadParameter(problem, param_hint="--heartbeat") from error
    sys.exit(run_worker(settings, heartbeat=pulse))


def _log_as(as_json: bool) -> None:
    """Make a server process log as JSON under --json, since its log is its only output."""
    if as_json:
        os.environ["LOG_FORMAT"] = "json"
