"""Runs the WSGI application behind an asynchronous server, so that a waiting connection costs no thread.

A request occupies a thread only while there is work to do: not while its headers or its body arrive, nor while its
answer is sent. See decision 16.
"""

from __future__ import annotations

import asyncio
import io
import threading
from functools import cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import structlog

from webhook.http.problems import problem
from webhook.http.security_headers import HEADERS
from webhook.serving.bodies import BodyRefused, BodyWanted, CutOff, NotYet, limit_of, read_body, read_on
from webhook.serving.environ import environ_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from webhook.serving.bodies import Receive

    Send = Callable[[Mapping[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Adapter:
    """An ASGI application around a WSGI one, with its own threads; one per process.

    `known_limit` returns how many bytes of body a request's sender may send, if the request alone decides that, or None if
    the application has to decide. `body_refused` is called for each request whose body was refused here, which no view
    sees. Both run in the event loop, so they must not block.

    `without_thread` are paths whose answer is always the same. The application is asked for each once, here; from then on
    they are answered even while every thread is busy.
    """

    def __init__(
        self,
        app: WSGIApplication,
        threads: int,
        known_limit: Callable[[WSGIEnvironment], int | None] = lambda _: None,
        body_refused: Callable[[WSGIEnvironment], None] = lambda _: None,
        without_thread: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._threads = threads
        self._known_limit = known_limit
        self._body_refused = body_refused
        self._ready = {
            (method, path): _run(app, _request_for(method, path))
            for path in without_thread
            for method in ("GET", "HEAD")
        }
        self._waiting: SimpleQueue[_Job] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._loop is None:
            self._begin()
        environ = environ_of(scope)
        if not has_body(environ):
            if (ready := self._ready.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))) is not None:
                _answer(send, *ready)
                return
            await self._ask(environ, io.BytesIO(), send)
            return
        # A task of asyncio: granian's own tasks have no time-outs.
        await asyncio.get_running_loop().create_task(self._with_body(environ, receive, send))

    async def _with_body(self, environ: WSGIEnvironment, receive: Receive, send: Send) -> None:
        limit, length = self._known_limit(environ), _length(environ)
        if limit is None or (length or 0) > limit:
            # A copy: middleware (BehindProxies) may change it, and must see the original the second time.
            first = dict(environ)
            if not await self._ask(first, NotYet(), send):
                # A client that waits for `100 Continue` (RFC 9110, 10.1.1) got the answer instead and sends no body.
                if "HTTP_EXPECT" not in environ:
                    await read_on(receive)
                return
            limit = limit_of(first)
        try:
            body = await read_body(receive, limit)
        except BodyRefused as refused:
            # Not where it was sent: a callback's URL holds a secret.
            log.info("body.refused", status=refused.status, reason=refused.reason)
            self._body_refused(environ)
            _refuse(send, refused.status, str(refused))
            if not isinstance(refused, CutOff):
                await read_on(receive)
        else:
            await self._ask(environ, io.BytesIO(body), send)

    async def _ask(self, environ: WSGIEnvironment, body: io.BytesIO | NotYet, send: Send) -> bool:
        """Have a thread answer; return True if the application needs the body first."""
        environ["wsgi.input"] = body
        job = _Job(environ, send, asyncio.get_running_loop().create_future())
        self._waiting.put(job)
        return await job.wants_body

    def _begin(self) -> None:
        # Started here because the process and the event loop that serve are known only now.
        self._loop = asyncio.get_running_loop()
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"request-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            # A separate call, so that a waiting thread holds no reference to its last request and its connection.
            self._do(self._waiting.get())

    def _do(self, job: _Job) -> None:
        assert self._loop is not None  # noqa: S101  it is set before the threads start
        wants_body = False
        try:
            _answer(job.send, *_run(self._app, job.environ))
        except BodyWanted:
            wants_body = True
        except Exception as error:
            log.error("request.crashed", exc_info=error)
            _refuse(job.send, 500, "This is a bug in Legwork; it was logged.")
        result = job.wants_body
        # Some libraries keep an exception in a frame that its traceback refers to. Such a cycle keeps this frame alive until
        # the next garbage collection, and with it the job and its connection.
        del job
        self._loop.call_soon_threadsafe(result.set_result, wants_body)


class _Job:
    __slots__ = ("environ", "send", "wants_body")

    def __init__(self, environ: WSGIEnvironment, send: Send, wants_body: asyncio.Future[bool]) -> None:
        self.environ, self.send, self.wants_body = environ, send, wants_body


class _Start:
    """WSGI's `start_response`."""

    def __init__(self) -> None:
        self.status, self.headers = 500, list[tuple[str, str]]()

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = int(status[:3]), headers
        return _no_writing


def _no_writing(_data: bytes) -> object:
    raise NotImplementedError("write() is not supported (PEP 3333, 'The write() Callable')")


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
    start = _Start()
    given: StartResponse = start
    pieces: Iterable[bytes] = app(environ, given)
    try:
        # Every answer is finite, the longest some 200 kB: a slow reader holds no more memory than that.
        body = b"".join(pieces)
    finally:
        if (close := getattr(pieces, "close", None)) is not None:
            close()
    return start.status, start.headers, body


def _request_for(method: str, path: str) -> WSGIEnvironment:
    """Return a request that nobody sent."""
    here = ("localhost", 80)
    scope = {"method": method, "raw_path": path.encode(), "query_string": b"", "headers": [], "http_version": "1.1"}
    return {**environ_of({**scope, "scheme": "http", "server": here, "client": here}), "wsgi.input": io.BytesIO()}


def _answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """Hand an answer to the server, from any thread.

    Granian accepts each message within the call; the awaitable that it returns is already done.
    """
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    send({"type": "http.response.start", "status": status, "headers": encoded})
    send({"type": "http.response.body", "body": body})


def _refuse(send: Send, status: int, detail: str) -> None:
    _answer(send, *_refusal(status, detail))


@cache
def _refusal(status: int, detail: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer, built once: a thousand bodies may time out at the same moment, and all are answered in this loop."""
    answer = problem(status, detail, headers={**HEADERS, "Connection": "close"})
    return status, list(answer.headers), answer.get_data()


def has_body(environ: WSGIEnvironment) -> bool:
    """Does a request have a body? Without either header it has none (RFC 9112, 6.3)."""
    return "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0") != "0"


def _length(environ: WSGIEnvironment) -> int | None:
    # The server has already refused a length that is no number, and two lengths that differ.
    return int(environ["CONTENT_LENGTH"]) if "CONTENT_LENGTH" in environ else None
