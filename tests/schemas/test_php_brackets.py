from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from schemas.php_brackets import nest
from schemas.plain import MAX_DEPTH


@pytest.mark.parametrize(
    ("pairs", "nested"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param([("a", "1"), ("b", "")], {"a": "1", "b": ""}, id="flat names"),
        pytest.param([("a", "1"), ("a", "2"), ("a", "1")], {"a": ["1", "2", "1"]}, id="a repeated name"),
        pytest.param([("a[b]", "1"), ("a[c]", "2")], {"a": {"b": "1", "c": "2"}}, id="a mapping"),
        pytest.param([("a[0]", "x"), ("a[1]", "y")], {"a": ["x", "y"]}, id="a list"),
        pytest.param([("a[1]", "y"), ("a[0]", "x")], {"a": ["x", "y"]}, id="order is that of the indices"),
        pytest.param([("a[10]", "z"), ("a[9]", "y")], {"a": ["y", "z"]}, id="indices are numbers"),
        pytest.param([("Legs[1][Status]", "busy")], {"Legs": [{"Status": "busy"}]}, id="a sparse index"),
        pytest.param(
            [("Legs[4294967296][Status]", "b"), ("Legs[7][Status]", "a")],
            {"Legs": [{"Status": "a"}, {"Status": "b"}]},
            id="a huge index",
        ),
        pytest.param([("a[" + "9" * 90 + "]", "1")], {"a": ["1"]}, id="an absurd index"),
        pytest.param([("a[" + "9" * 5000 + "]", "1")], {"a": {"9" * 5000: "1"}}, id="too absurd to count"),
        pytest.param([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}, id="appended"),
        pytest.param([("a[5]", "x"), ("a[]", "y"), ("a[2]", "w")], {"a": ["w", "x", "y"]}, id="appended after"),
        pytest.param([("a[][b]", "1"), ("a[][b]", "2")], {"a": [{"b": "1"}, {"b": "2"}]}, id="appended mappings"),
        pytest.param([("a[0]", "x"), ("a[k]", "y")], {"a": {"0": "x", "k": "y"}}, id="a mixture is a mapping"),
        pytest.param([("a[-1]", "x"), ("a[07]", "y")], {"a": {"-1": "x", "07": "y"}}, id="these are no indices"),
        pytest.param([("a[b]", "1"), ("a[b]", "2")], {"a": {"b": ["1", "2"]}}, id="repeated below"),
        pytest.param([("a", "1"), ("a[b]", "2")], {"a": ["1", {"b": "2"}]}, id="a value and a structure"),
        pytest.param([("a[b]", "2"), ("a", "1")], {"a": ["1", {"b": "2"}]}, id="a structure and a value"),
        pytest.param([("0", "x"), ("1", "y")], {"0": "x", "1": "y"}, id="outermost numbers are names"),
        pytest.param([("a", [1, 2])], {"a": [1, 2]}, id="a list from JSON is one value"),
        pytest.param([("a", "0"), ("a", [1, 2])], {"a": ["0", [1, 2]]}, id="which can be repeated"),
        pytest.param([("a b[c d]", "1")], {"a b": {"c d": "1"}}, id="blanks are letters"),
    ],
)
def test_brackets_become_nested_data(pairs, nested):
    assert nest(pairs) == nested


@pytest.mark.parametrize(
    "name", ["Legs[0", "]", "[", "[]", "[0]", "a[b]c", "a]b[", "a[[b]]", "a[b]]", "a[b][", "", "a[b]\n", "Call.Sid"]
)
def test_malformed_brackets_stay_as_they_are(name):
    assert nest([(name, "x")]) == {name: "x"}


def test_nesting_has_a_limit_that_the_error_names():
    assert nest([("a" + "[b]" * (MAX_DEPTH - 1), "x")])
    with pytest.raises(ValidationError, match=str(MAX_DEPTH)):
        nest([("a" + "[b]" * MAX_DEPTH, "x")])


def leaves(value):
    if isinstance(value, dict):
        return list(chain.from_iterable(map(leaves, value.values())))
    if isinstance(value, list):
        return list(chain.from_iterable(map(leaves, value)))
    return [value]


NAMES = st.text("ab01[]", max_size=12) | st.text(max_size=8)


@given(st.lists(st.tuples(NAMES, st.text(max_size=4)), max_size=12))
@settings(deadline=None)
def test_nothing_is_ever_lost_and_nothing_invented(pairs):
    assert sorted(leaves(nest(pairs))) == sorted(value for _, value in pairs)


@given(st.dictionaries(st.text("abc", min_size=1), st.dictionaries(st.text("xyz", min_size=1), st.text()), max_size=5))
@settings(deadline=None)
def test_a_mapping_written_in_brackets_reads_back(mapping):
    pairs = [(f"{name}[{key}]", value) for name, inner in mapping.items() for key, value in inner.items()]
    assert nest(pairs) == {name: inner for name, inner in mapping.items() if inner}


@given(st.dictionaries(st.integers(0, 10**30), st.text(), min_size=1), st.randoms())
@settings(deadline=None)
def test_a_list_comes_in_order_of_its_indices_whatever_the_order_of_arrival(items, dice):
    pairs = [(f"a[{index}]", value) for index, value in items.items()]
    dice.shuffle(pairs)
    assert nest(pairs) == {"a": [items[index] for index in sorted(items)]}
