from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from drawn import leg

from webhook.timeline.bars import BLOCKS, PLAIN, Bar, draw, paint

ZONE = ZoneInfo("Asia/Kolkata")


def lines(*legs, width=100, ascii_only=False):
    return [line.plain for line in draw(legs, width=width, ascii_only=ascii_only, zone=ZONE)]


def test_a_leg_rings_first_and_talks_at_its_end():
    assert paint(Bar(begins=0, talks=20, ends=30), 1.0, 30, BLOCKS) == "░" * 20 + "█" * 10


def test_a_leg_begins_where_its_time_comes():
    assert paint(Bar(begins=10, talks=10, ends=30), 1.0, 30, BLOCKS) == " " * 10 + "█" * 20


@pytest.mark.parametrize(("bar", "mark"), [(Bar(30, 30, 30), "▏"), (Bar(0, 29.9, 30), "█"), (Bar(29.9, 29.9, 30), "█")])
def test_what_is_too_short_to_have_a_length_is_seen_all_the_same(bar, mark):
    painted = paint(bar, 1.0, 30, BLOCKS)
    assert painted.endswith(mark)
    assert len(painted) <= 30


def test_every_line_fits_into_the_width_and_the_longest_fills_it():
    drawn = lines(leg("caller", 0, 30, 30), leg("supervisor", 5, 20, 15), width=90)
    assert max(map(len, drawn)) == 90


def test_the_axis_shows_the_accounts_time_and_the_length():
    axis = lines(leg())[0].split()
    assert axis == ["11:12:00", "30", "s", "11:12:30"]


def test_a_narrow_terminal_still_gets_a_bar():
    assert "█" in lines(leg(), width=20)[1]


def test_a_terminal_without_utf8_gets_plain_characters():
    drawn = "\n".join(lines(leg(), leg(begin=30, end=30, talk=0), ascii_only=True))
    assert drawn.isascii()
    assert all(mark in drawn for mark in PLAIN)


def test_a_leg_without_times_has_a_line_and_no_bar():
    drawn = lines(leg(), leg(begin=None, end=None, number=None, number_raw=None, status=None))
    assert "no number" in drawn[2]
    assert "█" not in drawn[2]


def test_without_any_times_nothing_is_drawn_but_the_legs_are_named():
    assert ["callee" in line for line in lines(leg(begin=None), leg(begin=None))] == [True, True]


def test_a_call_without_legs_draws_nothing():
    assert lines() == []


def test_the_roles_have_colours_of_their_own():
    drawn = draw([leg("caller"), leg("callee"), leg("supervisor")], width=100, ascii_only=False, zone=ZONE)
    assert len({str(line.style) for line in drawn}) == 4
