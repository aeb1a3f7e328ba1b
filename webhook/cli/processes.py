"""`legwork up`, `legwork web`, `legwork worker`: the commands that run until they are told to stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from webhook.cli.common import json_option, settings_with_redis
from webhook.up import run


@click.command(epilog="Example: `legwork up`, or `PORT=8080 SINKS=file:calls.jsonl legwork up`")
@json_option
def up(as_json: bool) -> None:
    """Start all of it here, until Ctrl-C.

    An embedded Redis unless REDIS_URL is set (its data is kept in .legwork/), a pretend Exotel that places calls unless
    EXOTEL_API_KEY is set, and a web and a worker process.
    """
    sys.exit(run(Path(), os.environ, as_json=as_json))


@click.command(epilog="Example: `PORT=8080 legwork web`")
@json_option
def web(as_json: bool) -> None:
    """Take callbacks and serve the console on PORT, until SIGTERM.

    Any number of them may run, on any number of hosts, against one Redis.
    """
    _log_as(as_json)
    settings = settings_with_redis()
    from webhook.web import serve  # noqa: PLC0415  only this command needs the server

    serve(settings)


@click.command(epilog="Example: `legwork worker`")
@json_option
def worker(as_json: bool) -> None:
    """Fetch the legs of calls and deliver their records, until SIGTERM.

    Any number of them may run, on any number of hosts, against one Redis: together they keep to the quota.
    """
    _log_as(as_json)
    settings = settings_with_redis()
    from worker.run import run_worker  # noqa: PLC0415  only this command needs Celery

    sys.exit(run_worker(settings))


def _log_as(as_json: bool) -> None:
    """A process that serves has no answer but its log."""
    if as_json:
        os.environ["LOG_FORMAT"] = "json"
