"""Headers of a webhook sink's own: which go along, which are refused, and that their values never show."""

from __future__ import annotations

import pytest
from settings_kit import ACCOUNT
from sink_contract import record, sink_spec
from stubs import StubServer, answer

from schemas.settings import SettingsError, load_settings
from worker.numbers.masking import Mask
from worker.secret_masking import secrets_of
from worker.sinks import BadSink, sink_for

VALUE = "Bearer s3cr3t-of-the-crm"
TOML = """
[[sinks]]
name = "crm"
url = "{url}"
allow_networks = ["127.0.0.0/8", "::1"]
headers = {{ Authorization = "env:CRM_AUTH", X-Tenant = "acme" }}
"""


@pytest.fixture
def subscriber():
    with StubServer(answer()) as server:
        yield server


def sink_with(headers, url="https://crm.example.com/"):
    return sink_for(sink_spec(url, headers=headers))


def test_they_go_along_with_each_record_beside_ours(subscriber):
    headers = {"Authorization": VALUE, "X-Api-Key": "k3y of the crm", "User-Agent": "calls/1"}
    sink = sink_for(sink_spec(subscriber.url, headers=headers, allow_private=True))
    for number in range(2):
        sink.send([record(number)])
    sink.close()
    for seen in subscriber.seen:
        assert {name: seen.headers.get_all(name) for name in headers} == {key: [text] for key, text in headers.items()}
        assert seen.headers["webhook-id"]
        assert seen.headers.get_all("Content-Type") == ["application/cloudevents+json"]


def test_their_values_may_be_variables_and_never_show(subscriber, tmp_path):
    (tmp_path / "legwork.toml").write_text(TOML.format(url=subscriber.url), encoding="utf-8")
    settings = load_settings(ACCOUNT | {"CRM_AUTH": VALUE}, directory=tmp_path)
    spec = next(spec for spec in settings.sinks if spec.name == "crm")
    sink = sink_for(spec)
    sink.send([record()])
    sink.close()
    assert subscriber.seen[0].headers["Authorization"] == VALUE
    assert subscriber.seen[0].headers["X-Tenant"] == "acme"
    assert VALUE not in repr(spec) + repr(settings)
    assert VALUE not in Mask(secrets_of(settings)).text(f"the subscriber said: {VALUE} is wrong")


def test_a_variable_that_is_not_set_is_told_by_the_headers_name(subscriber, tmp_path):
    (tmp_path / "legwork.toml").write_text(TOML.format(url=subscriber.url), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"sinks\[0\]\.headers\.Authorization: refers to CRM_AUTH, which is not set"
    ):
        load_settings(ACCOUNT, directory=tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "Content-Type", "content-length", "Content-Encoding", "HOST", "Connection", "Keep-Alive", "Transfer-Encoding",
        "TE", "Trailer", "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection",
        "webhook-id", "Webhook-Signature", "webhook-timestamp", "webhook-anything",
    ],
)  # fmt: skip
def test_what_is_ours_or_the_connections_is_refused(name):
    with pytest.raises(
        BadSink, match=f"sink crm: headers: {name} is set by Legwork or by the connection; leave it out"
    ):
        sink_with({name: "whatever"})


@pytest.mark.parametrize("name", ["", " ", "X Api", "X:Api", "X-Api\r\n", "Größe", "X\0", "(x)"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(BadSink, match="is not the name of a header"):
        sink_with({name: "whatever"})


@pytest.mark.parametrize(
    "value",
    ["s3cr3t\r\nHost: evil", "s3cr3t\n", "s3cr3t\0", "s3cr3t\x7f", "s3cr3t\x1b[2J", " s3cr3t", "s3cr3t\t", "s3cr3té", "", 7,
     True, ["s3cr3t"], {"s3cr3t": "x"}, None],
)  # fmt: skip
def test_what_is_no_value_is_refused_and_not_shown(value):
    with pytest.raises(BadSink, match="headers: the value of X-Api-Key is not printable ASCII text") as caught:
        sink_with({"X-Api-Key": value})
    assert "s3cr3t" not in str(caught.value)


def test_the_same_name_in_other_letters_is_the_same_name():
    with pytest.raises(BadSink, match="x-api-key is given twice"):
        sink_with({"X-Api-Key": "a", "x-api-key": "b"})


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/?headers=X-Api-Key:s3cr3t", "https://crm.example.com/?headers="]
)
def test_a_url_has_no_room_for_a_table(url):
    with pytest.raises(BadSink, match=r"headers: is not a table; write headers = \{.*\} in legwork.toml") as caught:
        sink_for(sink_spec(url))
    assert "s3cr3t" not in str(caught.value)
