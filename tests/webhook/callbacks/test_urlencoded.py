"""Queries and forms are read as the standard library reads them, only sooner."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.callbacks.urlencoded import read_pairs


@given(st.text(alphabet="aZ0_[]%+=&;% é२\x00", max_size=200))
def test_whatever_comes_is_read_as_by_the_standard_library(query):
    expected = parse_qsl(query, keep_blank_values=True, errors="werkzeug.url_quote")
    assert read_pairs(query.encode()) == expected


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
    )
)
def test_what_was_encoded_comes_back(pairs):
    assert read_pairs(urlencode(pairs).encode()) == pairs


@given(st.binary(max_size=200))
def test_what_comes_of_any_bytes_can_be_written_again(data):
    for name, value in read_pairs(data):
        assert (name + value).encode().decode() == name + value


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        (b"a=%FF%61", [("a", "%FFa")]),
        (b"a=\xff\xc3\xa9", [("a", "%FFé")]),
        (b"n%FF=1", [("n%FF", "1")]),
        (b"&&a&=b&c=d=e", [("a", ""), ("", "b"), ("c", "d=e")]),
    ],
)
def test_bytes_that_are_no_utf8_stay_quoted(data, pairs):
    assert read_pairs(data) == pairs
