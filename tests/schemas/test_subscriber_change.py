"""A change of a subscriber: a merge patch of its keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from marshmallow import ValidationError

from schemas.settings import SinkSpec
from schemas.settings.sink_fields import Rate
from schemas.subscriber_change import changed_by, load_change

HEADERS = {"X-Key": "a", "X-Tenant": "b"}
CRM = SinkSpec(
    name="crm",
    url="https://crm.example.com/",
    secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
    types=("legwork.call.completed",),
    accounts=("acme1m",),
    filter="data.talk_seconds > `0`",
    projection="call_sid",
    rate=Rate(10, 1.0),
    concurrency=4,
    options={"headers": HEADERS, "allow_private": True},
)


def changed(document, spec=CRM):
    return changed_by(load_change(document), spec)


@pytest.mark.parametrize(
    ("document", "after"),
    [
        ({}, {}),
        ({"url": "https://crm.example.com/v2"}, {"url": "https://crm.example.com/v2"}),
        ({"types": ["legwork.call.corrected"]}, {"types": ("legwork.call.corrected",)}),
        ({"filter": "a", "projection": "b"}, {"filter": "a", "projection": "b"}),
        ({"rate": "600/m", "concurrency": 1}, {"rate": Rate(600, 60.0), "concurrency": 1}),
    ],
)
def test_what_is_given_changes_and_all_else_stays(document, after):
    assert changed(document) == replace(CRM, **after)


def test_null_takes_a_key_away():
    keys = dict.fromkeys(("types", "filter", "projection", "rate", "concurrency", "options"))
    assert changed(keys) == SinkSpec(name="crm", url=CRM.url, secrets=CRM.secrets, accounts=CRM.accounts)


@pytest.mark.parametrize(
    ("options", "after"),
    [
        ({}, {"headers": HEADERS, "allow_private": True}),
        ({"allow_private": None}, {"headers": HEADERS}),
        ({"ca_file": "ca.pem"}, {"headers": HEADERS, "allow_private": True, "ca_file": "ca.pem"}),
        ({"headers": {"x-key": "c"}}, {"headers": {"X-Tenant": "b", "x-key": "c"}, "allow_private": True}),
        ({"headers": {"X-KEY": None}}, {"headers": {"X-Tenant": "b"}, "allow_private": True}),
        ({"headers": {"X-Key": None, "X-Tenant": None}}, {"allow_private": True}),
        ({"headers": None, "allow_private": False}, {"allow_private": False}),
    ],
)
def test_options_and_headers_that_are_not_named_stay(options, after):
    assert changed({"options": options}).options == after


def test_headers_come_to_a_sink_that_had_none():
    assert changed({"options": {"headers": {"X-Key": "a", "X-No": None}}}, replace(CRM, options={})).options == {
        "headers": {"X-Key": "a"}
    }


def test_a_type_of_another_version_does_not_keep_the_rest_from_changing():
    of_another_version = replace(CRM, types=("legwork.call.done",))
    assert changed({"rate": None}, of_another_version).types == ("legwork.call.done",)


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({"url": None}, "url", "give https://host/path"),
        ({"url": "file:x"}, "url", "is not a webhook"),
        ({"types": ["legwork.call.complete"]}, "types", "did you mean legwork.call.completed?"),
        ({"rate": "often"}, "rate", "give a number per second"),
        ({"name": "erp"}, "name", "add another sink"),
        ({"secret": "whsec_x"}, "secret", "rotate it"),
        ({"accounts": ["acme1m"]}, "accounts", "add another sink"),
        ({"typo": 1}, "typo", "Unknown field"),
        ({"filter": "\ud800"}, "filter", "is not text"),
    ],
)
def test_what_is_wrong_is_told_by_key_with_what_would_be_right(document, field, said):
    with pytest.raises(ValidationError) as raised:
        load_change(document)
    assert said in raised.value.messages[field][0]
