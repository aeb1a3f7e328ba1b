"""Runs the WSGI application behind an asynchronous server, so that a connection that is waited for costs no thread.

A thread has a request only while there is something to be done: not while its headers come, nor its body, nor while its
answer goes out. Decision 16.
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
    """An ASGI application around a WSGI one, with threads of its own; one a process.

    `known_limit` says of a request with a body how many bytes its sender may send where that is told by the request alone,
    and None where the application has to be asked. `body_refused` hears of each request whose body was refused here, which
    no view sees. Both run beside all connections, so they may wait for nothing.

    `without_thread` are paths whose answer is always the same. The application is asked for each once, here; from then on
    they are answered while every thread waits, too.
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
        # A task of asyncio's: the server's own have no time-outs.
        await asyncio.get_running_loop().create_task(self._with_body(environ, receive, send))

    async def _with_body(self, environ: WSGIEnvironment, receive: Receive, send: Send) -> None:
        limit, length = self._known_limit(environ), _length(environ)
        if limit is None or (length or 0) > limit:
            # A copy: what stands before the application may change it (BehindProxies), and must find it as it was.
            first = dict(environ)
            if not await self._ask(first, NotYet(), send):
                # A client that waits for `100 Continue` (RFC 9110, 10.1.1) has got its answer instead, and sends nothing.
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
        """Have a thread answer; return whether it could not, for want of the body."""
        environ["wsgi.input"] = body
        job = _Job(environ, send, asyncio.get_running_loop().create_future())
        self._waiting.put(job)
        return await job.wants_body

    def _begin(self) -> None:
        # In the process, and with the loop, that serve.
        self._loop = asyncio.get_running_loop()
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"request-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            # A call, so that a thread which waits holds nothing of its last request: the connection would not be closed.
            self._do(self._waiting.get())

    def _do(self, job: _Job) -> None:
        assert self._loop is not None  # noqa: S101  it is there before the threads are
        wants_body = False
        try:
            _answer(job.send, *_run(self._app, job.environ))
        except BodyWanted:
            wants_body = True
        except Exception as error:
            log.error("request.crashed", exc_info=error)
            _refuse(job.send, 500, "This is a bug of ours, and logged.")
        told = job.wants_body
        # Libraries keep exceptions in the frames that these lead to. Such a circle holds this frame too, until the garbage
        # collector comes by, and would hold the connection by it.
        del job
        self._loop.call_soon_threadsafe(told.set_result, wants_body)


class _Job:
    __slots__ = ("environ", "send", "wants_body")

    def __init__(self, environ: WSGIEnvironment, send: Send, wants_body: asyncio.Future[bool]) -> None:
        self.environ, self.send, self.wants_body = environ, send, wants_body


class _Start:
    """What WSGI calls `start_response`."""

    def __init__(self) -> None:
        self.status, self.headers = 500, list[tuple[str, str]]()

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = int(status[:3]), headers
        return _no_writing


def _no_writing(_data: bytes) -> object:
    raise NotImplementedError("nothing here writes as the CGI did (PEP 3333, 'The write() Callable')")


def _run(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
    start = _Start()
    given: StartResponse = start
    pieces: Iterable[bytes] = app(environ, given)
    try:
        # No answer of ours is without an end, and the longest is some 200 kB: whoever reads it slowly keeps that much.
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
    """Hand an answer to the server, from whatever thread.

    Granian takes each message where it is handed over; what it gives back to await has happened by then.
    """
    told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    send({"type": "http.response.start", "status": status, "headers": told})
    send({"type": "http.response.body", "body": body})


def _refuse(send: Send, status: int, detail: str) -> None:
    _answer(send, *_refusal(status, detail))


@cache
def _refusal(status: int, detail: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer, made once: a thousand bodies may be too late in the same moment, and all are told here."""
    answer = problem(status, detail, headers={**HEADERS, "Connection": "close"})
    return status, list(answer.headers), answer.get_data()


def has_body(environ: WSGIEnvironment) -> bool:
    """Does a request have a body? Without either header it has none (RFC 9112, 6.3)."""
    return "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0") != "0"


def _length(environ: WSGIEnvironment) -> int | None:
    # The server has refused what is no number, and two that differ.
    return int(environ["CONTENT_LENGTH"]) if "CONTENT_LENGTH" in environ else None
