"""Subscribers in tests: the key they are kept under, an operator with a command line, and one who looks at signatures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from cli_kit import ENVIRON, run
from factories import ACCOUNT
from standardwebhooks import Webhook, WebhookVerificationError
from terminal import seen_on_a_terminal

KEY, OTHER_KEY = "QUFB" * 10 + "QUE=", "QkJC" * 10 + "QkI="
SECRET = "whsec_" + "Q0ND" * 8
PRIVATE = "whsk_" + "RERE" * 10 + "REQ="


class Operator:
    """Runs `legwork sinks …` in the settings of one web; `variables` are those that are not the usual ones."""

    def __init__(self, redis_url, **variables):
        self.variables = {"redis_url": redis_url, "sinks": "stdout:", "legwork_secret_key": KEY, **variables}

    def run(self, *arguments, checked=False, **more):
        # Most subscribers of these tests are nowhere.
        if arguments[0] == "add" and not checked:
            arguments = (*arguments, "--unchecked")
        return run("sinks", *arguments, **{**self.variables, **more})

    def json(self, *arguments, **more):
        """What a program is told, all being well."""
        result = self.run(*arguments, "--json", **more)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def add(self, url, *options, name="crm", **more):
        """Add a subscriber that may be on loopback; the secret made for it."""
        return self.json("add", name, url, "--allow-private", *options, **more)["secret"]

    def sink(self, name="crm"):
        """How a sink is, as the list has it; None if it is not in there."""
        return next((sink for sink in self.json("list") if sink["name"] == name), None)

    def on_a_terminal(self, *arguments, typed):
        """Run a command on a real terminal, with somebody who types; what it shows, and its exit code."""
        variables = {name.upper(): str(value) for name, value in self.variables.items()}
        command = [sys.executable, "-m", "webhook.cli", "sinks", *arguments]
        environ = {**os.environ, **ENVIRON, **variables}
        return seen_on_a_terminal(
            lambda terminal: subprocess.Popen(command, env=environ, stdin=terminal, stdout=terminal, stderr=terminal),
            typed=typed,
        )


def is_signed_with(secret, seen):
    """Does a request verify, as a subscriber would have it checked?"""
    try:
        Webhook(secret).verify(seen.body, dict(seen.headers.items()))
    except WebhookVerificationError:
        return False
    return True


def signatures(seen):
    """The signatures that a request carries."""
    return seen.headers["webhook-signature"].split()


def deliver(ledger, sink="crm", *, dead=False):
    """Let a sink have what is due for it, or have it given up on; the items."""
    ledger.refresh_sinks()
    book = ledger.deliveries[ACCOUNT, sink]
    owed = [book.claim(lease) for lease in book.backlog.lease(10_000)]
    for delivery in owed:
        assert (book.bury if dead else book.delivered)(delivery, "200")
    return [delivery.lease.item for delivery in owed]


def put_off(ledger, sink="crm", *, wait_seconds=7200, answer="503"):
    """Let what is due for a sink fail, so that it waits for its next attempt; how many that are."""
    ledger.refresh_sinks()
    book = ledger.deliveries[ACCOUNT, sink]
    leases = book.backlog.lease(10_000)
    for lease in leases:
        assert book.postpone(book.claim(lease), answer, wait_seconds=wait_seconds, attempt=True)
    return len(leases)
