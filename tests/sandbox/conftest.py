"""A sandbox on a free port, a driver that speaks to it over real HTTP, and a receiver of callbacks."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
import requests
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from sandbox.server import Sandbox
from sandbox.settings import DEFAULT_ACCOUNT, Settings

# A call of 40 s is over after 20 ms.
SPEED = 2000.0


class Driver:
    """What a test driver does to the sandbox: orders through its own pages, reads through the API."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self.url = sandbox.url
        self.auth = (DEFAULT_ACCOUNT.key, DEFAULT_ACCOUNT.token)

    def place(self, scenario=None, **order):
        """Place calls that are over, unless `ended_ago` says otherwise; the only or all CallSids."""
        order = {"ended_ago": 30, "callbacks": False, **order}
        if scenario:
            order["scenario"] = scenario
        answer = self.post("/calls", **{key: value for key, value in order.items() if value is not None})
        assert answer.status_code == 201, answer.text
        sids = answer.json()["call_sids"]
        return sids if "count" in order else sids[0]

    def legs(self, sid, path="Legs.json", account="acme1m", **options):
        return self.api(f"Calls/{sid}/{path}", account=account, **options)

    def calls(self, **query):
        return self.api("Calls.json", params=query)

    def api(self, path, account="acme1m", method="GET", **options):
        options = {"auth": self.auth, "timeout": 5, **options}
        return requests.request(method, f"{self.url}/v1/Accounts/{account}/{path}", **options)

    def get(self, path, **options):
        answer = requests.get(self.url + path, timeout=30, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def truth(self, sid):
        return self.get(f"/calls/{sid}")

    def summary(self):
        return self.get("/requests/summary")

    def post(self, path, **order):
        return requests.post(self.url + path, json=order, timeout=30)

    def fault(self, kind, **more):
        answer = self.post("/faults", fault=kind, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()["faults"]


@pytest.fixture
def start():
    """Start a sandbox with these settings; it is stopped after the test."""
    with ExitStack() as stack:

        def start(**settings):
            chosen = Settings(**{"port": 0, "speed": SPEED, "slow_seconds": 0.2, **settings})
            return Driver(stack.enter_context(Sandbox(chosen)))

        yield start


@pytest.fixture
def driver(start):
    return start()


@dataclass
class Receiver:
    """Takes callbacks; answers with `status`, which a test may change."""

    url: str = ""
    status: int = 200
    received: list[Request] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def passthru_url(self):
        return f"{self.url}/passthru?key=secret"

    @property
    def status_url(self):
        return f"{self.url}/status"

    @Request.application
    def take(self, request):
        # The body is read now: afterwards the connection is gone.
        request.get_data(parse_form_data=True)
        with self._changed:
            self.received.append(request)
            self._changed.notify_all()
        return Response(status=self.status)

    def wait_for(self, count, seconds=60.0):
        """The first `count` callbacks, in order of arrival."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, seconds), self.received
            return self.received[:count]


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


@pytest.fixture
def receiver():
    receiver = Receiver()
    server = make_server("127.0.0.1", 0, receiver.take, True, request_handler=Quiet)
    receiver.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def until():
    """Wait until something is true, and return it."""

    def until(is_true, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not (found := is_true()):
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.01)
        return found

    return until
