"""Whatever a program sends, the whole interface answers as its own description says; schemathesis thinks of what to send."""

from __future__ import annotations

import pytest
import schemathesis
from cli_kit import open_ledger, settle
from console_kit import bury_delivery
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from subscribing import KEY
from web_app import WebApp

from worker.ledger.keys import ALL_GUESSES, GUESSES
from worker.ledger.registry.tokens import Scope, Tokens

SETTLED, DEAD, BURIED = "settled00001", "dead00000001", "buried000001"
# What these take hangs together in ways that no schema can say: a span begins before it ends, a filter is JMESPath. They
# refuse some of what fits their schema; all other checks are for them too.
HANG_TOGETHER = {
    "POST /api/dead/retry",
    "POST /api/dead/drop",
    "POST /api/replay",
    "POST /api/sinks",
    "PATCH /api/sinks/{name}",
    "POST /api/sinks/{name}/recover",
}
BOUNDED = settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@pytest.fixture
def web(redis_url):
    """One that some calls, and a dead letter of each kind, are in."""
    ledger = open_ledger(redis_url)
    settle(ledger, SETTLED)
    settle(ledger, BURIED)
    settle(ledger, DEAD, "dead", "404: unknown")
    web = WebApp(redis_url, console_password="a long enough password", legwork_secret_key=KEY)
    bury_delivery(web, BURIED)
    yield web
    web.close()


@pytest.fixture
def described(web):
    """What it says of itself, asked with a token that may do everything."""
    token = Tokens(web.redis).create("fuzz", Scope.OPERATE, now_ms=web.ledger.now_ms())
    schema = schemathesis.openapi.from_wsgi("/openapi.json", web.app)
    schema.config.update(headers={"Authorization": f"Bearer {token}"})
    return schema


def ask(web, operation, mode):
    """Send an operation what schemathesis thinks of."""
    left_out = [positive_data_acceptance] if operation.label in HANG_TOGETHER else []

    @seed(7)
    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def is_described(case):
        # Schemathesis tries wrong tokens too, and the tenth of them would lock it out. Its requests come from nowhere.
        web.redis.delete(ALL_GUESSES, f"{GUESSES}?")
        if operation.label == "POST /api/sinks":
            case.query.pop("check", None)  # whoever is thought of as a subscriber is not to be asked
        case.call_and_validate(excluded_checks=left_out)

    is_described()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_is_described(web, described, mode):
    asked, wrong = set(), []
    for found in described.get_all_operations():
        operation = found.ok()
        try:
            ask(web, operation, mode)
        except Unsatisfiable:  # it takes nothing that could be wrong
            continue
        except BaseExceptionGroup as error:  # what schemathesis has found
            wrong.append(f"{operation.label}: {error.exceptions}")
        asked.add(operation.label)
    assert not wrong, "\n".join(wrong)
    assert len(asked) >= (28 if mode is GenerationMode.POSITIVE else 10)
