"""The drawing of legs that the console shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from drawn import leg

from webhook.timeline.svg import SAVED_WIDTH, draw_svg

SVG = "{http://www.w3.org/2000/svg}"
ZONE = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def draw(web):
    def draw(*legs, numbers=False):
        with web.app.test_request_context():
            return ET.fromstring(draw_svg(legs, zone=ZONE, numbers=numbers))

    return draw


def legs_of(drawing):
    return [group for group in drawing.findall(f"{SVG}g") if group.get("class").startswith("leg ")]


def boxes(drawing, place=0):
    """The parts of a bar: what, from where, to where, in percent."""
    parts = legs_of(drawing)[place].findall(f"{SVG}rect")
    found = [(part.get("class"), part.get("x"), part.get("width")) for part in parts if part.get("class") != "row"]
    assert all(x.endswith("%") and width.endswith("%") for _, x, width in found), "it is as wide as there is room"
    return [(kind, float(x[:-1]), float(x[:-1]) + float(width[:-1])) for kind, x, width in found]


def test_a_leg_rings_first_and_talks_at_its_end(draw):
    ((first, begins, middle), (second, talks, ends)) = boxes(draw(leg(begin=0, end=30, talk=10)))
    assert (first, second) == ("ringing", "talking")
    assert (begins, ends) == (0, 100)
    assert middle == pytest.approx(talks, abs=0.2)
    assert (ends - talks) / (ends - begins) == pytest.approx(1 / 3, abs=0.01)


def test_a_leg_that_nobody_took_only_rings(draw):
    assert [kind for kind, _, _ in boxes(draw(leg(talk=0)))] == ["ringing"]


@pytest.mark.parametrize(
    "odd", [leg(begin=0, end=0, talk=0), leg(begin=30, end=30, talk=0), leg(begin=0, end=0, talk=5)]
)
def test_what_has_no_length_can_be_seen_and_stays_inside(draw, odd):
    ((_, begins, ends),) = boxes(draw(leg(), odd), 1)
    assert 0 <= begins < ends <= 100


@pytest.mark.parametrize("year", ["0001-01-01", "1970-01-01", "2000-02-29", "2025-12-31", "2100-01-01", "9999-12-31"])
def test_a_leg_of_another_year_does_not_make_the_drawing_larger(draw, year):
    """A mark for each of its days were megabytes, and at the ends of the calendar there is no time in every zone."""
    strange = leg() | {"created_at": f"{year}T00:00:00Z", "updated_at": f"{year}T23:59:59Z"}
    drawing = draw(leg(), strange)
    assert len(ET.tostring(drawing)) < 3 * len(ET.tostring(draw(leg(), leg())))
    assert all(0 <= begins <= ends <= 100 for place in (0, 1) for _, begins, ends in boxes(drawing, place))


def test_a_call_of_the_last_second_of_the_calendar_is_drawn(draw):
    last = leg() | {"created_at": "9999-12-31T23:59:59Z", "updated_at": "9999-12-31T23:59:59Z"}
    assert len(boxes(draw(last))) == 1


def test_a_leg_without_times_has_a_row_without_a_bar(draw):
    drawing = draw(leg(), leg(begin=None, end=None))
    assert boxes(drawing, 1) == []
    assert "gives no times" in "".join(legs_of(drawing)[1].itertext())


def test_without_any_times_there_are_rows_all_the_same(draw):
    assert len(legs_of(draw(leg(begin=None, end=None)))) == 1
    assert legs_of(draw()) == []


def test_a_supervisor_has_a_colour_of_its_own_and_an_unknown_role_has_one(draw):
    drawing = draw(leg("caller"), leg("callee"), leg("supervisor"), leg("parrot"))
    groups = legs_of(drawing)
    colours = [group.findall(f"{SVG}rect")[1].get("fill") for group in groups]
    assert len(set(colours)) == 4
    assert [group.get("class") for group in groups][3] == "leg unknown"
    assert groups[3].find(f"{SVG}text/{SVG}tspan").text == "parrot"


def test_hovering_tells_all_of_a_leg(draw):
    hover = legs_of(draw(leg("callee", 0, 30, 10)))[0].find(f"{SVG}title").text
    assert hover == "callee, …0001, completed, 10 s on the call, from 11:12:00, to 11:12:30"


def test_numbers_are_masked_unless_they_are_asked_for(draw):
    assert "+919000000001" not in ET.tostring(draw(leg()), encoding="unicode")
    assert "+919000000001" in ET.tostring(draw(leg(), numbers=True), encoding="unicode")


def test_what_exotel_wrote_is_text_and_never_markup(draw):
    drawing = draw(leg('"><script>', number=None, number_raw="<b>1"), numbers=True)
    assert drawing.findall(f".//{SVG}script") == []


@pytest.mark.parametrize("seconds", [1, 29, 59])
def test_the_line_of_time_has_a_few_round_moments_of_the_accounts_clock(draw, seconds):
    ticks = [text.text for text in draw(leg(begin=0, end=seconds, talk=1)).findall(f"{SVG}g/{SVG}text[@class='tick']")]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] == "11:12:00"


def test_on_a_page_it_is_as_wide_as_there_is_room_and_saved_it_has_a_width_of_its_own(draw, web):
    assert draw(leg()).get("width") == "100%"
    with web.app.test_request_context():
        saved = ET.fromstring(draw_svg([leg()], zone=ZONE, numbers=False, width=SAVED_WIDTH))
    assert saved.get("width") == "960"
