"""The drawing of legs that the console shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from drawn import leg

from webhook.svg import LABELS, WIDTH, draw_svg

SVG = "{http://www.w3.org/2000/svg}"
ZONE = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def draw(house):
    def draw(*legs, numbers=False):
        with house.app.test_request_context():
            return ET.fromstring(draw_svg(legs, zone=ZONE, numbers=numbers))

    return draw


def boxes(drawing, place=0):
    """The parts of a bar: what, from where, to where."""
    parts = drawing.findall(f"{SVG}g")[place].findall(f"{SVG}rect")
    found = [(part.get("class"), float(part.get("x")), float(part.get("width"))) for part in parts]
    return [(kind, x, x + width) for kind, x, width in found if kind != "row"]


def test_a_leg_rings_first_and_talks_at_its_end(draw):
    ((first, begins, middle), (second, talks, ends)) = boxes(draw(leg(begin=0, end=30, talk=10)))
    assert (first, second) == ("ringing", "talking")
    assert begins == LABELS
    assert middle == pytest.approx(talks, abs=0.2)
    assert (ends - talks) / (ends - begins) == pytest.approx(1 / 3, abs=0.01)


def test_a_leg_that_nobody_took_only_rings(draw):
    assert [kind for kind, _, _ in boxes(draw(leg(talk=0)))] == ["ringing"]


@pytest.mark.parametrize(
    "odd", [leg(begin=0, end=0, talk=0), leg(begin=30, end=30, talk=0), leg(begin=0, end=0, talk=5)]
)
def test_what_has_no_length_can_be_seen_and_stays_inside(draw, odd):
    ((_, begins, ends),) = boxes(draw(leg(), odd), 1)
    assert LABELS <= begins < ends <= WIDTH


def test_a_leg_without_times_has_a_row_without_a_bar(draw):
    drawing = draw(leg(), leg(begin=None, end=None))
    assert boxes(drawing, 1) == []
    assert "gives no times" in "".join(drawing.findall(f"{SVG}g")[1].itertext())


def test_without_any_times_there_are_rows_all_the_same(draw):
    assert len(draw(leg(begin=None, end=None)).findall(f"{SVG}g")) == 1
    assert draw().findall(f"{SVG}g") == []


def test_a_supervisor_has_a_colour_of_its_own_and_an_unknown_role_has_one(draw):
    drawing = draw(leg("caller"), leg("callee"), leg("supervisor"), leg("parrot"))
    groups = drawing.findall(f"{SVG}g")
    colours = [group.findall(f"{SVG}rect")[1].get("fill") for group in groups]
    assert len(set(colours)) == 4
    assert [group.get("class") for group in groups][3] == "leg unknown"
    assert groups[3].find(f"{SVG}text").text == "parrot"


def test_hovering_tells_all_of_a_leg(draw):
    hover = draw(leg("callee", 0, 30, 10)).find(f"{SVG}g/{SVG}title").text
    assert hover == "callee, …0001, completed, 10 s on the call, from 11:12:00, to 11:12:30"


def test_numbers_are_masked_unless_they_are_asked_for(draw):
    assert "+919000000001" not in ET.tostring(draw(leg()), encoding="unicode")
    assert "+919000000001" in ET.tostring(draw(leg(), numbers=True), encoding="unicode")


def test_what_exotel_wrote_is_text_and_never_markup(draw):
    drawing = draw(leg('"><script>', number=None, number_raw="<b>1"), numbers=True)
    assert drawing.findall(f".//{SVG}script") == []


@pytest.mark.parametrize("seconds", [1, 29, 59])
def test_the_line_of_time_has_a_few_round_moments_of_the_accounts_clock(draw, seconds):
    ticks = [text.text for text in draw(leg(begin=0, end=seconds, talk=1)).findall(f"{SVG}text")]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == "11:12:00"
