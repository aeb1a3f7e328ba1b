"""When an answer is Exotel's last word, and what it says when it is none at all."""

import pytest
from marshmallow import ValidationError
from payloads.answers import SID, answer, leg, load
from payloads.samples import ANSWERS

from schemas.legs import load_error

INCONSISTENT = "Inconsistent: Exotel returned"


@pytest.mark.parametrize("name", ["S4", "S5", "S6"])
def test_an_error_says_what_exotel_said(name):
    assert load_error(ANSWERS[name].body) == ANSWERS[name].error
    with pytest.raises(ValidationError, match=ANSWERS[name].error):
        load(ANSWERS[name].body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b"<TwilioResponse><RestException><Status>403</Status><Message>No</Message></RestException></TwilioResponse>",
            "No",
        ),
        (b'{"restexception": {"MESSAGE": " a\\n\\tb "}}', "a b"),
        (b'{"RestException": {"Description": "only this"}}', "only this"),
        (b'{"RestException": {"Message": "%b"}}' % (b"x" * 5000), "x" * 200),
        (b'{"RestException": {"Message": null}}', None),
        (b'{"RestException": {"Message": 17}}', None),
        (b'{"RestException": "x"}', None),
        (b'{"RestException": []}', None),
        (b"{}", None),
        (b"[]", None),
        (b"", None),
        (b"<html>", None),
        (b"<html><body>502</body></html>", None),
        (b"[" * 100_000, None),
        (b"\x00\xff", None),
    ],
)
def test_an_error_is_read_from_anything_or_not_at_all(body, text):
    assert load_error(body) == text


def test_a_whole_answer_is_final():
    assert load(ANSWERS["S1"].body).why_not_final(SID) is None
    assert load(ANSWERS["S2"].body).why_not_final("7b2e4d6f8a1c3e5097d4b6f8c2a01a9g", account_sid="acme1m") is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (answer(), "no legs yet"),
        (answer(leg(), total=2), "Incomplete: Exotel returned 1 of 2 legs"),
        (answer(leg(), total=2, count=2), "Incomplete: Exotel returned 1 of 2 legs"),
        (answer(leg(), leg(), total=3), "Incomplete: Exotel returned 2 of 3 legs"),
        (answer(leg(), count=2), f"{INCONSISTENT} 1 leg, but reports a count of 2 and a total of 1"),
        (answer(leg(), total=1, count=0), f"{INCONSISTENT} 1 leg, but reports a count of 0 and a total of 1"),
        (answer(leg(), total=3, count=2), f"{INCONSISTENT} 1 leg, but reports a count of 2 and a total of 3"),
        (answer(leg(), leg(), total=1), f"{INCONSISTENT} 2 legs, but reports a count of 2 and a total of 1"),
        (answer(leg(), leg(), total=1, count=1), f"{INCONSISTENT} 2 legs, but reports a count of 1 and a total of 1"),
        ({"legs": [leg()]}, "the answer does not say how many legs there are"),
        (answer(leg(), total="many"), "the answer does not say how many legs there are"),
        (answer(leg(), leg(Status="Ringing")), "a leg is still ringing"),
        (answer(leg(Status="queued")), "a leg is still queued"),
        (answer(leg(Status="in-progress")), "a leg is still in-progress"),
        (answer(leg(Status=None)), "a leg is still without a status"),
        (answer(leg(), leg(CallSid="7b2e4d6f8a1c3e5097d4b6f8c2a01a9g")), "the answer is about another call"),
        (answer(leg(CallSid=SID.upper())), "the answer is about another call"),
        (answer(leg(AccountSid="other1m")), "the answer is about another account"),
    ],
)
def test_what_is_not_final_says_why(document, reason):
    assert load(document).why_not_final(SID, account_sid="acme1m") == reason


@pytest.mark.parametrize("status", ["completed", "failed", "busy", "no-answer", "canceled", "cancelled", "teleported"])
def test_a_final_status_or_a_word_nobody_knows_keeps_no_call_waiting(status):
    assert load(answer(leg(Status=status))).why_not_final(SID) is None


def test_a_leg_that_names_no_call_is_about_this_one():
    assert load(answer(leg(CallSid=None))).why_not_final(SID) is None
