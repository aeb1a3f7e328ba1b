"""The API describes itself: as OpenAPI 3.1 that holds for what it answers, and as a page."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from subscribing import KEY

METHODS = {"get", "put", "post", "patch", "delete", "head", "options", "trace"}
OF_SINKS = {
    "/api/sinks": {"get", "post"},
    "/api/sinks/{name}": {"get", "delete"},
    **{
        f"/api/sinks/{{name}}/{action}": {"post"}
        for action in ("disable", "enable", "rotate-secret", "finish-rotation", "test", "recover")
    },
}


@pytest.fixture
def house(make_house):
    return make_house(legwork_secret_key=KEY)


@pytest.fixture
def document(house):
    return house.get("/openapi.json").json


def operations(document):
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def parts(thing):
    """Every object in a document."""
    if isinstance(thing, dict):
        yield thing
    for part in thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ():
        yield from parts(part)


def validator(document, name):
    """What checks against one of the document's own schemas."""
    registry = Registry().with_resource("urn:api", Resource.opaque(document))
    return Draft202012Validator({"$ref": f"urn:api#/components/schemas/{name}"}, registry=registry)


def test_every_path_of_the_sinks_is_there(document):
    described = {path: METHODS & set(item) for path, item in document["paths"].items() if path.startswith("/api/sinks")}
    assert described == OF_SINKS


def test_every_operation_has_a_summary_and_an_id_of_its_own(document):
    found = operations(document)
    assert all(operation["summary"] for operation in found.values())
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))


def test_whoever_reads_it_knows_where_the_password_belongs(document):
    for (_, path), operation in operations(document).items():
        assert operation.get("security") == ([{"password": []}] if path.startswith("/api/") else None)
    assert document["components"]["securitySchemes"]["password"]["scheme"] == "basic"


def test_every_schema_is_one(document):
    for holder in parts(document):
        if isinstance(holder.get("schema"), dict):
            Draft202012Validator.check_schema(holder["schema"])
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document):
    """flask-smorest brings a shape for errors that no answer here has, and one for pages that there are not."""
    used = {part["$ref"] for part in parts(document) if isinstance(part.get("$ref"), str)}
    used = {reference for reference in used if reference.startswith("#/components/")}
    assert used == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_every_parameter_of_a_path_is_described(document):
    for path, item in document["paths"].items():
        named = {parameter["name"] for parameter in item.get("parameters", []) if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_every_refusal_is_problem_details(document):
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if operation.get("security") and not status.startswith("2"):
                assert list(answer["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(
    ("method", "path", "schema", "body"),
    [
        ("GET", "/api/sinks/stdout", "Sink", None),
        ("POST", "/api/sinks", "AddedSink", {"name": "erp", "url": "https://erp.example.com/", "concurrency": 2}),
        ("POST", "/api/sinks", "Problem", {"name": "NO"}),
        ("POST", "/api/sinks/stdout/disable", "Sink", {"reason": "moves house"}),
        ("POST", "/api/sinks/crm/rotate-secret", "Secret", None),
        ("POST", "/api/sinks/crm/finish-rotation", "OutOfUse", None),
        ("POST", "/api/sinks/crm/test", "Exchange", None),
        ("POST", "/api/sinks/stdout/test", "Exchange", None),
        ("POST", "/api/sinks/crm/recover", "Recovered", {"since": "2026-09-16T05:30:00Z"}),
        ("DELETE", "/api/sinks/crm", "Removed", None),
        ("DELETE", "/api/sinks/cmr", "Problem", None),
    ],
)
def test_what_is_answered_is_what_is_described(house, receiver, document, method, path, schema, body):
    house.post("/api/sinks", json={"name": "crm", "url": receiver.url, "options": {"allow_private": True}})
    answered = house.client.open(path, method=method, **({} if body is None else {"json": body}))
    validator(document, schema).validate(answered.json)


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("name", "crm", "CRM"),
        ("url", "https://crm.example.com/", "file:x"),
        ("types", ["legwork.call.completed"], ["calls"]),
        ("accounts", ["acme1m"], []),
        ("concurrency", 1000, 1001),
        ("rate", "600/m", "fast"),
        ("secret", "whsec_" + "Q0ND" * 8, "hunter2"),
        ("filter", "data", ""),
    ],
)
def test_the_description_of_a_subscriber_knows_what_is_wrong(document, key, right, wrong):
    least = {"name": "crm", "url": "https://crm.example.com/"}
    subscriber = validator(document, "Subscriber")
    assert subscriber.is_valid(least | {key: right})
    assert not subscriber.is_valid(least | {key: wrong})


def test_the_page_shows_every_operation_whatever_its_method(house, document):
    """It showed what is got and what is posted, so that nobody learned how to remove a sink."""
    page = house.get("/docs").text
    shown = re.findall(r'<span class="method">(\w+)</span> <code>(\S+)</code>', page)
    assert {(method.lower(), path) for method, path in shown} == set(operations(document))
    assert "Remove a subscriber, and drop what waits for it." in page
    assert "<td></td>" not in page, "every answer has a meaning"
