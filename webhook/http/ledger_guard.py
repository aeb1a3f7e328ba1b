"""Refuse changes (503) while the ledger belongs to another Legwork, should it have been replaced while web runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from flask import request

from webhook.context.services import services
from webhook.http.operators import changes_something
from webhook.http.problems import problem
from worker.errors import LedgerUnusable

if TYPE_CHECKING:
    from flask import Flask, Response


def install(app: Flask) -> None:
    """Check the ledger before every change by the API and the console; the callback view does so itself."""

    @app.before_request
    def _only_in_our_own() -> Response | None:
        if not changes_something() or request.blueprint in {None, "callbacks"}:
            return None
        try:
            services().headroom.is_nearly_full()
        except LedgerUnusable as error:
            return problem(503, str(error), headers={"Retry-After": "5"})
        except redis.RedisError:
            return None  # a view that needs Redis reports this itself
        return None
