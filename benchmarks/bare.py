"""The baseline for the web process: minimal Flask routes, each with one Redis write."""

from __future__ import annotations

import json
import os
import uuid

import redis
from flask import Flask, jsonify, request

from webhook import create_app as create_legwork
from webhook.callbacks.senders import known_senders
from webhook.serving.adapter import Adapter

THREADS = 8


def create_app() -> Flask:
    app = Flask(__name__)
    client = redis.Redis.from_url(os.environ["REDIS_URL"], protocol=2)

    @app.route("/bare", methods=["GET", "POST"])
    def bare():
        """Store a callback's parameters under its CallSid, in the simplest way."""
        parameters = request.values
        client.set(parameters["CallSid"], json.dumps(parameters.to_dict(flat=False)))
        return jsonify(accepted=True)

    @app.route("/blind", methods=["GET", "POST"])
    def blind():
        """Store the bytes without parsing them, so that no callback could be found again."""
        client.set(uuid.uuid4().hex, request.get_data() or request.query_string)
        return jsonify(accepted=True)

    return app


def serve_bare() -> Adapter:
    """Return the bare routes, for the server that Legwork runs on."""
    return Adapter(create_app(), THREADS, lambda _environ: 256 * 1024)


def serve_legwork() -> Adapter:
    """Return Legwork with the same number of threads."""
    app = create_legwork()
    return Adapter(app, THREADS, known_senders(app.extensions["legwork"].settings))
