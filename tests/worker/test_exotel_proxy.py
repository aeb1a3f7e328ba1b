"""Exotel may be asked through a proxy of the environment, which is given the whole URL, or a tunnel."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
from asking import FINAL, SID, client_of, failure_of
from stubs import StubServer, answer
from tls import Authority, TlsServer

from worker.errors import Unreachable

NAMES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"]


@pytest.fixture
def proxy(monkeypatch):
    with StubServer(FINAL) as proxy:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        yield proxy


def test_the_whole_url(proxy):
    client = client_of("http://exotel.example/a%7eb")
    assert client.fetch_legs(SID).answer.total == 3
    client.close()
    (target,) = proxy.targets
    assert target.startswith("http://exotel.example/a")
    assert target.endswith(f"/Calls/{SID}/Legs.json")


def test_a_tunnel_that_is_refused_is_no_answer(proxy):
    proxy.always(answer(status=403))
    client = client_of("https://exotel.example")
    failure_of(client, Unreachable)
    client.close()
    assert proxy.targets == ["exotel.example:443"]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS4"])
@pytest.mark.parametrize("url", ["http://exotel.example", "https://exotel.example"])
def test_a_socks_proxy_is_not_supported_which_is_said(proxy, monkeypatch, scheme, url):
    """It said `InvalidSchema`; with PySocks installed a header that is no header was sent to Exotel."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url.replace("http", scheme))
    client = client_of(url)
    assert "a SOCKS proxy, which is not supported: set HTTPS_PROXY to an HTTP proxy" in str(
        failure_of(client, Unreachable)
    )
    client.close()
    assert proxy.seen == []


def test_a_tunnel(proxy, tmp_path, monkeypatch):
    """The proxy's answer to CONNECT is read as any other, and is not the end of its connection."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    with TlsServer(authority.certify("localhost"), FINAL) as exotel:
        proxy.always(tunnel_to(exotel.port))
        client = client_of(f"https://localhost:{exotel.port}", exotel_timeout_seconds=10)
        for _ in range(2):
            assert client.fetch_legs(SID).answer.total == 3
        client.close()
        assert proxy.targets == [f"localhost:{exotel.port}"]
        assert len(exotel.seen) == 2


def tunnel_to(port):
    def write(connection):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 Connected\r\nX-Odd: 1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as behind:
            back = threading.Thread(target=pump, args=(behind, connection))
            back.start()
            pump(connection, behind)
            back.join()
        return False

    return write


def pump(source, target):
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
