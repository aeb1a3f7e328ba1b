"""The door, with the tests' Redis behind it."""

from __future__ import annotations

import pytest
from door import House
from stubs import StubServer, answer
from subscribing import Operator


@pytest.fixture
def make_house(redis_url):
    houses = []

    def make(url=redis_url, **variables):
        houses.append(House(url, **variables))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(make_house):
    return make_house()


@pytest.fixture
def operator(redis_url):
    return Operator(redis_url)


@pytest.fixture
def receiver():
    """A subscriber that takes everything."""
    with StubServer(answer()) as server:
        yield server
