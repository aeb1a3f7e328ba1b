"""Databases that are not in UTF-8, and clients' settings that are not: a text comes back as it went in, or is refused."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from services import POSTGRESQL, need
from sink_contract import record
from sql_kit import Database

from worker.errors import PermanentFailure, TemporaryFailure

ODD = "naïve 😀 हिंदी"


@pytest.fixture
def make_database():
    """Create a database in an encoding; gives a database in it."""
    made = []
    engine = sa.create_engine(need(POSTGRESQL).replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)

    def say(statement):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(statement)

    def make(encoding):
        name = f"legwork_{encoding.lower()}_{uuid.uuid4().hex[:8]}"
        say(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        made.append(Database(urlsplit(POSTGRESQL)._replace(path=f"/{name}").geturl(), "calls"))
        return made[-1]

    yield make
    for database in made:
        database.engine.dispose()
        say(f"DROP DATABASE {database.engine.url.database} WITH (FORCE)")


def test_a_database_in_no_encoding_keeps_what_it_is_given(make_database):
    """SQL_ASCII, Debian's where no locale is set: a TypeError in `check` and in every delivery."""
    database = make_database("SQL_ASCII")
    sink = database.sink()
    assert "are there" in sink.check()
    sink.send([record(CustomField=ODD)])
    sink.close()
    (call,) = database.query("SELECT convert_from(custom_field::bytea, 'UTF8') AS text FROM calls")
    assert call["text"] == ODD
    (kept,) = database.query("SELECT convert_from((record->'data'->>'custom_field')::bytea, 'UTF8') AS text FROM calls")
    assert kept["text"] == ODD


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252"])
def test_a_database_in_a_small_encoding_keeps_what_it_can_and_refuses_the_rest_with_words(make_database, encoding):
    """In LATIN1 everything counted as delivered, and stood there as `naÃ¯ve ð…`."""
    database = make_database(encoding)
    sink = database.sink()
    with pytest.raises(TemporaryFailure, match=f"is in {encoding}, which refuses .* make one WITH ENCODING 'UTF8'"):
        sink.check()
    sink.send([record(1, CustomField="naïve")])
    with pytest.raises(PermanentFailure, match="has no equivalent in encoding"):
        sink.send([record(2, CustomField=ODD)])
    sink.close()
    assert database.query("SELECT custom_field FROM calls") == [{"custom_field": "naïve"}]


@pytest.mark.parametrize("setting", ["SET NAMES latin1", "SET SESSION sql_mode=''", "SET autocommit=1"])
def test_whatever_is_said_to_mysql_at_first_its_session_is_ours(make_web, setting):
    """A text that is too long was cut off, and one in another character set was mangled, without a word."""
    database = make_web("mysql")
    sink = database.sink()
    sink.close()
    database.url += f"?init_command={setting.replace(' ', '%20')}"
    sink = database.sink()
    sink.send([record(1, CustomField=ODD)])
    long = record(2)
    long["data"]["status"] = "x" * 256
    with pytest.raises(PermanentFailure, match="Data too long"):
        sink.send([long])
    sink.close()
    assert database.query("SELECT custom_field FROM calls") == [{"custom_field": ODD}]
    assert len(database.legs()) == 2


def test_a_mysql_database_in_another_character_set_keeps_every_text(make_web):
    database = make_web("mysql")
    name = f"legwork_{uuid.uuid4().hex[:8]}"
    database.query(f"CREATE DATABASE {name} CHARACTER SET latin1")
    there = Database(urlsplit(database.url)._replace(path=f"/{name}").geturl(), "calls")
    try:
        sink = there.sink()
        sink.check()
        sink.send([record(CustomField=ODD)])
        sink.close()
        assert there.query("SELECT custom_field FROM calls") == [{"custom_field": ODD}]
    finally:
        there.engine.dispose()
        database.query(f"DROP DATABASE {name}")


def test_whatever_is_said_to_postgresql_at_first_its_session_is_ours(make_web, monkeypatch):
    database = make_web("postgresql")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    database.url += "?options=-c%20client_encoding%3Dlatin1"
    sink = database.sink()
    sink.send([record(CustomField=ODD)])
    sink.close()
    assert database.query("SELECT custom_field FROM calls") == [{"custom_field": ODD}]
