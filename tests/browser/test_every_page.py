"""What every page has, in Chromium: the menu of a phone, the key that searches, the zone of its times, ranges of charts."""

from __future__ import annotations

import json

from browser.conftest import PASSWORD


def test_on_a_phone_the_pages_are_in_a_menu(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto("/")
    link = tab.get_by_role("link", name="Failures", exact=True)
    assert not link.is_visible()
    tab.get_by_role("button", name="Menu").click()
    link.click()
    tab.get_by_role("heading", name="Failures").wait_for()
    assert tab.locator("header").bounding_box()["height"] < 80, "it was three rows"


def test_a_slash_leads_to_the_search_from_every_page(tab):
    tab.goto("/sinks")
    tab.keyboard.press("/")
    tab.wait_for_url("**/calls#wanted")
    tab.wait_for_function("document.activeElement.id === 'wanted'")
    tab.keyboard.type("/06")
    assert tab.locator("#wanted").input_value() == "/06", "in a field it is a character"
    tab.keyboard.press("Escape")
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("/")
    tab.wait_for_function("document.activeElement.id === 'wanted'")


def test_the_zone_of_this_browser_can_be_chosen_and_holds_for_charts_too(chromium, stage):
    context = chromium.new_context(base_url=stage.url, timezone_id="America/New_York")
    tab = context.new_page()
    tab.goto("/sign-in")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_text("Times are in Asia/Kolkata").click()
    tab.get_by_role("button", name="America/New_York (this browser)").click()
    tab.get_by_text("Times are in America/New_York").wait_for()
    offset = tab.locator("figure.chart time").first.get_attribute("datetime")[-6:]
    assert offset in {"-05:00", "-04:00"}
    context.close()


def test_charts_of_another_range_are_drawn_anew_and_stay_it(tab, stage):
    tab.goto("/")
    tab.get_by_role("link", name="Week", exact=True).click()
    tab.wait_for_url("**/?range=week")
    assert tab.locator("figure.chart details tbody tr").count() == 3 * 168
    tab.locator("figure.chart canvas").first.wait_for()
    tab.evaluate("htmx.trigger(document.getElementById('live'), 'refresh')")
    tab.wait_for_function("document.querySelectorAll('figure.chart details tbody tr').length === 3 * 168")
    assert tab.get_by_role("link", name="Week", exact=True).get_attribute("aria-current") == "true"


def test_a_record_can_be_copied_as_json(tab, stage):
    (sid,) = stage.place("01")
    stage.post(sid)
    stage.wait_for(sid)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(f"/calls/{sid}")
    tab.get_by_text("Revision 1 (completed) as JSON").click()
    tab.get_by_role("button", name="Copy", exact=True).click()
    tab.get_by_role("button", name="copied").wait_for()
    assert json.loads(tab.evaluate("navigator.clipboard.readText()"))["subject"] == sid


def test_redelivering_says_what_it_does_before_it_is_done(tab, stage):
    (sid,) = stage.place("01")
    stage.post(sid)
    stage.wait_for(sid)
    tab.goto(f"/calls/{sid}")
    tab.get_by_text("Redeliver …").click()
    tab.get_by_text("The sink gets the record again, under the same id.").wait_for()
    tab.get_by_role("button", name="To file").click()
    tab.get_by_text("One record is queued for delivery.").wait_for()
    tab.get_by_text("redelivery requested").wait_for()
