"""The API's gateway: records each request before anything else, and applies the active faults."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from sandbox.arrivals import NO_ANSWER, Arrival, Arrivals
from sandbox.wire import respond

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from sandbox.faults import Faults

# Where the API finds the visit in the WSGI environment.
VISIT = "sandbox.visit"

# SO_LINGER with a time of zero: closing sends a reset instead of a FIN.
NO_FAREWELL = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Visit:
    """What gateway and API share about a request: how it arrived, and whether its answer is cut off."""

    arrival: Arrival
    cut_off: bool = False


class Gateway:
    """WSGI middleware around the whole application; it records only requests to the API."""

    def __init__(self, app: WSGIApplication, arrivals: Arrivals, faults: Faults) -> None:
        self._app = app
        self._arrivals = arrivals
        self._faults = faults

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if not path.startswith("/v1/"):
            return self._app(environ, start_response)
        line = f"{path}?{query}" if query else path
        visit = environ[VISIT] = Visit(self._arrivals.arrive(environ["REQUEST_METHOD"], line))
        status = NO_ANSWER
        try:
            response = self._answer(environ, visit)
            if not visit.cut_off:
                status = response.status_code
        finally:
            # Recorded before the first byte is sent, so that a client that has the answer finds it in the record.
            self._arrivals.answered(visit.arrival, status)
        return response(environ, start_response)

    def _answer(self, environ: WSGIEnvironment, visit: Visit) -> Response:
        met = self._faults.meet(visit.arrival.account_sid)
        if "down" in met:
            raise _reset(environ)
        if "slow" in met:
            time.sleep(met["slow"].seconds)
        replies = (fault.reply() for fault in met.values())
        instead = next((reply for reply in replies if reply), None)
        asked = Request(environ)
        response = respond(instead, asked) if instead else Response.from_app(self._app, environ)
        body = response.get_data()
        if "truncated" in met:
            response.set_data(body[: len(body) // 2])
        elif "cut" in met or visit.cut_off:
            visit.cut_off = True
            # The length stays that of the whole body, so that the client notices the loss.
            response.response = _half(body, environ)
        return response


def _half(body: bytes, environ: WSGIEnvironment) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise _reset(environ)


def _reset(environ: WSGIEnvironment) -> ConnectionResetError:
    """Make the connection end with a reset; the caller raises the returned error."""
    connection: Any = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_FAREWELL)
    return ConnectionResetError("by the sandbox")
