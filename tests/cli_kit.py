"""The `legwork` command inside a test's process, and calls for it to tell about."""

from __future__ import annotations

import json
import logging
from contextlib import chdir, contextmanager
from tempfile import TemporaryDirectory

import structlog
from click.testing import CliRunner
from factories import ACCOUNT, TOKEN, make_callback, make_settings
from payloads.records import answer_of, build

from webhook.cli import legwork
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.call import Verdict

SECRETS = {"EXOTEL_API_KEY": "the-api-key", "EXOTEL_API_TOKEN": "the-api-token", "CALLBACK_TOKEN": TOKEN}
ENVIRON = {"EXOTEL_ACCOUNT_SID": ACCOUNT, "SINKS": "stdout:", **SECRETS}


def run(*arguments, directory=None, typed=None, **environ):
    """Run `legwork …`; the environment is that of an account, and whatever is given in small letters."""
    variables = ENVIRON | {name.upper(): value for name, value in environ.items()}
    with TemporaryDirectory() as empty, chdir(directory or empty), logs_as_they_were():
        result = CliRunner().invoke(legwork, arguments, input=typed, env=variables)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    for name, secret in SECRETS.items():
        # `urls` is what shows the callback URLs to those who ask.
        assert secret not in result.output or (name, arguments[0]) == ("CALLBACK_TOKEN", "urls")
    return result


def keep_no_loggers():
    """Have no module keep the logger that it has first: the next test looks for its lines elsewhere."""
    structlog.configure(cache_logger_on_first_use=False)


@contextmanager
def logs_as_they_were():
    """`web` and `worker` send all logs to their standard error, which ends with the command."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def json_of(*arguments, code=0, **environ):
    """What a command says to a program; with code 0, that all is well."""
    result = run(*arguments, "--json", **environ)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def open_ledger(redis_url, **variables):
    """The ledger that the commands will look at."""
    settings = make_settings(redis_url, **variables)
    ledger = Ledger(connect(settings), settings)
    ledger.open()
    return ledger


def settle(ledger, call_sid, outcome="settled", reason=""):
    """Let a call be heard of, fetched and settled (or given up); its record waits for the sinks."""
    book = ledger.calls[ACCOUNT]
    callback = make_callback(call_sid, From="09000000001", To="09000000002")
    book.admit(callback, wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = build(answer_of("S1"), [callback], call_sid=call_sid)
    ledger.refresh_sinks()
    sinks = list(ledger.sinks)
    step = {"at": 1_790_000_000_000, "step": "fetch", "answer": reason or "200: final"}
    verdict = Verdict(outcome, 1, event_key="1/completed", event=event, sinks=sinks, reason=reason, step=step)
    assert book.decide(call_sid, lease, verdict)
