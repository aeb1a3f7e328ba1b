import json

import pytest
from jsonschema import Draft202012Validator
from marshmallow import validate
from payloads.records import CALLER, build, legs_of

from schemas.json_schema import _constraint, json_schema
from schemas.record import (
    DATASCHEMA,
    AgentSchema,
    CallbackSchema,
    CallDataSchema,
    EventSchema,
    LegSchema,
    ProvenanceSchema,
    WaitedSchema,
)

SCHEMAS = [EventSchema, CallDataSchema, AgentSchema, LegSchema, CallbackSchema, ProvenanceSchema, WaitedSchema]


def test_it_is_a_json_schema_of_2020_12_and_can_be_written():
    Draft202012Validator.check_schema(json.loads(json.dumps(json_schema())))
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json_schema()["$id"] == DATASCHEMA


def test_every_shape_is_in_it_with_every_field_described():
    definitions = json_schema()["$defs"]
    names = {schema.__name__.removesuffix("Schema") for schema in SCHEMAS}
    assert set(definitions) == names - {"Event"} | {"CallRecord"}
    for definition in definitions.values():
        assert definition["description"]
        for name, shape in definition["properties"].items():
            assert shape.get("description") or set(shape) == {"$ref"}, name


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_field_is_documented_where_it_is_declared(schema):
    assert all(field.metadata["doc"] for field in schema().fields.values())


def test_closed_vocabularies_are_listed_and_open_ones_are_not():
    leg, call = json_schema()["$defs"]["Leg"]["properties"], json_schema()["$defs"]["CallData"]["properties"]
    assert leg["role"]["enum"] == ["caller", "callee", "supervisor", "unknown"]
    assert call["direction"]["enum"] == ["inbound", "outbound", None]
    assert call["outcome"]["enum"] == ["answered", "missed", "busy", "failed", None]
    assert call["scenario"]["enum"] == ["direct", "multi_party", "unanswered", "unknown"]
    assert "enum" not in leg["status"]
    assert "enum" not in call["status"]


def test_what_may_be_null_says_so():
    leg = json_schema()["$defs"]["Leg"]["properties"]
    assert leg["created_at"]["type"] == ["string", "null"]
    assert leg["on_call_seconds"] == {
        "type": "number",
        "minimum": 0,
        "description": leg["on_call_seconds"]["description"],
    }


def test_every_key_is_required_but_the_reason():
    call = json_schema()["$defs"]["CallData"]
    assert set(call["properties"]) - set(call["required"]) == {"reason"}


def test_a_record_and_its_data_alone_fit_and_half_of_either_does_not():
    """The two were told apart by `if`, which generators of types do not read: they made a class of nothing out of it."""
    schema, event = Draft202012Validator(json_schema()), build(legs_of(CALLER))
    assert not {"if", "then", "else"} & set(json_schema())
    assert schema.is_valid(event)
    assert schema.is_valid(event["data"])
    for whole in (event, event["data"]):
        for key in set(whole) - {"reason"}:
            assert not schema.is_valid({name: value for name, value in whole.items() if name != key}), key
    assert not schema.is_valid(event | {"data": {}})
    assert not schema.is_valid({})
    assert not schema.is_valid([])


def test_a_rule_that_has_no_json_schema_stops_the_generation():
    with pytest.raises(TypeError):
        _constraint(validate.Email())
