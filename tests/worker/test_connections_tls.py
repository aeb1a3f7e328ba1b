"""Redis behind TLS, whose certificate is nobody's to know, in the words that people have for that."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress

import pytest
from factories import make_settings
from relay import Relay
from tls import Authority

from schemas.settings import SinkSpec
from webhook.operations.checks import check_sinks
from webhook.operations.finding import Verdict
from worker.celery import make_celery
from worker.connections import connect
from worker.sinks import BadSink, open_sinks, sink_for


class TlsRelay(Relay):
    """A relay that takes TLS off; who does not like its certificate goes away."""

    def __init__(self, host, port, pem):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        super().__init__(host, port)

    def _accept(self):
        with suppress(OSError):
            while True:
                plain, _ = self._server.accept()
                self._threads.append(threading.Thread(target=self._lead, args=(plain,)))
                self._threads[-1].start()

    def _lead(self, plain):
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as near:
            far = socket.create_connection(self._target)
            self._sockets += [near, far]
            back = threading.Thread(target=_carry, args=(far, near))
            back.start()
            _carry(near, far)
            back.join()


def _carry(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def address(redis_server, redis_url, authority):
    """The server behind TLS, with its password."""
    place = redis_url.removeprefix("redis://")
    userinfo, _, where = place.rpartition("@")
    host, _, port = where.partition("/")[0].partition(":")
    with TlsRelay(host, int(port), authority.certify("another.example")) as relay:
        yield f"rediss://{userinfo}@127.0.0.1:{relay.port}/0"


@pytest.mark.parametrize("word", ["none", "CERT_NONE", "None"])
def test_the_ledger_the_broker_and_a_sink_get_there_whichever_word_is_used(address, word):
    """With CERT_NONE the settings were ok, and web and worker waited for ever."""
    url = f"{address}?ssl_cert_reqs={word}"
    settings = make_settings(url, sinks=url)
    with connect(settings) as client:
        assert client.ping()
    app = make_celery(settings)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
    app.close()
    (sink,) = open_sinks(settings).values()
    assert sink.check() == "answers; the stream is calls"
    sink.close()


@pytest.mark.parametrize("options", ["ssl_check_hostname=no", "ssl_check_hostname=False&ssl_cert_reqs=CERT_REQUIRED"])
def test_a_known_authority_will_do_whatever_name_it_certifies(address, authority, options):
    settings = make_settings(f"{address}?ssl_ca_certs={authority.ca_file}&{options}")
    with connect(settings) as client:
        assert client.ping()
    app = make_celery(settings)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
    app.close()


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (
            "ssl_cert_reqs=CERT_MAYBE",
            "sink crm: url: has a wrong option: ssl_cert_reqs must be none, optional or required",
        ),
        ("ssl_ocsp_context=x", "unknown TLS option; known are ssl_cert_reqs"),
        ("ssl_check_hostname=perhaps", "ssl_check_hostname must be true or false"),
        ("ssl_ca_certs=/no/such/file.pem", "ssl_ca_certs names a file that cannot be read (No such file or directory)"),
        ("ssl%5Fca_certs=/dev/null", "ssl_ca_certs names a file that holds no certificate in PEM"),
        ("ssl_ca_path=/no/such/folder", "ssl_ca_path names a folder that does not exist"),
        ("ssl_min_version=1", "ssl_min_version must be 771 (TLS 1.2) or 772 (1.3)"),
        ("ssl_include_verify_flags=[NO_FLAG]", "ssl_include_verify_flags must be a list of Python's ssl.VerifyFlags"),
        ("ssl_ciphers=nothing", "ssl_ciphers names no cipher that is available"),
    ],
)
def test_what_is_wrong_with_the_sink_is_told_as_the_sinks(options, wrong):
    """It was told as if the ledger were out of reach, and ended the check."""
    spec = SinkSpec(name="crm", url=f"rediss://h:1/0?{options}")
    with pytest.raises(BadSink) as caught:
        sink_for(spec)
    assert wrong in str(caught.value)
    (finding,) = check_sinks([spec])
    assert finding.verdict is Verdict.WRONG
    assert wrong.removeprefix("sink crm: ") in finding.text
