"""The console as a person sees it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from end_to_end.stage import wait_until
from playwright.sync_api import TimeoutError as PlaywrightTimeout

REPORTS = [f"/reports/{name}?range=all" for name in ("agents", "missed", "hours", "callers")]
PAGES = ["/", "/calls", *REPORTS, "/sinks", "/dead", "/accounts", "/calls/{sid}"]
SECONDS = 1000


def over(stage, scenario):
    """A call that is over, and whose record is written."""
    (sid,) = stage.place(scenario)
    stage.post(sid)
    stage.wait_for(sid)
    return sid


def as_time_passes(tab, element, state="visible"):
    """Wait for it as somebody does who has the page open; only the page's clock is put forward from update to update."""

    def has_come():
        tab.clock.fast_forward(5 * SECONDS)
        try:
            element.wait_for(state=state, timeout=SECONDS)
        except PlaywrightTimeout:
            return False
        return True

    wait_until(has_come, f"{element} to be {state}")


@pytest.fixture(scope="module")
def sid(stage):
    """A call with a supervisor, to be looked at."""
    return over(stage, "14")


def test_the_overview_updates_itself_while_calls_flow(tab, stage):
    (sid,) = stage.place("01")
    assert tab.get_by_role("link", name=sid[:8]).count() == 0
    stage.post(sid)
    as_time_passes(tab, tab.get_by_role("link", name=sid[:8]))
    assert tab.url == f"{stage.url}/"


def test_updating_leaves_the_keyboard_where_it_is_and_can_be_paused(tab, stage):
    tab.get_by_role("link", name="Failures", exact=True).focus()
    link = tab.get_by_role("link", name="Recent failures")
    link.focus()
    sid = over(stage, "01")
    as_time_passes(tab, tab.get_by_role("link", name=sid[:8]))
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "/dead"
    tab.get_by_role("button", name="Pause updates").press("Enter")
    later, requested = over(stage, "01"), []
    tab.on("request", lambda request: requested.append(request.url))
    tab.clock.fast_forward(60 * SECONDS)
    tab.evaluate("fetch('/livez')")  # whatever the page asked for in that minute, it asked for before this
    assert requested == [f"{stage.url}/livez"]
    assert tab.get_by_role("link", name=later[:8]).count() == 0


def test_searching_finds_a_call_by_its_sid_and_by_a_number(tab, stage):
    sid = over(stage, "10")
    number = stage.records(sid)[0]["data"]["customer"]
    tab.goto("/calls")
    tab.get_by_label("Search").fill(sid)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"/calls/{sid}")
    tab.goto("/calls")
    tab.get_by_label("Search").fill(number)
    tab.get_by_role("button", name="Find").click()
    tab.get_by_role("link", name=sid[:8]).wait_for()
    assert number not in tab.url


def test_a_search_is_still_there_after_a_look_at_what_it_found_and_when_it_is_loaded_again(tab, stage):
    """The browser asked whether the form should be sent once more."""
    sid = over(stage, "10")
    tab.goto("/calls")
    tab.get_by_label("Search").fill(f"…{stage.records(sid)[0]['data']['customer'][-4:]}")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name=sid[:8]).click()
    tab.wait_for_url(f"/calls/{sid}")
    tab.go_back()
    tab.get_by_role("link", name=sid[:8]).wait_for()
    tab.reload()
    tab.get_by_role("link", name=sid[:8]).wait_for()


def test_the_page_of_calls_updates_itself_and_a_whole_callsid_can_be_copied(tab, stage):
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto("/calls")
    sid = over(stage, "01")
    as_time_passes(tab, tab.get_by_role("link", name=sid[:8]))
    tab.get_by_role("button", name=f"Copy the CallSid {sid[:8]}").click()
    wait_until(lambda: tab.evaluate("navigator.clipboard.readText()") == sid, "the CallSid in the clipboard")


def test_the_drawing_has_the_legs_of_the_call_in_their_order_and_length(tab, stage):
    sid = over(stage, "14")
    legs = stage.records(sid)[0]["data"]["legs"]
    tab.goto(f"/calls/{sid}")
    drawn = tab.locator("svg.legs g.leg")
    assert drawn.locator("tspan.role").all_text_contents() == [leg["role"] for leg in legs]
    widths = [drawn.nth(place).locator("rect.talking").bounding_box()["width"] for place in range(len(legs))]
    shares = [leg["on_call_seconds"] / legs[0]["on_call_seconds"] for leg in legs]
    assert [width / widths[0] for width in widths] == pytest.approx(shares, abs=0.05)
    colours = {
        drawn.nth(place).locator("rect.talking").evaluate("it => getComputedStyle(it).fill") for place in range(3)
    }
    assert len(colours) == 3, "the supervisor has a colour of its own"


def test_the_page_of_a_call_goes_on_until_the_call_is_settled(tab, stage):
    (sid,) = stage.place("14")
    stage.post(sid, EventType="answered", Status="in-progress")
    tab.goto(f"/calls/{sid}")
    tab.locator(".badge.waiting").wait_for()
    assert tab.locator("svg.legs").count() == 0
    opened = tab.locator("summary").last.text_content()
    tab.locator("summary").last.click()
    stage.post(sid)
    as_time_passes(tab, tab.locator("svg.legs"))
    assert tab.locator("details[open] summary").text_content() == opened
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY", "the keyboard is where it was"
    as_time_passes(tab, tab.get_by_role("button", name="Pause updates"), "hidden")


def test_a_settled_call_is_read_again_at_the_press_of_a_button_and_the_page_shows_it(tab, stage):
    sid = over(stage, "01")
    tab.goto(f"/calls/{sid}")
    tab.get_by_role("button", name="Fetch again").click()
    as_time_passes(tab, tab.locator(".facts").get_by_text("2 times"))
    assert len(stage.records(sid)) == 1, "nothing differed"


def test_the_drawing_fits_a_phone(tab, sid):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(f"/calls/{sid}")
    edges = [
        box["x"] + box["width"]
        for it in tab.locator("svg.legs rect, svg.legs text").all()
        if (box := it.bounding_box())
    ]
    assert len(edges) > 6
    assert max(edges) <= 360


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
    tab.get_by_role("button", name="Retry selected").click()
    tab.get_by_role("heading", name="Retry 1?").wait_for()
    tab.get_by_role("button", name="Retry 1").click()
    tab.get_by_text("One is retried.").wait_for()


def test_the_chart_is_drawn_and_goes_on_while_the_page_updates_itself(tab, stage):
    assert tab.locator("figure.chart canvas").count() == 3
    labels = tab.locator("figure.chart .u-legend th").all_text_contents()
    assert [label for label in labels if label != "Time"] == ["calls", "requests", "delivered", "failed"]
    assert "--" not in tab.locator("figure.chart .u-legend").first.inner_text()
    is_blank = """() => {
        const canvas = document.querySelector("figure.chart canvas");
        const empty = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
        return canvas.toDataURL() === empty.toDataURL();
    }"""
    assert not tab.evaluate(is_blank)
    tab.evaluate("document.querySelector('figure.chart canvas').dataset.mark = 'the same'")
    sid = over(stage, "01")
    as_time_passes(tab, tab.get_by_role("link", name=sid[:8]))
    assert tab.locator("figure.chart canvas").first.get_attribute("data-mark") == "the same"
    assert not tab.evaluate(is_blank)


def test_what_was_opened_stays_open_while_the_page_updates_itself(tab, stage):
    tab.get_by_text("As a table").first.click()
    sid = over(stage, "01")
    as_time_passes(tab, tab.get_by_role("link", name=sid[:8]))
    assert tab.get_by_role("columnheader", name="calls", exact=True).is_visible()


def test_when_the_web_process_is_away_the_page_says_since_when_and_goes_on_when_it_is_back(tab, complaints):
    tab.route("**/*", lambda route: route.abort())
    as_time_passes(tab, tab.get_by_text("Not updated since"))
    tab.unroute("**/*")
    as_time_passes(tab, tab.get_by_text("Not updated since"), "hidden")
    assert all("ERR_FAILED" in complaint or "htmx:" in complaint for complaint in complaints)
    complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [*PAGES, "/sinks/file", "/sinks/file/deliveries", "/setup", "/docs", "/calls?state=dead&since=2026-01-01T00:00"],
)
def test_axe_finds_no_serious_violation(tab, sid, path, scheme):
    tab.emulate_media(color_scheme=scheme)
    tab.goto(path.format(sid=sid))
    found = Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    grave = [it for it in found if it["impact"] in {"serious", "critical"}]
    assert [(it["id"], [node["html"] for node in it["nodes"]][:3]) for it in grave] == []


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_no_page_is_wider_than_the_screen(tab, sid, path):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(path.format(sid=sid))
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_signing_out_ends_it(tab):
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("heading", name="Sign in").wait_for()
    tab.goto("/docs")
    assert tab.get_by_role("button", name="Sign out").count() == 0
