"""What `legwork check` makes of a server's INFO, for the servers that tests have none of."""

from __future__ import annotations

import pytest
from factories import make_settings

from webhook.operations.checks import check_settings, judge_redis
from webhook.operations.finding import Verdict

# Of what INFO says, the part that matters, from a server as it is installed.
USUAL = {"redis_version": "7.4.1", "redis_mode": "standalone", "role": "master", "cluster_enabled": 0}


@pytest.mark.parametrize(
    ("more", "verdict", "said"),
    [
        ({}, Verdict.OK, "Redis 7.4.1"),
        ({"valkey_version": "8.0.1"}, Verdict.OK, "Valkey 8.0.1"),
        ({"redis_mode": "cluster", "cluster_enabled": 1}, Verdict.WRONG, "cluster-enabled no"),
        ({"role": "slave"}, Verdict.WRONG, "name the primary"),
    ],
)
def test_a_server_of_a_kind_that_is_not_supported_is_wrong_and_it_is_said_what_would_do(more, verdict, said):
    found = judge_redis("redis://there/0", {**USUAL, **more})
    assert (found.about, found.verdict) == ("redis", verdict)
    assert found.text.startswith("redis://there/0: ")
    assert said in found.text


def test_a_server_that_says_nothing_of_clusters_is_none():
    told = {name: value for name, value in USUAL.items() if name != "cluster_enabled"}
    assert judge_redis("redis://there/0", told).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, False),
        ({"trusted_proxies": 1}, True),
        ({"trusted_proxies": 1, "host": "10.0.0.7"}, True),
        ({"trusted_proxies": 1, "host": "127.0.0.1"}, False),
        ({"trusted_proxies": 1, "host": "::1"}, False),
    ],
)
def test_with_a_trusted_proxy_the_port_is_to_be_closed_to_all_others(variables, told):
    found = [found for found in check_settings(make_settings(**variables)) if "close the port" in found.text]
    assert [one.verdict for one in found] == ([Verdict.WARNING] if told else [])
