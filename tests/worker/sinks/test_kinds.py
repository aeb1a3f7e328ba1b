"""The table of sinks agrees with what the settings let through."""

from __future__ import annotations

from schemas.settings.urls import SINK_SCHEMES
from worker.sinks import KINDS, Sink, kind_of


def test_every_kind_that_the_settings_know_is_there_and_no_other():
    assert set(KINDS) == set(SINK_SCHEMES)


def test_every_kind_can_be_loaded():
    assert all(issubclass(kind_of(f"{scheme}:x"), Sink) for scheme in KINDS)


def test_a_driver_may_follow_the_kind_and_letters_may_be_large():
    assert kind_of("PostgreSQL+Psycopg://x") is kind_of("postgresql://x")
