"""Refuse changes (503) while the ledger belongs to another Legwork, should it have been replaced while web runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from flask import request

from webhook.context.services import services
from webhook.http.operators import scope_of
from webhook.http.problems import refusal
from worker.errors import LedgerUnusable
from worker.ledger.registry.tokens import Scope

if TYPE_CHECKING:
    from flask import Response


def only_in_our_ledger() -> Response | None:
    """Refuse a change while the ledger is another Legwork's; a `before_request` of every blueprint that changes something.

    It runs after authentication, so strangers learn nothing of the ledger. The callback view checks for itself.
    """
    if scope_of(request.method, request.url_rule.rule if request.url_rule else "") is not Scope.OPERATE:
        return None
    try:
        services().headroom.lookout.see()
    except LedgerUnusable as error:
        return refusal(503, str(error), headers={"Retry-After": "5"})
    except redis.RedisError:
        return None  # a view that needs Redis reports this itself
    return None
