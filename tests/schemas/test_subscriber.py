"""A subscriber as somebody describes it: read into a sink, or refused key by key without a word of its secrets."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from marshmallow import ValidationError

from schemas.settings.sinks import SINK_KEYS
from schemas.settings.specs import SinkSpec
from schemas.subscriber import SUBSCRIBER, load_subscriber

SECRET = "whsec_" + "QUFB" * 8
OTHER = "whsec_" + "QkJC" * 8
PRIVATE = "whsk_" + "QUFB" * 10 + "QUE="
LEAST = {"name": "crm", "url": "https://crm.example.com/hooks"}
HUNTER = "hunter2"
ENDLESS = json.loads("[" * 400 + "]" * 400)


def problems_of(**keys):
    """What is wrong, by key."""
    with pytest.raises(ValidationError) as raised:
        load_subscriber(LEAST | keys)
    return raised.value.normalized_messages()


# What is right


def test_a_name_and_a_url_are_enough():
    assert load_subscriber(LEAST) == SinkSpec(name="crm", url="https://crm.example.com/hooks")


@pytest.mark.parametrize(
    ("key", "given", "attribute", "read"),
    [
        ("name", "a-b_9", "name", "a-b_9"),
        ("name", "x" * 64, "name", "x" * 64),
        ("url", " https://crm.example.com/ ", "url", "https://crm.example.com/"),
        ("url", "HTTP://[::1]:8080/x?token=1#2", "url", "HTTP://[::1]:8080/x?token=1#2"),
        ("url", "https://user:pass@crm.example.com", "url", "https://user:pass@crm.example.com"),
        ("secret", f"{SECRET} {OTHER}", "secrets", (SECRET, OTHER)),
        ("secret", PRIVATE, "secrets", (PRIVATE,)),
        ("types", ["legwork.call.completed"], "types", ("legwork.call.completed",)),
        ("types", "legwork.call.completed legwork.operator.sink_failing", "types", (
            "legwork.call.completed", "legwork.operator.sink_failing",
        )),
        ("accounts", ["acme1m", "acme2m"], "accounts", ("acme1m", "acme2m")),
        ("filter", "data.talk_seconds > `0`", "filter", "data.talk_seconds > `0`"),
        ("projection", "legs[0:2].{number: number}", "projection", "legs[0:2].{number: number}"),
        ("concurrency", 4, "concurrency", 4),
        ("options", {"headers": {"X-Key": "k"}}, "options", {"headers": {"X-Key": "k"}}),
    ],
)  # fmt: skip
def test_what_is_right_is_taken(key, given, attribute, read):
    assert getattr(load_subscriber(LEAST | {key: given}), attribute) == read


@pytest.mark.parametrize("written", ["10/s", "600/m", "5000/h"])
def test_a_rate_is_read(written):
    assert str(load_subscriber(LEAST | {"rate": written}).rate) == written


def test_one_with_its_own_secret_can_be_added():
    """The key `secret` was handed on beside `secrets`, so every subscriber that brought its own was a bug of ours."""
    assert load_subscriber(LEAST | {"secret": SECRET}).secrets == (SECRET,)


# What is wrong


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("name", "", "is not a name; give up to 64 small letters"),
        ("name", "CRM", "is not a name; give"),
        ("name", "a/b", "is not a name; give"),
        ("name", "-a", "is not a name; give"),
        ("name", "é", "is not a name; give"),
        ("name", "x" * 65, "is not a name; give"),
        ("name", "fetch", "is not a name; give up to 64 small letters, digits, - and _; not `fetch`"),
        ("url", "https://crm.example.com/\udcff", "is not text"),
        ("filter", "'\ud800'", "is not text"),
        ("name", None, "may not be null; give"),
        ("name", True, "is neither a text nor a number; give"),
        ("url", "file:records.jsonl", "is not a webhook; give https://host/path"),
        ("url", "module:Class", "is not a webhook; give"),
        ("url", "postgresql://user:hunter2@db/calls", "is not a webhook; give"),
        ("url", "", "is not a webhook; give"),
        ("url", "https://", "names no host; give"),
        ("url", "https:///path", "names no host; give"),
        ("url", "https://crm.example.com/a b", "holds a space or a control character; give"),
        ("url", "https://crm.example.com/a\x1b[2J", "holds a space or a control character; give"),
        ("url", "https://u:hunter2/3@crm.example.com/", "has an @ after its host"),
        ("url", "https://[::1/", "is not a URL; give"),
        ("url", ["https://crm.example.com/"], "is neither a text nor a number; give"),
        ("secret", "hunter2", "does not start with whsec_ or whsk_; give whsec_ and the base64"),
        ("secret", "whsec_hunter2", "is not base64 after whsec_; give"),
        ("secret", "whsec_QUFB", "is of the wrong length; give"),
        ("secret", "", "is not one to 4 secrets; give"),
        ("secret", " ".join([SECRET] * 5), "is not one to 4 secrets; give"),
        ("types", ["calls"], "is not a type of record; give a list of some of these: legwork.call.completed, "),
        ("types", ["legwork.call.complete"], "is not a type of record (did you mean legwork.call.completed?); give"),
        ("types", ["legwork.call.completed", "legwork.operator.sink_fails"], "(did you mean legwork.operator.sink_failing?)"),
        ("types", ["legwork.ping"], "is not a type of record; give"),
        ("types", [], "is empty; give"),
        ("types", {"legwork.call.completed": 1}, "is neither a text nor a number; give"),
        ("accounts", ["acme 1m!"], "is not a list of account SIDs; give"),
        ("filter", "data.", "does not parse ("),
        ("filter", "!" * 900, "is nested too deep; give a JMESPath"),
        ("projection", "a" * 4097, "is longer than 4096 characters; give"),
        ("rate", "fast", "is not a rate; give a number"),
        ("rate", "0/s", "is not a rate; give"),
        ("rate", 10, "is not a rate; give"),
        ("concurrency", 0, "is out of range; give a whole number from 1 to 1000"),
        ("concurrency", 1001, "is out of range; give"),
        ("concurrency", 1.5, "is not a whole number; give"),
        ("concurrency", "many", "is not a whole number; give"),
        ("options", "none", "Not a valid mapping type."),
        ("headers", {"X-Key": HUNTER}, "Unknown field."),
        ("hunter2", HUNTER, "Unknown field."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_key_with_what_would_be_right(key, value, wrong):
    found = problems_of(**{key: value})
    assert list(found) == [key]
    (text,) = found[key]
    assert wrong in text
    assert HUNTER not in text


@pytest.mark.parametrize("key", ["name", "url"])
def test_what_is_missing_is_told_with_what_would_be_right(key):
    document = {name: value for name, value in LEAST.items() if name != key}
    with pytest.raises(ValidationError) as raised:
        load_subscriber(document)
    (text,) = raised.value.messages[key]
    assert text.startswith("Missing data for required field; give ")


def test_all_that_is_wrong_is_told_at_once():
    found = problems_of(name="NO", url="file:x", secret=HUNTER, rate=HUNTER, types=["x"], typo=1)
    assert set(found) == {"name", "url", "secret", "rate", "types", "typo"}
    assert HUNTER not in str(found)


@pytest.mark.parametrize("kind", ["a|", "a||", "a&&"])
def test_a_filter_that_would_exhaust_a_worker_later_is_refused_at_once(kind):
    """The parser reads `a|a|a|…` in a loop, so it passed; to search by it took a call for each, which was one too many."""
    assert "is nested too deep" in problems_of(filter=kind * 600 + "a")["filter"][0]
    assert load_subscriber(LEAST | {"filter": kind * 150 + "a"}).filter


@pytest.mark.parametrize("key", ["types", "accounts"])
def test_a_list_in_a_list_in_a_list_is_no_list_of_texts(key):
    """Their text was made first and looked at afterwards, which is more than Python can do for a few hundred of them."""
    assert "is neither a text nor a number" in problems_of(**{key: [ENDLESS]})[key][0]


@pytest.mark.parametrize("document", [[], [LEAST], "crm", 5, None, True])
def test_what_is_no_object_is_refused(document):
    with pytest.raises(ValidationError):
        load_subscriber(document)


# Any JSON

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = some.sampled_from([*SINK_KEYS, "options"]) | some.text()
EXPRESSIONS = some.text(alphabet="ab.[]*?|&!@`\"'(){}:,0-= <>")
VALUES = (
    JSON | EXPRESSIONS | some.sampled_from([SECRET, "https://x", "legwork.call.completed", "10/s"]) | some.builds(
        "https://{}".format, some.text()
    )
)  # fmt: skip


# Its own deprecation of `text` between backticks is for whoever writes expressions.
@pytest.mark.filterwarnings("ignore:deprecated string literal:PendingDeprecationWarning")
@given(some.dictionaries(KEYS, VALUES))
@example({"types": ENDLESS})
@example({"concurrency": int("9" * 4000)})
@example({"filter": "[" * 2000})
@example({"projection": '"\ud800"'})
@example({"url": "https://\ud800"})
@example({"url": "https://[v1.x]/"})
@example({"url": "https://a:99999999/"})
def test_any_object_is_read_or_refused_and_nothing_else(document):
    for whole in (document, LEAST | document):
        with suppress(ValidationError):
            assert isinstance(load_subscriber(whole), SinkSpec)


# How it is described


def test_every_key_of_a_sink_is_a_key_of_a_subscriber():
    assert set(SUBSCRIBER.fields) == {*SINK_KEYS, "options"}


def test_every_key_says_what_it_means():
    assert all(field.metadata["description"] for field in SUBSCRIBER.fields.values())
