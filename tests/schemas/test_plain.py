import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.plain import MAX_DEPTH, encodable, plain

TEXT = st.text(st.characters(codec=None, exclude_categories=()))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def test_what_json_can_hold_stays_as_it_is():
    document = {"a": [1, 2.5, "é", None, True, {"b": {}}], "c": 2**63 - 1, "d": -(2**63)}
    assert plain(document) == document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**63, "9223372036854775808"),
        (-(10**30), "-" + "1" + "0" * 30),
        ("a\ud800b", "a\\ud800b"),
    ],
)
def test_what_json_cannot_hold_becomes_text(value, text):
    assert plain({"x": value}) == {"x": text}


def test_names_without_their_other_half_stay_apart():
    assert list(plain(dict.fromkeys(["\ud800", "\ud801"]))) == ["\\ud800", "\\ud801"]
    assert encodable("\U0001f600") == "\U0001f600"


@pytest.mark.parametrize(
    "value", [b"bytes", {1, 2}, object(), pytest.param(10**5000, id="more digits than Python prints")]
)
def test_what_has_no_text_either_is_refused(value):
    with pytest.raises(ValidationError):
        plain([value])


def test_depth_has_a_limit_that_the_error_names():
    document = "x"
    for _ in range(MAX_DEPTH):
        document = [document]
    assert plain(document) == document
    with pytest.raises(ValidationError, match=str(MAX_DEPTH)):
        plain([document])


@given(DOCUMENTS)
@settings(deadline=None)
def test_any_document_can_be_written_and_reads_back(document):
    try:
        copy = plain(document)
    except ValidationError:
        return
    assert orjson.loads(orjson.dumps(copy)) == copy
