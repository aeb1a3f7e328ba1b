"""`legwork up`: starts the embedded Redis, the sandbox, web and worker together, and stops them, Redis last."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import ExitStack
from threading import Event, Thread
from typing import TYPE_CHECKING

import click
import redis
from honcho.printer import Message
from honcho.printer import Printer as PrefixPrinter

from schemas.addresses import seen_from_here
from schemas.settings.load import set_in
from schemas.urls import without_password
from webhook.up.banner import banner, command_here, report
from webhook.up.folder import Folder
from webhook.up.plan import Plan, make_plan, sandbox_environment
from webhook.up.records import file_of, follow, in_a_line
from webhook.up.supervisor import SIGNALS, Supervisor
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.advice import what_to_do
from worker.process import embedded_redis
from worker.sinks import open_sinks
from worker.sinks.boundary import close

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import FrameType

# The longest name of a process, so that the prefixes form a column.
_WIDTH = len("records")


class CannotStart(Exception):
    """Raised when something that the settings name is unavailable; the message says what, and what to do."""


class JsonPrinter:
    """Prints each line of a process as a JSON object, for `legwork up --json`."""

    def write(self, message: Message) -> None:
        """Show a message's line under its name."""
        click.echo(json.dumps({"process": message.name, "line": message.data}))


def run(directory: Path, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Start everything, and stop it at SIGINT, SIGTERM or SIGHUP, or when the first process ends.

    Returns the exit code: 0 after a signal, 1 when a process ended by itself. When it raises SettingsError, BadSink,
    LedgerUnusable, NoServer or CannotStart, nothing is left running.
    """
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    folder = Folder(directory)
    try:
        with ExitStack() as stack:
            stack.enter_context(folder.locked())
            plan = make_plan(environ, directory, folder)
            _try_sinks(plan)
            if plan.redis:
                port, password = plan.redis
                data = folder.redis(of_sandbox=plan.sandbox is not None)
                stack.callback(embedded_redis.start(data, port=port, password=password).stop)
            _try_ledger(plan)
            stack.callback(folder.withdraw)
            folder.publish({**set_in(environ), **plan.made})
            return _run(plan, environ, as_json=as_json)
    except KeyboardInterrupt:
        return 0


def _run(plan: Plan, environ: Mapping[str, str], *, as_json: bool) -> int:
    for warning in plan.settings.warnings:
        click.echo(f"legwork: {warning}", err=True)
    typed = command_here(sys.argv[0], environ.get("PATH"))
    click.echo(json.dumps(report(plan)) if as_json else banner(plan, typed))
    printer = JsonPrinter() if as_json else PrefixPrinter(sys.stdout, width=_WIDTH)
    # The children write to pipes, so they cannot see whether the output is a terminal.
    on_terminal = sys.stdout.isatty() and not as_json
    log_format = plan.settings.log_format or ("console" if on_terminal else "json")
    common = {**environ, **plan.made, "LOG_FORMAT": log_format, "PYTHONUNBUFFERED": "1"}
    if plan.sandbox:
        common |= _past_proxies(environ, seen_from_here(plan.settings.host))
    over = Event()
    with Supervisor(printer) as supervisor:
        for name, command, more in _processes(plan, environ):
            supervisor.start(name, command, common | more)
        records = file_of(plan.settings.sinks) if plan.sandbox else None
        if records is not None:
            Thread(target=_show_records, args=(records, supervisor, over), daemon=True).start()
        ended = supervisor.work()
        over.set()
    if ended is not None:
        click.echo(f"legwork: {ended}, so everything was stopped; the lines above say why", err=True)
        return 1
    return 0


def _past_proxies(environ: Mapping[str, str], web_address: str) -> dict[str, str]:
    """Return the variables that keep requests to the sandbox and to web, on this machine, from going to a proxy."""
    given = environ.get("no_proxy") or environ.get("NO_PROXY")
    if given == "*":
        return {}
    past = ",".join(dict.fromkeys(filter(None, (given, "127.0.0.1", "localhost", web_address.strip("[]")))))
    return {"no_proxy": past, "NO_PROXY": past}


def _processes(plan: Plan, environ: Mapping[str, str]) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Yield the name, the command and the additional environment of each process."""
    # -P: Python must not import the user's files in the working directory.
    python = [sys.executable, "-P", "-m"]
    if plan.sandbox:
        yield "sandbox", [*python, "sandbox"], sandbox_environment(plan, environ)
    for name in ("web", "worker"):
        yield name, [*python, "webhook.cli", name], {}


def _try_sinks(plan: Plan) -> None:
    for sink in open_sinks(plan.settings).values():
        close(sink)


def _try_ledger(plan: Plan) -> None:
    with connect(plan.settings) as client:
        try:
            ledger = Ledger(client, plan.settings)
            ledger.open()
            ledger.try_to_write()
        except redis.RedisError as error:
            where = without_password(plan.settings.redis_url or "")
            raise CannotStart(
                f"Redis at {where} cannot be used: {error}; {what_to_do(error)}, or unset REDIS_URL to use the embedded one"
            ) from error


def _show_records(path: Path, supervisor: Supervisor, over: Event) -> None:
    for record in follow(path, over.wait):
        supervisor.say("records", in_a_line(record))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
