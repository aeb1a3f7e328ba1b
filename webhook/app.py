"""Wires up the WSGI application of web."""

from __future__ import annotations

import os
from multiprocessing.util import Finalize

import redis
import structlog
from flask import Flask

from schemas.settings import Settings, load_settings
from webhook import api, console
from webhook.callbacks import views
from webhook.context.services import Services
from webhook.http import compression, metrics, probes, problems, record_schema, security_headers
from webhook.http.proxies import BehindProxies
from webhook.reference import openapi
from webhook.serving.bodies import MAX_BODY_BYTES
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.opening import open_aloud
from worker.logs import set_up_logs
from worker.tracing.setup import begin_tracing
from worker.tracing.spans import OFF

__all__ = ["create_app"]

log = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the WSGI application, for any WSGI server: `granian --interface wsgi --factory webhook:create_app`.

    Without `settings` it reads them from the environment and sets up logging, as a separate process needs.
    Raises SettingsError, and LedgerUnusable if this Redis cannot hold the ledger; an unreachable Redis is waited for.
    """
    tracing = OFF
    if settings is None:
        settings = load_settings(os.environ)
        set_up_logs(settings)
        tracing = begin_tracing(os.environ, "legwork-web")
        # `atexit` does not run in processes started by multiprocessing; this does, in all.
        Finalize(None, tracing.close, exitpriority=0)
    ledger = Ledger(connect(settings), settings)
    try:
        open_aloud(ledger)
    except redis.RedisError as error:
        log.error("ledger.unreachable", error=str(error))

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    # A redirect would tell Exotel to take the other branch of a live call, so a wrong slash must not cause one.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.wsgi_app = BehindProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]
    app.extensions["legwork"] = Services(settings, ledger, tracing)

    api.install(app, (views.blueprint, probes.blueprint, metrics.blueprint))
    problems.install(app)
    compression.install(app)
    security_headers.install(app)
    for part in (record_schema, openapi, console):
        app.register_blueprint(part.blueprint)
    return app
