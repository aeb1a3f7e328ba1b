"""The proxies of docs/operations.md before the real thing; only addresses, ports and certificates are others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
import redis
import requests
from end_to_end.stage import free_port, listens, wait_until
from factories import TOKEN
from processes import WEB, Process
from requests.adapters import HTTPAdapter
from tls import Authority

from worker.process import embedded_redis

ROOT = Path(__file__).parents[2]
WRITTEN = dict(
    re.findall(
        r"^ *```(nginx|caddy|haproxy)\n(.*?)^ *```$",
        (ROOT / "docs/operations.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
# The page has one line for HAProxy, which stands in a configuration as anybody has it.
(STAY_WITH_TLS,) = re.findall(r"In HAProxy: `([^`]+)`", (ROOT / "docs/operations.md").read_text("utf-8"))
HAPROXY = f"""\
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend legwork
    bind 127.0.0.1:HTTP
    bind 127.0.0.1:HTTPS ssl crt PEM
    option forwardfor
    {STAY_WITH_TLS}
    default_backend legwork
backend legwork
    server web 127.0.0.1:8000
"""
HOST = "legwork.example.com"
# Whose callbacks are taken: somebody on loopback who is not the proxy.
CLIENT = "127.0.0.2"


class Proxied(NamedTuple):
    """Where the proxy is, without and with TLS, and a session that trusts its certificate."""

    http: str
    https: str
    session: requests.Session


class _From(HTTPAdapter):
    """Connects from an address of its own."""

    def __init__(self, address):
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args, **options):
        super().init_poolmanager(*args, **options, source_address=(self._address, 0), server_hostname=HOST)


@pytest.fixture(scope="module")
def web(redis_server, tmp_path_factory):
    """The port of a web process that takes callbacks from CLIENT alone."""
    port = free_port()
    variables = {"trusted_proxies": 1, "callback_allow": CLIENT, "console_password": "a long enough one"}
    folder = tmp_path_factory.mktemp("web")
    process = Process(WEB, folder, redis_url=redis_server.url, sinks="stdout:", port=port, **variables)
    try:
        wait_until(lambda: listens(port) or not process.runs, "the web process")
        yield port
    finally:
        process.stop()


@pytest.fixture(params=["nginx", "caddy", "haproxy"])
def proxied(request, web, tmp_path):
    authority, http, https = Authority(tmp_path), free_port(), free_port()
    text = {**WRITTEN, "haproxy": HAPROXY}[request.param].replace("127.0.0.1:8000", f"127.0.0.1:{web}")
    configure = {"nginx": as_nginx, "caddy": as_caddy, "haproxy": as_haproxy}[request.param]
    session = requests.Session()
    session.trust_env, session.verify = False, str(authority.ca_file)
    session.headers["Host"] = HOST
    session.mount("https://", _From(CLIENT))
    session.mount("http://", _PlainFrom(CLIENT))
    command = configure(text, tmp_path, authority.certify(HOST), http, https)
    with running(request.param, command, tmp_path, http, https), session:
        yield Proxied(f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", session)


class _PlainFrom(_From):
    def init_poolmanager(self, *args, **options):
        HTTPAdapter.init_poolmanager(self, *args, **options, source_address=(self._address, 0))


def as_nginx(text, folder, pem, http, https):
    text = text.replace("listen 80;", f"listen 127.0.0.1:{http};").replace("listen 443", f"listen 127.0.0.1:{https}")
    text = re.sub(r"/etc/ssl/legwork\.(pem|key)", str(pem), text).replace("/var/log/nginx", str(folder))
    own = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log {folder}/access.log;\n{own}{text}}}\n"
    )
    return ["-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf", "-g", "daemon off; user root;"]


def as_caddy(text, folder, pem, http, https):
    assert text.startswith(f"{HOST} {{")
    text = text.replace(f"{HOST} {{", f"https://{HOST}:{https} {{\ntls {pem} {pem}\n", 1)
    text = text.replace(f"http://{HOST} {{", f"http://{HOST}:{http} {{", 1)
    (folder / "Caddyfile").write_text(f"{{\nadmin off\nauto_https disable_redirects\n}}\n{text}")
    return ["run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


def as_haproxy(text, folder, pem, http, https):
    text = text.replace(":HTTPS", f":{https}").replace(":HTTP", f":{http}").replace("PEM", str(pem))
    (folder / "haproxy.cfg").write_text(text)
    return ["-db", "-f", folder / "haproxy.cfg"]


@contextmanager
def running(program, arguments, folder, *ports):
    """A proxy, until the test is over. Without it a laptop skips, and CI, which installs it, fails."""
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"no {program} on PATH: .ci/run installs it")
        pytest.skip(f"no {program} on PATH")
    log = folder / f"{program}.out"
    with log.open("wb") as out:
        process = subprocess.Popen([program, *map(str, arguments)], stdout=out, stderr=out, env=environ(folder))
    try:
        wait_until(lambda: process.poll() is not None or all(map(listens, ports)), program)
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


def environ(folder):
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


def callback(call_sid):
    return f"/callbacks/{TOKEN}/status?CallSid={call_sid}&Status=completed"


def test_a_callback_comes_through_with_and_without_tls_and_its_address_with_it(proxied):
    for url in (proxied.http, proxied.https):
        answer = proxied.session.get(url + callback(uuid4().hex), allow_redirects=False, timeout=60)
        assert (answer.status_code, answer.json()["accepted"]) == (200, True)


def test_a_browser_is_told_to_stay_with_tls_and_only_over_tls(proxied):
    """RFC 6797, 7.2: a host sends no Strict-Transport-Security where there is no TLS."""
    for path, status in (("/livez", 200), ("/no/such/page", 404), (callback(uuid4().hex), 200)):
        answer = proxied.session.get(proxied.https + path, allow_redirects=False, timeout=60)
        assert (answer.status_code, answer.headers["Strict-Transport-Security"]) == (status, "max-age=31536000")
        plain = proxied.session.get(proxied.http + path, allow_redirects=False, timeout=60)
        assert "Strict-Transport-Security" not in plain.headers


def test_what_legwork_has_compressed_comes_through_and_pages_are_left_as_they_are(proxied):
    takes = {"Accept-Encoding": "gzip", "Accept": "text/html"}
    file, page = (
        proxied.session.get(proxied.https + path, headers=takes, allow_redirects=False, timeout=60)
        for path in ("/static/vendor/htmx.min.js", "/sign-in")
    )
    assert (file.status_code, file.headers["Content-Encoding"]) == (200, "gzip")
    assert b"htmx" in file.content
    assert (page.status_code, page.headers.get("Content-Encoding")) == (200, None)


def test_nobody_gets_in_by_saying_that_he_is_somebody_else(proxied):
    other = requests.Session()
    other.trust_env = False
    headers = {"Host": HOST, "X-Forwarded-For": CLIENT}
    answer = other.get(proxied.http + callback(uuid4().hex), headers=headers, allow_redirects=False, timeout=60)
    assert answer.status_code == 404


def test_what_is_too_long_is_refused_and_what_is_not_comes_through(proxied):
    url = f"{proxied.https}/callbacks/{TOKEN}/status"
    body = {"CallSid": "call0001", "Status": "completed", "CustomField": "x" * 200_000}
    assert proxied.session.post(url, data=body, timeout=60).status_code == 200
    for length in (300_000, 600_000):
        answer = proxied.session.post(url, data=body | {"CustomField": "x" * length}, timeout=60)
        assert answer.status_code == 413


# Of HAProxy the page has no more than that line.
@pytest.mark.parametrize("proxied", ["nginx", "caddy"], indirect=True)
def test_the_console_goes_by_tls_alone(proxied):
    answer = proxied.session.get(f"{proxied.http}/calls?state=dead", allow_redirects=False, timeout=60)
    assert answer.status_code in {301, 302}
    assert answer.headers["Location"] == f"https://{HOST}/calls?state=dead"
    page = proxied.session.get(f"{proxied.https}/sign-in", allow_redirects=False, timeout=60)
    assert page.status_code == 200
    assert "Secure" in page.headers["Set-Cookie"]


def test_the_token_stands_in_no_log_of_the_proxy(proxied, tmp_path):
    proxied.session.get(proxied.https + callback(uuid4().hex), timeout=60)
    proxied.session.get(f"{proxied.https}/livez", timeout=60)
    logs = "".join(each.read_text() for each in tmp_path.iterdir() if each.suffix in {".log", ".out"})
    assert TOKEN not in logs


def test_haproxy_leads_to_the_redis_that_is_the_primary(tmp_path):
    port = free_port()
    servers = []
    text = WRITTEN["haproxy"]
    with running_redis(tmp_path / "one") as one, running_redis(tmp_path / "two") as two:
        for number, server in (("1", one), ("2", two)):
            with redis.Redis.from_url(server.url) as client:
                kwargs = client.connection_pool.connection_kwargs
                client.config_set("requirepass", "")
                servers.append((kwargs["host"], kwargs["port"]))
                text = text.replace(f"redis-{number}:6379", f"{kwargs['host']}:{kwargs['port']}")
        clients = [redis.Redis(host, port) for host, port in servers]
        clients[1].replicaof(*servers[0])
        (tmp_path / "haproxy.cfg").write_text(
            "defaults\n mode tcp\n timeout connect 1s\n timeout client 10s\n timeout server 10s\n"
            f"frontend legwork\n bind 127.0.0.1:{port}\n default_backend redis\n{text}"
        )
        with running("haproxy", ["-f", tmp_path / "haproxy.cfg"], tmp_path, port):
            through = redis.Redis("127.0.0.1", port, retry_on_error=[redis.ConnectionError])
            wait_until(lambda: answers_as(through, "master"), "the primary")
            through.set("key", "value")
            assert clients[0].get("key") == b"value"
            wait_until(lambda: clients[1].get("key") == b"value", "the replica")
            one.stop()
            clients[1].replicaof("NO", "ONE")
            wait_until(lambda: answers_as(through, "master"), "the other to be the primary")
            assert through.get("key") == b"value"
            for each in (*clients, through):
                each.close()


@contextmanager
def running_redis(folder):
    server = embedded_redis.start(folder)
    try:
        yield server
    finally:
        server.stop()


def answers_as(client, role):
    try:
        return client.info("replication")["role"] == role
    except (OSError, redis.RedisError):
        return False
