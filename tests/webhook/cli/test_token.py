"""`legwork token`: made and shown once, listed without it, revoked."""

from __future__ import annotations

import re

import pytest
from cli_kit import json_of, open_ledger, run

from worker.ledger.registry.tokens import Tokens


def create(redis_url, *options, name="grafana"):
    return run("token", "create", name, "--scope", "read", *options, redis_url=redis_url)


def test_the_token_alone_goes_to_standard_output(redis_url):
    made = create(redis_url)
    assert made.exit_code == 0
    assert re.fullmatch(r"lw_[0-9A-Za-z_-]{43}\n", made.stdout)
    assert "shown only once" in made.stderr
    assert Tokens(open_ledger(redis_url).client).find(made.stdout.strip()).name == "grafana"


def test_the_list_tells_everything_but_the_token(redis_url):
    made = json_of("token", "create", "grafana", "--scope", "operate", "--expires", "90d", redis_url=redis_url)
    listed = run("token", "list", "--json", redis_url=redis_url)
    (token,) = json_of("token", "list", redis_url=redis_url)
    assert made["token"] not in listed.output
    assert (token["name"], token["scope"], token["last_used"], token["expired"]) == ("grafana", "operate", None, False)
    assert token["created"] < token["expires"] == made["expires"]


def test_a_revoked_one_is_gone_and_its_name_free(redis_url):
    create(redis_url)
    assert run("token", "revoke", "grafana", redis_url=redis_url).exit_code == 0
    assert json_of("token", "list", redis_url=redis_url) == []
    assert create(redis_url).exit_code == 0


def test_a_name_is_one_tokens(redis_url):
    first = create(redis_url).stdout.strip()
    again = create(redis_url)
    assert again.exit_code == 1
    assert "legwork token revoke grafana" in again.stderr
    assert Tokens(open_ledger(redis_url).client).find(first) is not None


def test_what_is_not_there_cannot_be_revoked_and_the_others_are_named(redis_url):
    create(redis_url)
    refused = run("token", "revoke", "grafan", redis_url=redis_url)
    assert refused.exit_code == 1
    assert "there are grafana" in refused.stderr


def test_a_token_in_the_place_of_its_name_is_not_repeated(redis_url):
    token = create(redis_url).stdout.strip()
    refused = run("token", "revoke", token, redis_url=redis_url)
    assert refused.exit_code == 2
    assert token not in refused.output
    assert "give its name" in refused.stderr


@pytest.mark.parametrize("name", ["Grafana", "a b", "-x", "x" * 64, ""])
def test_a_name_that_will_not_do_is_bad_usage(redis_url, name):
    refused = run("token", "create", "--scope", "read", "--", name, redis_url=redis_url)
    assert refused.exit_code == 2
    assert "lower-case letters" in refused.stderr


@pytest.mark.parametrize("expires", ["soon", "2020-01-01", "0s", "999999w"])
def test_an_end_that_will_not_do_is_bad_usage_and_makes_nothing(redis_url, expires):
    assert create(redis_url, "--expires", expires).exit_code == 2
    assert json_of("token", "list", redis_url=redis_url) == []


def test_people_are_told_which_have_expired(redis_url):
    create(redis_url, "--expires", "0.001s")
    assert "expired" in run("token", "list", redis_url=redis_url).stdout


def test_without_any_the_list_says_how_to_make_one(redis_url):
    assert "legwork token create" in run("token", "list", redis_url=redis_url).stdout
