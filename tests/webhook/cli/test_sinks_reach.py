"""A subscriber is added where somebody answers; elsewhere it has to be asked for by name."""

from __future__ import annotations

from tls import Authority, TlsServer

from worker.process.embedded_redis import free_port


def refused(operator, *arguments):
    result = operator.run("add", "crm", *arguments, checked=True)
    assert result.exit_code == 2
    assert operator.sink() is None
    return result.output


def test_where_somebody_answers_it_is_added(operator, receiver):
    result = operator.run("add", "crm", f"{receiver.url}/hook", "--allow-private", checked=True)
    assert result.exit_code == 0, result.output
    assert operator.sink()["state"] == "active"


def test_where_nobody_is_it_is_refused_unless_it_is_asked_for(operator):
    url = f"http://127.0.0.1:{free_port()}/hook"
    said = refused(operator, url, "--allow-private")
    assert "url: " in said
    assert "refused" in said
    assert operator.run("add", "crm", url, "--allow-private", "--unchecked").exit_code == 0
    assert operator.sink()


def test_a_private_address_is_refused_with_what_would_let_it_through(operator, receiver):
    said = refused(operator, f"{receiver.url}/hook")
    assert "127.0.0.1 is a private address; `--allow-private` or `--allow-network 127.0.0.1` allows it" in said


def test_a_certificate_of_nobody_known_is_refused(operator, tmp_path):
    server = TlsServer(Authority(tmp_path).certify("localhost"))
    try:
        assert "certificate" in refused(operator, f"https://localhost:{server.port}/hook", "--allow-private")
    finally:
        server.close()
