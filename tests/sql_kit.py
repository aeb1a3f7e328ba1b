"""A database of a test's, and tables of a name that nobody else has in it."""

from __future__ import annotations

import orjson
import sqlalchemy as sa
from sink_contract import sink_spec

from worker.sinks import sink_for


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


class Database:
    """A database, and tables of a name that nobody else has in it."""

    def __init__(self, url, table):
        self.url, self.table = url, table
        driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
        scheme, _, rest = url.partition(":")
        arguments = {"client_encoding": "utf8"} if scheme == "postgresql" else {}
        self.engine = sa.create_engine(
            f"{driver.get(scheme, scheme)}:{rest}", poolclass=sa.NullPool, connect_args=arguments
        )

    @property
    def kind(self):
        return self.engine.dialect.name

    def sink(self, **options):
        return opened(self.url, table=self.table, **options)

    def make_tables(self):
        sink = self.sink()
        sink.check()
        sink.close()

    def query(self, sql):
        with self.engine.begin() as connection:
            found = connection.execute(sa.text(sql.replace("calls", self.table)))
            return [dict(row._mapping) for row in found] if found.returns_rows else []

    def tables(self):
        return sorted(name for name in sa.inspect(self.engine).get_table_names() if name.startswith(self.table))

    def records(self):
        found = self.query("SELECT record FROM calls ORDER BY account_sid, call_sid")
        return [row["record"] if isinstance(row["record"], dict) else orjson.loads(row["record"]) for row in found]

    def legs(self):
        return self.query("SELECT * FROM calls_legs ORDER BY account_sid, call_sid, sid")

    def close(self):
        for name in self.tables():
            with self.engine.begin() as connection:
                connection.exec_driver_sql(f"DROP TABLE {name}")
        self.engine.dispose()
