"""Webhook sinks over TLS: whose certificates are taken, and what is said of those that are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sink_contract import record, sink_spec
from stubs import StubServer, answer
from tls import DAY, Authority, TlsServer

from worker.errors import LegworkError, TemporaryFailure
from worker.sinks import sink_for


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def served():
    """Starts servers, one a certificate."""
    servers = []

    def serve(pem):
        servers.append(TlsServer(pem, answer()))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def sink_to(server, host="localhost", **options):
    return sink_for(sink_spec(f"https://{host}:{server.port}/hooks", allow_networks="127.0.0.0/8,::1", **options))


def refusal_of(sink):
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    exchange = sink.exchange(record())
    assert (exchange.status, exchange.error) == (None, str(caught.value)), "and a test of the sink says the same"
    with pytest.raises(TemporaryFailure) as checked:
        sink.check()
    sink.close()
    assert str(checked.value) == str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_authority_of_ones_own_is_trusted_by_its_file(authority, served, host):
    server = served(authority.certify("localhost", "127.0.0.1"))
    sink = sink_to(server, host, ca_file=str(authority.ca_file))
    sink.open()
    for number in range(2):
        assert sink.send([record(number)]) == "200"
    sink.close()
    assert [seen.headers["Host"] for seen in server.seen] == [f"{host}:{server.port}"] * 2
    assert server.asked_for == (["localhost"] if host == "localhost" else [None]), "one connection, under its name"


def test_without_the_file_it_is_a_stranger(authority, served):
    server = served(authority.certify("localhost"))
    said = refusal_of(sink_to(server))
    assert said == "its certificate is refused: unable to get local issuer certificate"
    assert server.seen == []


def test_the_file_of_another_authority_does_not_help(authority, served, tmp_path):
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "another authority")
    server = served(authority.certify("localhost"))
    assert "its certificate is refused: " in refusal_of(sink_to(server, ca_file=str(other.ca_file)))
    assert server.seen == []


def test_a_certificate_that_has_signed_itself_is_refused(authority, served):
    server = served(authority.own_pem())
    assert refusal_of(sink_to(server)) == "its certificate is refused: self-signed certificate"
    assert server.seen == []


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        (-2 * DAY, -timedelta(hours=1), "its certificate is refused: certificate has expired"),
        (timedelta(hours=1), DAY, "its certificate is refused: certificate is not yet valid"),
    ],
)
def test_a_certificate_out_of_its_time_is_refused(authority, served, begins, ends, said):
    server = served(authority.certify("localhost", begins=begins, ends=ends))
    assert refusal_of(sink_to(server, ca_file=str(authority.ca_file))) == said
    assert server.seen == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_another_host_is_refused(authority, served, host):
    server = served(authority.certify("elsewhere.example"))
    said = refusal_of(sink_to(server, host, ca_file=str(authority.ca_file)))
    assert said.startswith("its certificate is refused: ")
    assert f"certificate is not valid for '{host}'" in said
    assert server.seen == []


class Plain(StubServer):
    """Takes what TLS begins with for a bad request, as web servers do."""

    def _serve(self, connection):
        with connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def test_a_server_that_speaks_no_tls_is_not_said_to_have_a_bad_certificate(authority):
    with Plain() as plain:
        said = refusal_of(sink_to(plain, ca_file=str(authority.ca_file)))
    assert said.startswith("no answer: ")
    assert "certificate" not in said


def test_certificates_named_in_the_environment_are_not_trusted(authority, served, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.ca_file))
    server = served(authority.certify("localhost"))
    assert "its certificate is refused" in refusal_of(sink_to(server))


# The file


def write(path, content):
    if content == "a folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, r"cannot be read \(No such file or directory\)"),
        ("a folder", "ca.txt"),
        (b"", "holds no certificate"),
        (b"no certificates, sorry", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
    ],
    ids=["missing", "folder", "empty", "text", "broken"],
)
def test_a_file_that_cannot_serve_is_told_at_the_start(tmp_path, content, problem):
    file = tmp_path / "ca.txt"
    write(file, content)
    sink = sink_for(sink_spec("https://crm.example.com/", ca_file=str(file)))
    with pytest.raises(LegworkError, match=rf"ca_file: .*{problem}.*; name a file"):
        sink.open()


def test_a_key_is_no_certificate(authority):
    key = authority.certify("localhost").read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    file = authority.ca_file.with_name("key.pem")
    file.write_bytes(key)
    with pytest.raises(LegworkError, match="holds no certificate"):
        sink_for(sink_spec("https://crm.example.com/", ca_file=str(file))).open()
