"""Who may post callbacks."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, TOKEN
from web_app import SID

from webhook.callbacks.auth import account_for, is_allowed
from webhook.http.proxies import client_of

OLD, NEW = "the-old-callback-token", "the-new-callback-token"


def ask(web, token=TOKEN, address="203.0.113.7", **headers):
    return web.get(
        f"/callbacks/{token}/status",
        query_string={"CallSid": SID},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        environ_overrides={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize(
    "token",
    [
        "wrong-callback-token",
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN.upper(),
        "%20" + TOKEN,
        "null",
        "%00",
        "t%C3%B6ken-0123456789",
        "%FF",
    ],
)
def test_a_wrong_token_is_not_found_and_notes_nothing(make_web, token):
    web = make_web()
    assert ask(web, token).status_code == 404
    assert web.is_empty()


def test_a_wrong_token_an_address_outside_and_an_unknown_url_are_not_told_apart(make_web):
    web = make_web(callback_allow="198.51.100.0/24")
    wrong, outside = ask(web, "wrong-callback-token", "198.51.100.1"), ask(web)
    unknown = web.get("/no/such/page")
    answers = {(answer.status_code, answer.data, answer.content_type) for answer in (wrong, outside, unknown)}
    assert len(answers) == 1
    assert {str(sorted(answer.headers)) for answer in (wrong, outside)} == {str(sorted(unknown.headers))}
    assert web.is_empty()


@pytest.mark.parametrize("path", ["/callbacks//status", "/callbacks/status", "/callbacks/"])
def test_a_missing_token_is_not_found(make_web, path):
    assert make_web().get(path, query_string={"CallSid": SID}).status_code == 404


def test_a_wrong_token_is_told_before_anything_is_read(make_web):
    web = make_web()
    answer = web.post("/callbacks/wrong-callback-token/status", data=b"x" * 10**6, content_type="text/plain")
    assert answer.status_code == 404


def test_while_rotating_both_tokens_open(make_web):
    web = make_web(callback_token=f"{OLD} {NEW}")
    assert [ask(web, token).status_code for token in (OLD, NEW, TOKEN)] == [200, 200, 404]


def test_the_token_says_which_account_it_is_for(make_web, tmp_path):
    config = tmp_path / "legwork.toml"
    config.write_text(f'[[accounts]]\nsid = "acme2m"\napi_key = "k"\napi_token = "t"\ncallback_token = "{NEW}"\n')
    web = make_web(legwork_config=config)
    assert ask(web, NEW).json["accepted"]
    assert web.story().summary.account_sid == "acme2m"
    assert ask(web, TOKEN).json["accepted"], "a call of that name is another call in another account"
    assert web.redis.exists(web.ledger.calls[ACCOUNT].key("call", SID))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.7", True),
        ("203.0.114.7", False),
        ("::ffff:203.0.113.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
    ],
)
def test_only_the_networks_that_are_allowed_may_post(make_web, address, allowed):
    web = make_web(callback_allow="203.0.113.0/24 2001:db8::/32")
    assert ask(web, address=address).status_code == (200 if allowed else 404)
    assert web.is_empty() != allowed


@pytest.mark.parametrize("address", ["", "unix:", "not an address", None])
def test_who_has_no_address_is_in_no_network(make_web, address):
    assert not is_allowed(address, make_web(callback_allow="0.0.0.0/0 ::/0").settings.callback_allow)


def test_without_networks_all_may_post(make_web):
    assert ask(make_web(), address="192.0.2.1").status_code == 200


@pytest.mark.parametrize(
    ("proxies", "header", "allowed"),
    [
        (0, "203.0.113.7", False),
        (1, "203.0.113.7", True),
        (1, "203.0.113.7, 192.0.2.1", False),
        (1, "192.0.2.1, 203.0.113.7", True),
        (2, "203.0.113.7, 192.0.2.1", True),
        (2, "203.0.113.7", False),
        (1, "203.0.113.7:4711", True),
        (1, "192.0.2.1, 203.0.113.7 ", True),
        (1, "garbage", False),
        (1, "::ffff:203.0.113.7", True),
        (1, "[::ffff:203.0.113.7]:4711", True),
        (1, "::ffff:192.0.2.1", False),
    ],
)
def test_the_address_is_what_the_trusted_proxies_say_and_no_more(make_web, proxies, header, allowed):
    web = make_web(callback_allow="203.0.113.0/24", trusted_proxies=proxies)
    answer = ask(web, address="10.0.0.1", X_Forwarded_For=header)
    assert answer.status_code == (200 if allowed else 404)


@pytest.mark.parametrize(
    ("seen", "trusted", "peer", "address"),
    [
        ("192.0.2.1", 1, "127.0.0.1", "192.0.2.1"),
        ("192.0.2.1:4711", 1, "127.0.0.1", "192.0.2.1"),
        ("2001:db8::1", 1, "::1", "2001:db8::1"),
        ("[2001:DB8::1]:4711", 1, "::1", "2001:db8::1"),
        ("127.0.0.1", 1, "127.0.0.1", "127.0.0.1"),
        # of another machine
        ("127.0.0.1", 1, "10.0.0.1", ""),
        ("::ffff:127.0.0.1", 1, "10.0.0.1", ""),
        ("::ffff:127.0.0.1", 1, "::ffff:127.0.0.1", "127.0.0.1"),
        ("::ffff:192.0.2.1", 1, "::1", "192.0.2.1"),
        ("fe80::1%eth0", 1, "::1", "fe80::1"),
        ("[fe80::1%25eth0]:80", 1, "::1", "fe80::1"),
        ("192.0.2.1:port", 1, "::1", ""),
        ("::1, 10.0.0.1", 2, "127.0.0.1", ""),
        ("127.0.0.1", 1, "", ""),
        ("_hidden", 1, "127.0.0.1", ""),
        ("", 1, "127.0.0.1", ""),
        ("192.0.2.1", 2, "127.0.0.1", ""),
    ],
)
def test_a_header_gives_an_address_or_none(seen, trusted, peer, address):
    assert client_of({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": seen}, trusted) == address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}], ids=["without", "untrusted"])
def test_without_a_trusted_proxy_the_peer_is_the_client_and_ipv4_is_ipv4(peer, address, headers):
    assert client_of({"REMOTE_ADDR": peer, **headers}, 0) == address


@pytest.mark.parametrize("allow", ["::ffff:203.0.113.0/120", "::ffff:cb00:7107"])
@pytest.mark.parametrize("address", ["203.0.113.7", "::ffff:203.0.113.7"])
def test_a_network_of_ipv4_may_be_written_as_ipv6_too(make_web, allow, address):
    web = make_web(callback_allow=allow)
    assert ask(web, address=address).status_code == 200
    assert ask(web, address="203.0.114.7").status_code == 404


def test_no_other_header_of_a_proxy_counts(make_web):
    web = make_web(trusted_proxies=1)
    headers = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Prefix": "/evil", "X_Forwarded_Proto": "https"}
    assert ask(web, **headers).status_code == 200


def test_every_account_is_looked_through(make_web):
    accounts = make_web().settings.accounts
    assert account_for(TOKEN, accounts).sid == ACCOUNT
    assert account_for("", accounts) is None
