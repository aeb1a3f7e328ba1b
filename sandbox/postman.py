"""Posts the callbacks when they are due: one schedule, a few senders."""

from __future__ import annotations

import heapq
import itertools
import threading
from typing import TYPE_CHECKING, Any

import requests

from sandbox.callbacks import bracketed, due_after, parameters
from sandbox.times import utc_time

if TYPE_CHECKING:
    from sandbox.calls import Call, Calls
    from sandbox.plans import Post
    from sandbox.settings import Settings

# Exotel gives a receiver 15 s.
TIMEOUT_SECONDS = 15
# A redirect is not followed and counts as refused, as everything but 2xx does.
_ACCEPTED = range(200, 300)
# Enough for a few slow receivers not to delay the others.
SENDERS = 16


class Postman:
    """A heap of callbacks by due time, and the threads that post them."""

    def __init__(self, settings: Settings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Call, Post, int]] = []
        self._order = itertools.count()
        self._stopped = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(SENDERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Post nothing more; a request under way is not waited for."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take_on(self, call: Call) -> None:
        """Schedule all callbacks of a call, each at its time."""
        if not call.with_callbacks:
            return
        for post in call.scenario.posts:
            if self._url(call, post):
                self._put(call.moment(due_after(call, post)), call, post, attempt=1)

    def _put(self, due: float, call: Call, post: Post, attempt: int) -> None:
        with self._changed:
            heapq.heappush(self._due, (due, next(self._order), call, post, attempt))
            self._changed.notify()

    def _work(self) -> None:
        with requests.Session() as session:
            # Proxies of the environment are not for two local programs.
            session.trust_env = False
            # A receiver may close a kept connection just when it is reused, and a lost Passthru is never sent again.
            session.headers["Connection"] = "close"
            while job := self._next():
                self._post(session, *job)

    def _next(self) -> tuple[Call, Post, int] | None:
        with self._changed:
            while not self._stopped:
                wait = self._due[0][0] - self._calls.now() if self._due else None
                if wait is not None and wait <= 0:
                    _, _, call, post, attempt = heapq.heappop(self._due)
                    # Another sender has to wait for the next one now.
                    self._changed.notify()
                    return call, post, attempt
                self._changed.wait(wait)
            return None

    def _post(self, session: requests.Session, call: Call, post: Post, attempt: int) -> None:
        """Post one callback; a StatusCallback that is not answered with 2xx is retried, a Passthru never."""
        outcome: dict[str, Any] = {
            "url": post.url,
            "event": post.event,
            "attempt": attempt,
            "posted_at": utc_time(self._calls.now()),
            "status": None,
            "error": None,
        }
        call.posted.append(outcome)
        try:
            answer = _send(session, self._url(call, post), post, parameters(call, post))
        except requests.RequestException as reason:
            # The reason's own text would hold the URL, and with it the receiver's secret.
            outcome["error"] = type(reason).__name__
        else:
            outcome["status"] = answer.status_code
            if answer.status_code in _ACCEPTED:
                return
        retries = self._settings.callback_retries
        if post.url == "status" and attempt <= len(retries):
            wait = retries[attempt - 1] / self._settings.speed
            self._put(self._calls.now() + wait, call, post, attempt + 1)

    def _url(self, call: Call, post: Post) -> str:
        if post.url == "passthru":
            url = call.passthru_url or self._settings.passthru_url
        else:
            url = call.status_url or self._settings.status_url
        return url.replace("{account_sid}", call.account_sid)


def _send(session: requests.Session, url: str, post: Post, fields: dict[str, Any]) -> requests.Response:
    options: dict[str, Any] = {"timeout": TIMEOUT_SECONDS, "allow_redirects": False}
    if post.url == "passthru":
        return session.get(url, params=bracketed(fields), **options)
    if post.form == "json":
        return session.post(url, json=fields, **options)
    if post.form == "multipart":
        files = [(name, (None, value)) for name, value in bracketed(fields)]
        return session.post(url, files=files, **options)
    return session.post(url, data=bracketed(fields), **options)
