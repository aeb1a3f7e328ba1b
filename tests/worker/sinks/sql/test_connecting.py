"""What a SQL URL may say: what its driver would refuse, or what would lose or mangle a record, is refused at the start."""

from __future__ import annotations

import pytest
from factories import make_settings
from services import MYSQL, POSTGRESQL, need
from sink_contract import record, sink_spec
from sql_kit import opened

from webhook.operations.checks import check_sinks
from webhook.operations.finding import Verdict
from worker.sinks import BadSink, open_sinks


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://u:p@h/calls?ssl-mode=REQUIRED", "unexpected keyword argument 'ssl-mode'"),
        ("mysql://u:p@h/calls?sslaccept=strict", "unexpected keyword argument 'sslaccept'"),
        ("mysql://u:p@h/calls?useSSL=false", "unexpected keyword argument 'useSSL'"),
        ("mysql://u:p@h/calls?reconnect=true", "unexpected keyword argument 'reconnect'"),
        ("mysql://u:p@h/calls?ssl=true", "the option ssl is none that can be set here"),
        ("mysql://u:p@h/calls?ssl_ca=/nonexistent.pem", "names a file that does not exist"),
        ("mysql://u:p@h/calls?ssl_disabled=no", "ssl_disabled must be true or false"),
        ("mysql://u:p@h/calls?read_timeout=soon", "invalid literal for int"),
        ("mysql://u:p@h/calls?connect_timeout=-1", "connect_timeout should be >0"),
        ("mysql://u:p@h/calls?charset=latin1", "the option charset is always utf8mb4: leave it out"),
        ("mysql://u:p@h/calls?charset=utf8", "the option charset is always utf8mb4: leave it out"),
        ("mysql://u:p@h/calls?autocommit=true", "the option autocommit is none that can be set here"),
        ("mysql://u:p@h/calls?sql_mode=ANSI", "the option sql_mode is none that can be set here"),
        ("mysql://u:p@h:3306", "it names no database: mysql://user:password@host/database"),
        ("mysql://u:%E0%A4%A8@h/calls", "a character that MySQL's protocol cannot carry"),
        ("postgresql://h/calls?prepare_threshold=0", "the option prepare_threshold is none that can be set here"),
        ("postgresql://h/calls?client_encoding=latin1", "the option client_encoding is always utf8"),
        ("postgresql://h/calls?sslmodee=require", 'invalid connection option "sslmodee"'),
        ("postgresql://h/calls?sslmode=maybe", 'invalid sslmode value: "maybe"'),
        ("postgresql://h/calls?target_session_attrs=x", 'invalid target_session_attrs value: "x"'),
        ("postgresql://h/calls?pgbouncer=true", 'invalid connection option "pgbouncer"'),
        ("postgresql://h/calls?autocommit=true", 'invalid connection option "autocommit"'),
        ("postgresql://h/calls?connect_timeout=soon", "connect_timeout must be a whole number"),
        ("sqlite:///file:calls?mode=memory&uri=true", "mode, uri: unknown option; the only one is timeout, in seconds"),
        ("sqlite:///calls.db?isolation_level=DEFERRED", "isolation_level: unknown option"),
        ("sqlite:///calls.db?timeout=soon", "could not convert string to float"),
        ("sqlite://host/calls.db", "Invalid SQLite URL"),
    ],
)
def test_what_would_not_work_or_lose_something_is_refused_with_words(url, problem):
    with pytest.raises(BadSink, match="cannot connect by this URL: ") as caught:
        open_sinks(make_settings(sinks=url))
    (line,) = str(caught.value).splitlines()
    assert problem in line


def test_a_check_tells_it_and_goes_on():
    """A TypeError of the driver's ended `legwork check` with a traceback."""
    one, another = check_sinks(
        [sink_spec("mysql://u:p@h/calls?ssl-mode=REQUIRED", name="context"), sink_spec("stdout:", name="well")]
    )
    assert one.verdict is Verdict.WRONG
    assert one.text == "cannot connect by this URL: unexpected keyword argument 'ssl-mode'"
    assert (another.about, another.verdict) == ("sink well", Verdict.OK)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("postgresql", "client_encoding=UTF-8&sslmode=prefer&connect_timeout=3&gssencmode=disable"),
        ("mysql", "charset=utf8mb4&ssl_disabled=true&read_timeout=20&program_name=crm"),
    ],
)
def test_what_harms_nobody_goes_to_the_driver(make_web, kind, options):
    database = make_web(kind)
    sink = opened(f"{need({'postgresql': POSTGRESQL, 'mysql': MYSQL}[kind])}?{options}&table={database.table}")
    sink.send([record()])
    sink.close()
    assert len(database.records()) == 1
