"""The databases of the SQL sinks' tests."""

from __future__ import annotations

import uuid

import pytest
from services import MYSQL, POSTGRESQL, need
from sql_kit import Database


@pytest.fixture
def make_web(tmp_path):
    webs = []

    def make(kind):
        url = {"postgresql": lambda: need(POSTGRESQL), "mysql": lambda: need(MYSQL)}.get(
            kind, lambda: f"sqlite:///{tmp_path}/records.db"
        )()
        webs.append(Database(url, f"calls_{uuid.uuid4().hex[:8]}"))
        return webs[-1]

    yield make
    for database in webs:
        database.close()
