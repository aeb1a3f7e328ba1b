"""/openapi.json tells of callbacks and probes as it tells of the API: what they take, and what they answer."""

from __future__ import annotations

import pytest
from factories import TOKEN
from jsonschema import Draft202012Validator
from payloads.records import CALLER, build, legs_of
from referencing import Registry, Resource
from web_app import PASSTHRU, SID, STATUS

CALLBACKS = ["/callbacks/{token}/passthru", "/callbacks/{token}/status"]


@pytest.fixture
def document(web):
    return web.get("/openapi.json").json


def check(document, schema, answer):
    """Check an answer against a part of the document."""
    registry = Registry().with_resource("urn:api", Resource.opaque(document))
    absolute = {"$ref": f"urn:api#{schema['$ref'][1:]}"} if "$ref" in schema else schema
    if "oneOf" in schema:
        absolute = {"oneOf": [{"$ref": f"urn:api#{way['$ref'][1:]}"} for way in schema["oneOf"]]}
    Draft202012Validator(absolute, registry=registry).validate(answer.json)


def schema_of(document, path, method, answer):
    responses = document["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses
    return responses[str(answer.status_code)]["content"][answer.mimetype]["schema"]


@pytest.mark.parametrize("path", CALLBACKS)
def test_a_callback_has_its_call_in_the_query_or_in_a_body_of_each_kind(document, path):
    """They had no parameter, and bodies of no shape: whoever sent what was described got 400."""
    (parameter,) = document["paths"][path]["get"]["parameters"]
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("CallSid", "query", True)
    contents = document["paths"][path]["post"]["requestBody"]["content"]
    assert set(contents) == {"application/x-www-form-urlencoded", "multipart/form-data", "application/json"}
    shapes = [contents[media]["schema"]["$ref"].rpartition("/")[2] for media in list(contents)[:2]]
    for name in (*shapes, "CallbackJson"):
        assert document["components"]["schemas"][name]["required"] == ["CallSid"]
    assert len(set(shapes)) == 2, "generated clients tell by the shape what to send"


@pytest.mark.parametrize(
    ("method", "url", "given"),
    [
        ("get", PASSTHRU, {"query_string": {"CallSid": SID}}),
        ("get", STATUS, {"query_string": {}}),
        ("post", STATUS, {"data": {"CallSid": SID, "Status": "completed"}}),
        ("post", STATUS, {"json": {"CallSid": SID}}),
        ("post", STATUS, {"json": {"call_sids": [SID, "another0001"]}}),
        ("post", PASSTHRU, {}),
        ("post", STATUS, {"json": {"CallSid": "short"}}),
        ("post", STATUS, {"data": b"x" * (256 * 1024 + 1)}),
        ("get", STATUS.replace(TOKEN, "wrong"), {}),
    ],
)
def test_what_a_callback_is_answered_has_the_shape_that_is_described(web, document, method, url, given):
    answer = web.client.open(url, method=method.upper(), **given)
    path = url.replace(TOKEN, "{token}").replace("wrong", "{token}")
    check(document, schema_of(document, path, method, answer), answer)


def test_the_two_forms_of_an_answer_have_names_and_only_one_of_them_fits(web, document):
    (way, other) = document["paths"][CALLBACKS[0]]["get"]["responses"]["200"]["content"]["application/json"]["schema"][
        "oneOf"
    ]
    one, several = web.post(STATUS, json={"CallSid": SID}), web.post(STATUS, json={"call_sids": [SID]})
    assert [way["$ref"].rpartition("/")[2], other["$ref"].rpartition("/")[2]] == ["Accepted", "AcceptedCalls"]
    assert (set(one.json), set(several.json)) == ({"call_sid", "accepted"}, {"calls"})


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_what_a_probe_answers_has_the_shape_that_is_described(web, make_web, document, path):
    for one in (web, make_web("redis://127.0.0.1:1/0")):
        answer = one.get(path)
        check(document, schema_of(document, path, "get", answer), answer)


def test_metrics_are_text_and_without_a_ledger_a_problem(web, make_web, document):
    assert schema_of(document, "/metrics", "get", web.get("/metrics")) == {"type": "string"}
    answer = make_web("redis://127.0.0.1:1/0").get("/metrics")
    check(document, schema_of(document, "/metrics", "get", answer), answer)


def test_a_refusal_that_says_more_in_a_header_is_described_to(make_web, document):
    away, locked = make_web("redis://127.0.0.1:1/0"), make_web(console_password="a long enough one")
    for answer, path in (
        (away.get(STATUS, query_string={"CallSid": SID}), CALLBACKS[1]),
        (away.get("/metrics"), "/metrics"),
        (away.get("/api/status"), "/api/status"),
        (locked.get("/api/status"), "/api/status"),
    ):
        described = document["paths"][path]["get"]["responses"][str(answer.status_code)]["headers"]
        assert answer.status_code in {401, 503}
        assert described.keys() <= set(answer.headers.keys())


def test_a_record_is_what_the_webhook_is_described_to_get(document):
    content = document["webhooks"]["record"]["post"]["requestBody"]["content"]
    registry = Registry().with_resource("urn:api", Resource.opaque(document))
    reference = content["application/cloudevents+json"]["schema"]["$ref"]
    shape = Draft202012Validator({"$ref": f"urn:api{reference}"}, registry=registry)
    event = build(legs_of(CALLER))
    shape.validate(event)
    assert not shape.is_valid(event["data"])


def test_it_says_where_it_is_served_and_that_callbacks_and_probes_are_open_to_all(document):
    assert document["servers"][0]["url"] == "/"
    public = [path for path in document["paths"] if not path.startswith("/api/")]
    assert len(public) == 5
    for path in public:
        for method, operation in document["paths"][path].items():
            assert method == "parameters" or operation["security"] == []
