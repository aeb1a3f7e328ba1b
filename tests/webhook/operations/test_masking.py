"""What a page shows of a call holds no full number until somebody asks for it, wherever it stands."""

from __future__ import annotations

import pytest
from factories import make_settings

from webhook.operations.masking import Shown


def shown(document, *, numbers=False, by_others=False):
    return Shown(make_settings(), [], numbers=numbers).document(document, by_others=by_others)


@pytest.mark.parametrize(
    "params",
    [
        {"From": "09000000001"},
        {"From": 9000000001},
        {"From": 9000000001.0},
        {"Legs": [{"Number": "90000 00001"}]},
        {"9000000001": "x"},
        {"Legs": [{"+91 90000 00001": "x"}]},
        {"RecordingUrl": "https://h/?u=https%3A%2F%2Fi%2F%3Fp%3D9000000001"},
    ],
    ids=str,
)
def test_a_number_is_masked_wherever_somebody_has_put_it(params):
    """As the name of a parameter, and as a number with a point, it was shown to whoever had not asked for it."""
    text = str(shown(params))
    assert "0001" in text
    assert not [part for part in ("000000", "90000") if part in text]
    assert shown(params, numbers=True) == params


def test_names_that_look_the_same_once_they_are_masked_both_stay():
    assert shown({"9000000001": 1, "8000000001": 2}) == {"…0001": 1, "…0001 2": 2}


def test_what_is_no_number_is_shown_as_it_is():
    document = {"call_sid": "00000000000000000000000000000000", "talk_seconds": 12.5, "settled": True, "digits": None}
    assert shown(document) == document


@pytest.mark.parametrize("name", ["id", "source", "uri", "subject", "sid"])
def test_what_others_call_an_id_is_one_only_where_we_say_so(name):
    """A parameter called `id` was shown as it came, though it held a number."""
    assert shown({name: "09000000001"}, by_others=True) == {name: "…0001"}
    told = {name: "09000000001", "callbacks": [{"params": {"deep": [{name: "09000000001"}]}}]}
    assert shown(told) == {name: "09000000001", "callbacks": [{"params": {"deep": [{name: "…0001"}]}}]}
    assert shown({"legs": [{"extra": {name: "09000000001"}}]}) == {"legs": [{"extra": {name: "…0001"}}]}


def test_a_sip_address_in_a_parameter_is_masked_like_one_in_a_leg():
    assert shown({"From": "sip:alice@pbx.example.com"}, by_others=True) == {"From": "….com"}
    assert shown({"number_raw": "sip:alice@pbx.example.com"}) == {"number_raw": "….com"}


def test_with_numbers_there_is_no_secret_either():
    """A sink had said our key back to us, and whoever asked for numbers was shown it."""
    told = {"answer": "503: the-api-key called +919000000001", "params": {"x": "the-api-token"}}
    assert shown(told, numbers=True) == {"answer": "503: *** called +919000000001", "params": {"x": "***"}}
