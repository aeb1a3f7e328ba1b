"""Connect to a database so that it stores every text unchanged, and refuse options of a URL that would prevent that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from worker.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_SECONDS = 10
# Seconds. A longer statement is waiting for a lock that was never released; the thread must not wait too.
STATEMENT_SECONDS = 30
# Seconds. Firewalls drop connections that are idle for about an hour.
_LONGEST_LIFE_SECONDS = 1800
_CONNECT: dict[str, dict[str, Any]] = {
    # A lost server is noticed in half a minute; by default the system waits a quarter of an hour.
    "postgresql": {
        "application_name": "legwork",
        # psycopg sends JSON as UTF-8 always; a server that expects another encoding would store wrong characters.
        "client_encoding": "utf8",
        "connect_timeout": _CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": STATEMENT_SECONDS * 1000,
    },
    "mysql": {
        "charset": "utf8mb4",
        "connect_timeout": _CONNECT_SECONDS,
        "read_timeout": STATEMENT_SECONDS,
        "write_timeout": STATEMENT_SECONDS,
    },
    # Several workers may write to one file, one after the other.
    "sqlite": {"timeout": STATEMENT_SECONDS},
}
# A pooler in transaction mode may run each transaction on another server connection, where a named prepared statement is
# unknown, or another one. So none is used, which costs an eighth of the rate: each statement is planned again (measured
# side by side, 0.88 times the calls a second in batches of a hundred, 0.86 times one by one).
_PSYCOPG: dict[str, Any] = {"prepare_threshold": None}
# Options that a URL may not set, since records would be truncated, changed or written partly; Legwork sets them.
_OURS = {
    "postgresql": {"client_encoding": "utf8", "prepare_threshold": None, "replication": None},
    "mysql": {
        "charset": "utf8mb4",
        **dict.fromkeys(
            (
                *("auth_plugin_map", "autocommit", "binary_prefix", "client_flag", "collation", "compress", "conv"),
                *("cursorclass", "db", "defer_connect", "local_infile", "named_pipe", "passwd", "sql_mode", "ssl"),
                "use_unicode",
            )
        ),
    },
}
# PyMySQL treats any text as true here.
_MYSQL_SWITCHES = {"ssl_disabled", "ssl_verify_identity"}
# libpq validates these only while connecting, and the test below does not connect.
_WHERE = {"host", "hostaddr", "port", "gssencmode"}
# Run last, after the URL's `init_command`, overriding the server's settings. Without strict mode MySQL silently truncates what
# is too long or not in its character set, and may substitute an engine without transactions.
_MYSQL_SESSION = (
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION autocommit = 0",
)

# A replica, a read-only primary, or a server that is shutting down or starting up. A connection that survives a failover
# returns these errors from then on. (SQLSTATE, Appendix A of PostgreSQL's manual.)
_NOT_THE_PRIMARY = {"25006", "57P01", "57P02", "57P03"}
# --read-only or --super-read-only, a read-only transaction, read-only mode, shutting down, a disconnected Galera node.
_MYSQL_NOT_THE_PRIMARY = {1290, 1792, 1836, 1053, 1047}


def engine_for(url: str) -> sa.Engine:
    """Return an engine that has not connected yet. Raises PermanentFailure if it could not connect, or would lose data."""
    try:
        parsed = sa.make_url(url)
        kind = parsed.get_backend_name()
        _refuse_options(kind, parsed)
        ours = dict(_CONNECT[kind])
        if parsed.get_driver_name() == "psycopg":
            ours |= _PSYCOPG
        ours = {name: value for name, value in ours.items() if name not in parsed.query}
        ours |= {name: _switch(name, parsed.query[name]) for name in _MYSQL_SWITCHES & parsed.query.keys()}
        engine = sa.create_engine(
            parsed,
            connect_args=ours,
            # As many as threads; a connection lost while idle is detected before use.
            pool_size=0,
            pool_pre_ping=True,
            pool_recycle=_LONGEST_LIFE_SECONDS,
            # By default MySQL also locks the gaps between rows, and writers of different calls would deadlock.
            **({"isolation_level": "READ COMMITTED"} if kind == "mysql" else {}),
            json_serializer=lambda value: orjson.dumps(value).decode(),
            hide_parameters=True,
        )
        _try_arguments(engine, parsed, ours)
    except Exception as error:  # a driver may raise anything about its arguments
        raise PermanentFailure(f"cannot connect by this URL: {_words(error)}") from error
    sa.event.listen(engine, "handle_error", _meet_the_primary_anew)
    if kind == "mysql":
        sa.event.listen(engine, "do_connect", _connect_to_mysql)
    return engine


def _refuse_options(kind: str, url: sa.URL) -> None:
    if kind not in _CONNECT:
        raise ValueError(f"there is no sink for {url.drivername}")
    if kind == "mysql" and not url.database:
        raise ValueError("it names no database: mysql://user:password@host/database")
    if "plugin" in url.query:
        raise ValueError("plugin is not allowed here")
    if kind == "sqlite":
        if others := sorted(url.query.keys() - {"timeout"}):
            raise ValueError(f"{', '.join(others)}: unknown option; the only one is timeout, in seconds")
        return
    ours = _OURS[kind]
    for name, value in url.query.items():
        if name in ours and (not isinstance(value, str) or value.lower().replace("-", "") != ours[name]):
            right = f"always {ours[name]}" if ours[name] else "none that can be set here"
            raise ValueError(f"the option {name} is {right}: leave it out")


def _try_arguments(engine: sa.Engine, url: sa.URL, ours: Mapping[str, Any]) -> None:
    """Test the driver's arguments without connecting. Raises whatever the driver raises."""
    if engine.dialect.is_async:
        raise ValueError(f"{url.drivername} is for asyncio: leave the driver out")
    positional, named = engine.dialect.create_connect_args(url)
    arguments: dict[str, Any] = {**named, **ours}
    driver: Any = engine.dialect.dbapi
    if engine.dialect.driver == "psycopg":
        _try_libpq(driver, {name: arguments[name] for name in arguments.keys() - _PSYCOPG.keys() - {"context"}})
    elif engine.dialect.driver == "pymysql":
        # Validates all arguments, certificates too, and opens no connection.
        driver.connections.Connection(*positional, **arguments, defer_connect=True)


def _try_libpq(psycopg: Any, arguments: dict[str, Any]) -> None:
    """Have libpq validate its options by connecting to a socket that does not exist."""
    for name in ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"):
        if not str(arguments[name]).strip().isdecimal():
            raise ValueError(f"{name} must be a whole number")
    psycopg.conninfo.make_conninfo(**arguments)
    elsewhere = {name: value for name, value in arguments.items() if name not in _WHERE}
    begun = psycopg.pq.PGconn.connect_start(psycopg.conninfo.make_conninfo(**elsewhere, host="/nonexistent").encode())
    said = begun.error_message.decode(errors="replace")
    begun.finish()
    if not said.startswith("connection to server"):
        raise ValueError(said)


def _switch(name: str, value: Any) -> bool:
    if value not in {"true", "1", "false", "0"}:
        raise ValueError(f"{name} must be true or false")
    return value in {"true", "1"}


def _words(error: Exception) -> str:
    if isinstance(error, UnicodeError):  # its message would show a character of the password
        return "the user's name or the password has a character that MySQL's protocol cannot carry"
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "ssl_ca, ssl_cert or ssl_key names a file that does not exist"
    text = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return text.removeprefix("Connection.__init__() got an ")


def _connect_to_mysql(dialect: Any, _record: Any, positional: Any, named: Any) -> Any:
    connection = dialect.connect(*positional, **named)
    try:
        cursor = connection.cursor()
        for statement in _MYSQL_SESSION:
            cursor.execute(statement)
        cursor.close()
    except BaseException:
        connection.close()
        raise
    return connection


def _meet_the_primary_anew(context: sa.ExceptionContext) -> None:
    """Close all connections if the server reports that it is not, or no longer, writable.

    The host name may point to another server by now, which the next attempt then reaches.
    """
    error = context.original_exception
    code = error.args[0] if error.args else None
    says_so = isinstance(code, int) and code in _MYSQL_NOT_THE_PRIMARY
    if says_so or getattr(error, "sqlstate", None) in _NOT_THE_PRIMARY:
        context.is_disconnect = True
