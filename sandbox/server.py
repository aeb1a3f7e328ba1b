"""The sandbox as a whole: wiring, start and stop. It runs inside a test process or as a program."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, Self

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.api import Api
from sandbox.arrivals import Arrivals
from sandbox.calls import Calls, cycle
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.gateway import NO_FAREWELL, Gateway
from sandbox.postman import Postman
from sandbox.quota import NANOSECONDS, SlidingWindow
from sandbox.scenarios import BY_NAME
from sandbox.timetable import Timetable

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox.settings import Settings

# How often the accepting thread checks whether it should end.
_POLL_SECONDS = 0.02


class Sandbox:
    """A mock Exotel on its own port, as long as `with Sandbox(Settings(port=0)) as sandbox:` lasts."""

    def __init__(self, settings: Settings) -> None:
        """Bind the port at once, so that `url` is known before the start. Raises SystemExit if it is in use."""
        self.settings = settings
        self.calls = Calls(settings.speed)
        self.arrivals = Arrivals(tuple(account.sid for account in settings.accounts), self._new_window)
        self.faults = Faults()
        self._postman = Postman(settings, self.calls)
        self._next_scenario = cycle(BY_NAME[name] for name in settings.scenarios)
        self._timetable = Timetable(settings, self._place_next)
        self._server = _Server(settings.host, settings.port, self._create_app(), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self._server.port}"

    def start(self) -> None:
        self._thread.start()
        self._postman.start()
        self._timetable.start()

    def stop(self) -> None:
        """Stop accepting requests, placing calls and posting callbacks. Requests under way end with the process."""
        self._timetable.stop()
        self._postman.stop()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _new_window(self) -> SlidingWindow:
        settings = self.settings
        window = round(settings.quota_seconds * NANOSECONDS)
        return SlidingWindow(settings.quota, window, count_refused=settings.count_refused)

    def _place_next(self) -> None:
        call = self.calls.place(self._next_scenario(), self.settings.accounts[0].sid)
        self._postman.take_on(call)

    def _create_app(self) -> Flask:
        app = Flask("sandbox")
        app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
        api = Api(self.settings, self.calls)
        control = Control(self.settings, self.calls, self._postman, self.arrivals, self.faults)
        app.register_blueprint(api.blueprint())
        app.register_blueprint(control.blueprint())
        app.wsgi_app = Gateway(app.wsgi_app, self.arrivals, self.faults)  # type: ignore[method-assign]
        return app


class _Handler(WSGIRequestHandler):
    """No access log: `GET /requests` shows more, without secrets."""

    # Header and body are two writes; with Nagle's algorithm the second would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        del error, environ
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    # Hundreds of clients may connect at the same time.
    request_queue_size = 1024

    def shutdown_request(self, request: Any) -> None:
        lingers = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(NO_FAREWELL))
        if lingers == NO_FAREWELL:
            # A FIN before the reset would look like a clean end.
            self.close_request(request)
        else:
            super().shutdown_request(request)
