import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.numbers.phone import kind_of, to_e164


@pytest.mark.parametrize(
    "raw",
    [
        "09000000001",
        "9000000001",
        "919000000001",
        "+919000000001",
        "00919000000001",
        " 09000000001 ",
        "+91 90000-00001",
        "(0)90000 00001",
    ],
)
def test_every_way_to_write_a_number_is_one_number(raw):
    assert to_e164(raw, "IN") == "+919000000001"
    assert kind_of(raw, "IN") == "phone"


@pytest.mark.parametrize(
    ("raw", "region", "number"),
    [
        ("04040001234", "IN", "+914040001234"),
        ("04000000001", "IN", "+914000000001"),
        ("0014155550123", "IN", "+14155550123"),
        ("1800 123 4567", "IN", "+9118001234567"),
        ("4155550123", "US", "+14155550123"),
        ("91234567", "SG", "+6591234567"),
        ("+919000000001", "SG", "+919000000001"),
    ],
)
def test_the_accounts_region_says_how_to_read_it(raw, region, number):
    assert to_e164(raw, region) == number


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("sip:agentone1a2b3c", "sip"),
        ("SIP:agent@example.com", "sip"),
        ("sips:09000000001", "sip"),
        ("", "unknown"),
        (None, "unknown"),
        ("anonymous", "unknown"),
        ("0900XXXX001", "unknown"),
        ("agent 09000000001", "unknown"),
        ("1800FLOWERS", "unknown"),
        ("2345678", "unknown"),
        ("7", "unknown"),
        ("+", "unknown"),
        ("0" * 32, "unknown"),
        ("9" * 100_000, "unknown"),
        ("٠٩٠٠٠٠٠٠٠٠١", "unknown"),
        ("+99909000000001", "unknown"),
    ],
)
def test_what_cannot_be_a_number_has_no_e164(raw, kind):
    assert to_e164(raw or "", "IN") is None
    assert kind_of(raw, "IN") == kind


def test_a_region_nobody_knows_leaves_only_international_numbers():
    assert to_e164("09000000001", "ZZ") is None
    assert to_e164("+919000000001", "ZZ") == "+919000000001"


@given(st.text() | st.text("+0123456789 ()./-"), st.sampled_from(["IN", "SG", "US", "DE"]))
@settings(deadline=None)
def test_any_text_has_an_e164_form_or_none_and_that_form_stays(raw, region):
    number = to_e164(raw, region)
    if number is not None:
        assert number[0] == "+"
        assert number[1:].isdecimal()
        assert to_e164(number, region) in (number, None)
