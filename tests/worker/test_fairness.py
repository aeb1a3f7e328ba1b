"""The fair share of a small room, for whatever is wanted of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.fairness import Want, share

WANTS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=2),
    st.builds(Want, demand=st.integers(-1, 30), held=st.integers(0, 20)),
    max_size=8,
)
ROOM, MOST = st.integers(-5, 40), st.integers(1, 20)


@given(ROOM, WANTS, MOST)
def test_never_more_than_the_room_nor_than_anyone_wants(room, wants, most):
    given_out = share(room, wants, most_each=most)
    assert sum(given_out.values()) <= max(0, room)
    assert all(0 < places <= wants[key].demand for key, places in given_out.items())


@given(ROOM, WANTS, MOST)
def test_nobody_is_brought_above_the_most_that_each_may_hold(room, wants, most):
    given_out = share(room, wants, most_each=most)
    assert all(wants[key].held + places <= most for key, places in given_out.items())


@given(ROOM, WANTS, MOST)
def test_nobody_gets_a_place_while_another_who_wants_one_holds_less(room, wants, most):
    given_out = share(room, wants, most_each=most)
    ends = {key: want.held + given_out.get(key, 0) for key, want in wants.items()}
    hungry = [key for key, want in wants.items() if given_out.get(key, 0) < want.demand]
    for key in given_out:
        assert all(ends[key] - 1 <= ends[other] for other in hungry)


@given(ROOM, WANTS, MOST)
def test_no_place_stays_empty_that_somebody_could_fill(room, wants, most):
    given_out = share(room, wants, most_each=most)
    could = [key for key, want in wants.items() if given_out.get(key, 0) < want.demand]
    could = [key for key in could if wants[key].held + given_out.get(key, 0) < most]
    assert sum(given_out.values()) == max(0, room) or not could


def test_ties_go_to_whom_the_mapping_names_first():
    wants = {"first": Want(9, 0), "second": Want(9, 0), "third": Want(9, 0)}
    assert share(4, wants, most_each=9) == {"first": 2, "second": 1, "third": 1}


def test_a_noisy_one_has_the_room_only_while_nobody_else_wants_it():
    noisy = Want(1000, 0)
    assert share(16, {"noisy": noisy}, most_each=16) == {"noisy": 16}
    assert share(4, {"noisy": Want(1000, 12), "quiet": Want(2, 0)}, most_each=16) == {"quiet": 2, "noisy": 2}
