"""Connections that live through a failover and say "read-only" from then on, for as long as they live."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit

import pymysql
import pytest
from processes import until
from relay import Relay
from services import MYSQL, need
from several_connections import use_several_connections
from sink_contract import record
from sql_kit import Database, opened

from worker.errors import TemporaryFailure
from worker.process.embedded_redis import free_port


def test_postgresql_is_met_anew_when_it_says_that_it_is_read_only(make_web):
    """Of six rows none was in the new primary 78 s after the failover; it took up to half an hour."""
    database = make_web("postgresql")
    role = f"legwork_{uuid.uuid4().hex[:8]}"
    database.make_tables()
    database.query(f"CREATE ROLE {role} LOGIN SUPERUSER")
    try:
        # A session keeps the setting that it has begun with, as one with an old primary keeps that.
        database.query(f"ALTER ROLE {role} SET default_transaction_read_only = on")
        sink = opened(database.url.replace("//root@", f"//{role}@"), table=database.table)
        with pytest.raises(TemporaryFailure, match="read-only transaction"):
            sink.check()
        assert all("read-only transaction" in failure for failure in use_several_connections(sink))
        database.query(f"ALTER ROLE {role} RESET default_transaction_read_only")
        assert use_several_connections(sink) == []
        sink.close()
    finally:
        database.query(f"DROP ROLE {role}")
    assert len(database.records()) == 3


@contextmanager
def another_mariadb(folder, user, database):
    """Run a server that only this test knows; gives its port."""
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no mariadbd")
    data, port = folder / "mariadb", free_port()
    start = folder / "start.sql"
    start.write_text(
        f"CREATE USER {user}@'%';\nCREATE DATABASE {database};\nGRANT ALL ON {database}.* TO {user}@'%';\n"
    )
    owner = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", "--skip-test-db", *owner], check=True, capture_output=True
    )
    where = [f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", *owner]
    with (folder / "log").open("wb") as log:
        command = [server, "--no-defaults", *where, "--skip-name-resolve", f"--init-file={start}"]
        with subprocess.Popen(command, stderr=log, stdout=log) as process:
            try:
                until(lambda: _answers(port, user), 60)
                yield port
            finally:
                process.terminate()


def _answers(port, user):
    try:
        pymysql.connect(host="127.0.0.1", port=port, user=user).close()
    except pymysql.OperationalError:
        return False
    return True


@pytest.mark.slow
def test_mysql_is_met_anew_when_it_says_that_it_is_read_only(tmp_path):
    """The old primary lives on with `read_only`, and keeps its connections; the name leads to the new one."""
    database = Database(need(MYSQL), "calls")
    name, parts = f"legwork_{uuid.uuid4().hex[:8]}", urlsplit(MYSQL)
    database.query(f"CREATE DATABASE {name}")
    database.query(f"CREATE USER {name}@'%'")
    database.query(f"GRANT ALL ON {name}.* TO {name}@'%'")
    there = Database(parts._replace(path=f"/{name}").geturl(), "calls")
    try:
        there.make_tables()
        with another_mariadb(tmp_path, name, name) as port, Relay("127.0.0.1", port) as relay:
            sink = opened(f"mysql://{name}@127.0.0.1:{relay.port}/{name}")
            assert use_several_connections(sink) == []
            # By root over its socket: who may set it may write all the same.
            with pymysql.connect(unix_socket=str(tmp_path / "s"), user="root") as root:
                root.query("SET GLOBAL read_only = 1")
            relay.lead_to(parts.hostname, parts.port)
            failures = use_several_connections(sink)
            assert failures
            assert all("read-only" in failure for failure in failures)
            sink.send([record(7)])
            sink.close()
        # One that took its connection after another had failed was led there too.
        assert len(there.records()) == 1 + 3 - len(failures)
    finally:
        there.engine.dispose()
        database.query(f"DROP USER {name}@'%'")
        database.query(f"DROP DATABASE {name}")
        database.engine.dispose()
