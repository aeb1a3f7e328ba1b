"""The API describes itself: as OpenAPI 3.1 that holds for what it answers, and as a page."""

from __future__ import annotations

import re

import pytest
from console_kit import PASSWORD, SID, admit
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from subscribing import KEY, OTHER_KEY

METHODS = {"get", "put", "post", "patch", "delete", "head", "options", "trace"}
OF_SINKS = {
    "/api/sinks": {"get", "post"},
    "/api/sinks/{name}": {"get", "patch", "delete"},
    **{
        f"/api/sinks/{{name}}/{action}": {"post"}
        for action in ("disable", "enable", "retry", "rotate-secret", "finish-rotation", "test", "recover")
    },
}


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def document(web):
    return web.get("/openapi.json").json


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


def test_every_operation_has_a_title_a_description_and_an_id_of_its_own(document):
    """28 had no description, and titles were sentences: "Take what a Passthru applet asks for."."""
    found = {**operations(document), ("post", "record"): document["webhooks"]["record"]["post"]}
    for key, operation in found.items():
        assert re.fullmatch(r"[A-Z][a-zA-Z ]{4,40}[a-zA-Z]", operation["summary"]), key
        assert operation["description"].endswith("."), key
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("given", "open_here"), [({}, [{}]), ({"console_password": PASSWORD}, [])])
def test_whoever_reads_it_knows_where_password_and_token_belong_and_which_scope_will_do(make_web, given, open_here):
    document = make_web(**given).get("/openapi.json").json
    for (method, path), operation in operations(document).items():
        reads = method == "get" or path == "/api/calls/search"
        of_operators = path.startswith("/api/")
        assert operation["security"] == ([{"password": []}, {"token": []}, *open_here] if of_operators else [])
        assert operation.get("x-scope") == (("read" if reads else "operate") if of_operators else None)
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["scheme"] for name, scheme in schemes.items()} == {"password": "basic", "token": "bearer"}


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


def test_every_parameter_and_every_field_of_a_body_has_a_meaning(document):
    """`limit`, `state`, `minutes`, the parts of paths and `ids` had none."""
    for path, item in document["paths"].items():
        for holder in (item, *(item[method] for method in METHODS & set(item))):
            unsaid = [each["name"] for each in holder.get("parameters", []) if not each.get("description")]
            assert not unsaid, path
    for (method, path), operation in operations(document).items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            # A CSV has none: any text is one.
            shape = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            fields = document["components"]["schemas"][shape]["properties"] if shape else {}
            assert not [name for name, field in fields.items() if not field.get("description")], (method, path)


def test_no_parameter_of_a_url_is_null(document):
    """A URL has no null: `state=null` is a state that there is not."""
    for operation in operations(document).values():
        for parameter in operation.get("parameters", []):
            assert parameter["schema"]["type"] in {"string", "integer", "boolean"}
            assert parameter["schema"].get("default", 0) is not None


def test_every_tag_has_a_meaning_and_is_used(document):
    """Each room told its own, and the document left them out."""
    used = {tag for operation in operations(document).values() for tag in operation["tags"]} | {"records"}
    assert {tag["name"] for tag in document["tags"] if tag["description"]} == used


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *(
            ("post", f"/api/sinks/crm/{action}", None)
            for action in ("disable", "enable", "retry", "rotate-secret", "test")
        ),
        ("post", "/api/sinks/crm/finish-rotation", None),
        ("post", "/api/sinks/crm/recover", {"since": "2026-09-16T05:30:00Z"}),
        ("get", "/api/dead?sink=crm", None),
        ("post", "/api/dead/retry", {"sink": "crm"}),
        ("post", "/api/dead/drop", {"sink": "crm"}),
        ("post", "/api/replay", {"since": "2026-09-16T05:30:00Z", "sink": "crm"}),
        ("post", f"/api/calls/{SID}/deliver", {"sink": "crm"}),
    ],
)
def test_what_a_sink_that_no_key_decrypts_is_refused_with_is_described(web, make_web, document, method, path, body):
    """409 was answered and not described, and 404 only as what a stranger gets."""
    admit(web, SID)
    web.post("/api/sinks", json={"name": "crm", "url": "https://crm.example.com/"})
    other = make_web(legwork_secret_key=OTHER_KEY)
    refused = other.client.open(path, method=method, **({} if body is None else {"json": body}))
    described = path.partition("?")[0].replace("/sinks/crm", "/sinks/{name}").replace(SID, "{sid}")
    responses = document["paths"][described][method]["responses"]
    assert (refused.status_code, "decrypts" in responses["409"]["description"]) == (409, True)
    assert "only its own machine" not in responses["404"]["description"]


def test_the_examples_are_taken_as_they_stand(web, document):
    """`--json '{}'` was the example of what refuses to do something to nothing in particular."""
    for method, path in (
        ("post", "/api/sinks"),
        ("post", "/api/dead/retry"),
        ("post", "/api/dead/drop"),
        ("post", "/api/replay"),
        ("post", "/api/sinks/{name}/recover"),
    ):
        example = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
        taken = web.post(path.replace("{name}", "crm"), json=example)
        assert taken.status_code in {200, 201}, taken.json
        assert str(example.get("dry_run", "sent")).lower() in {"true", "sent"}


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
def test_what_is_answered_is_what_is_described(web, receiver, document, method, path, schema, body):
    web.post("/api/sinks", json={"name": "crm", "url": receiver.url, "options": {"allow_private": True}})
    answered = web.client.open(path, method=method, **({} if body is None else {"json": body}))
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


def test_the_page_shows_every_operation_whatever_its_method(web, document):
    """It showed what is got and what is posted, so that nobody learned how to remove a sink."""
    page = web.get("/docs").text
    shown = re.findall(r'<span class="method">(\w+)</span> <code>(\S+)</code>', page)
    assert {(method.lower(), path) for method, path in shown} == set(operations(document))
    assert "Its waiting deliveries are dropped. A sink that is defined in the settings is removed there." in page
    assert "<td></td>" not in page, "every answer has a meaning"


def test_the_page_is_sorted_by_what_it_is_about_and_has_fields_and_an_example_to_paste(web):
    page = web.get("/docs").text
    for part in ("callbacks", "calls", "dead", "sinks"):
        assert f'<section id="{part}">' in page
    assert "looked_through" in page
    assert "/api/calls/search" in page
    assert "calls[].reason" in page, "the fields of a shape within another one"
    assert "accounts.*.quota.limit" in page
    assert "The <code>next</code> of the previous page." in page
    assert "--json &#39;{&#34;text&#34;: &#34;0614&#34;}&#39;" in page
    # curl takes what is in braces for a choice of its own.
    assert "&#34;$LEGWORK/api/calls/$SID&#34;" in page
    assert not re.search(r"<pre>[^<]*{\w+}", page)
    assert re.findall(r"<script src=\"/static/(\w+)", page) == ["page"], "only that of every page"
