"""All that Legwork says to people and programs, to be searched for a password."""

from __future__ import annotations

from cli_kit import run
from hypothesis import HealthCheck
from hypothesis import settings as tuned
from hypothesis import strategies as some

from webhook import create_app

SID = "call0001"
# No message has these by chance.
WORDS = ("Qzx7w", "jKv9Q", "wXqZvJ")
PASSWORDS = some.lists(some.sampled_from([*WORDS, *"@/#?:%[]&=+"]), min_size=1, max_size=7).map("".join)
TELLING = {word[at : at + 4] for word in WORDS for at in range(len(word) - 3)}
PAGES = (
    "/", "/sinks", "/sinks/crm", "/dead", "/accounts", f"/calls/{SID}", "/readyz", "/metrics", "/api/status",
    "/api/sinks", "/api/sinks/crm", "/api/dead", f"/api/calls/{SID}", f"/api/dead/{SID}",
)  # fmt: skip
COMMANDS = (("check",), ("status",), ("sinks", "list"), ("dead", "list"), ("dead", "show", SID), ("calls", "show", SID))


def few(examples):
    """So many examples, each of which may take its time: servers are asked."""
    return tuned(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_nothing_shows(password, text):
    shown = {piece for piece in TELLING if piece in password and piece in text}
    assert not shown, [line for line in text.splitlines() if any(piece in line for piece in shown)]


def told_by_commands(commands=COMMANDS, **environ):
    return "\n".join(run(*command, *more, **environ).output for command in commands for more in ((), ("--json",)))


def told_by_pages(settings):
    app = create_app(settings)
    try:
        answers = [
            app.test_client().get(page, headers={"Accept": kind}) for page in PAGES for kind in ("text/html", "*/*")
        ]
        return "\n".join(answer.text for answer in answers)
    finally:
        app.extensions["legwork"].ledger.client.close()
