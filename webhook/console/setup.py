"""`/setup`: what a new installation still needs, and the callback URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, render_template, request

from webhook.context.services import services
from webhook.operations.callback_urls import callback_urls
from webhook.operations.setup import read_progress

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("setup", __name__)
log = structlog.get_logger(__name__)


@blueprint.get("/setup")
def show() -> ResponseReturnValue:
    """Show the steps; the callback URLs, which hold a secret, are behind a button."""
    return _page(urls=None)


@blueprint.post("/setup/urls")
def show_urls() -> ResponseReturnValue:
    """Show the callback URLs, for this request only; it is logged."""
    log.info("console.urls_shown", address=request.remote_addr)
    return _page(urls=callback_urls(services().settings))


def _page(*, urls: dict[str, dict[str, str]] | None) -> ResponseReturnValue:
    ledger = services().ledger
    return render_template("setup.html", progress=read_progress(ledger), urls=urls, now_ms=ledger.now_ms())
