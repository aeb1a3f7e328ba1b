"""The console as a person sees it."""

from __future__ import annotations

import pytest

SECONDS = 1000
PATIENCE = 30 * SECONDS


def over(stage, scenario):
    """A call that is over, and whose record is written."""
    (sid,) = stage.place(scenario)
    stage.post(sid)
    stage.wait_for(sid)
    return sid


def test_the_overview_updates_itself_while_calls_flow(tab, stage):
    (sid,) = stage.place("01")
    assert tab.get_by_role("link", name=sid).count() == 0
    stage.post(sid)
    tab.get_by_role("link", name=sid).wait_for(timeout=PATIENCE)
    assert tab.url == f"{stage.url}/"


def test_updating_leaves_the_keyboard_where_it_is_and_can_be_paused(tab, stage):
    tab.get_by_role("link", name="Dead", exact=True).focus()
    link = tab.get_by_role("link", name="What failed last")
    link.focus()
    sid = over(stage, "01")
    tab.get_by_role("link", name=sid).wait_for(timeout=PATIENCE)
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "/dead"
    tab.get_by_role("button", name="Pause updates").press("Enter")
    later = over(stage, "01")
    tab.wait_for_timeout(6 * SECONDS)
    assert tab.get_by_role("link", name=later).count() == 0


def test_searching_finds_a_call_by_its_sid_and_by_a_number(tab, stage):
    sid = over(stage, "10")
    number = stage.records(sid)[0]["data"]["customer"]
    tab.goto("/calls")
    tab.get_by_label("A CallSid or a number").fill(sid)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"/calls/{sid}")
    tab.goto("/calls")
    tab.get_by_label("A CallSid or a number").fill(number)
    tab.get_by_role("button", name="Find").click()
    tab.get_by_role("link", name=sid).wait_for()
    assert number not in tab.url


def test_the_drawing_has_the_legs_of_the_call_in_their_order_and_length(tab, stage):
    sid = over(stage, "14")
    legs = stage.records(sid)[0]["data"]["legs"]
    tab.goto(f"/calls/{sid}")
    drawn = tab.locator("svg.legs g.leg")
    assert drawn.locator("text.role").all_text_contents() == [leg["role"] for leg in legs]
    widths = [drawn.nth(place).locator("rect.talking").bounding_box()["width"] for place in range(len(legs))]
    shares = [leg["on_call_seconds"] / legs[0]["on_call_seconds"] for leg in legs]
    assert [width / widths[0] for width in widths] == pytest.approx(shares, abs=0.05)
    colours = {
        drawn.nth(place).locator("rect.talking").evaluate("it => getComputedStyle(it).fill") for place in range(3)
    }
    assert len(colours) == 3, "the supervisor has a colour of its own"


def test_numbers_show_when_the_button_is_pressed(tab, stage):
    sid = over(stage, "10")
    number = stage.records(sid)[0]["data"]["customer"]
    tab.goto(f"/calls/{sid}")
    assert number not in tab.content()
    tab.get_by_role("button", name="Show numbers").click()
    tab.get_by_role("link", name="Mask the numbers").wait_for()
    assert number in tab.content()
    assert "console.numbers_shown" in stage.logs()
    assert number not in stage.logs()


def test_what_is_dead_is_counted_and_tried_again(tab, stage):
    (sid,) = stage.place("32")
    stage.post(sid)
    stage.wait_for(sid)
    tab.goto("/dead")
    tab.get_by_label(f"{sid}, fetch").check()
    tab.get_by_role("button", name="Try the ticked again").click()
    tab.get_by_role("heading", name="Try again 1?").wait_for()
    tab.get_by_role("button", name="Try again 1").click()
    tab.get_by_text("One is tried again.").wait_for()


@pytest.mark.parametrize("path", ["/", "/calls", "/sinks", "/dead", "/accounts", "/calls/{sid}"])
def test_on_a_phone_no_page_is_wider_than_the_screen(tab, stage, path):
    sid = over(stage, "14")
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(path.format(sid=sid))
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_signing_out_ends_it(tab):
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("heading", name="Sign in").wait_for()
    tab.goto("/docs")
    assert tab.get_by_role("button", name="Sign out").count() == 0
