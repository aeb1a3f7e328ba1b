"""What the door is compared with: a bare Flask route with one Redis write."""

from __future__ import annotations

import os
import uuid

import redis
from flask import Flask, jsonify, request


def create_app() -> Flask:
    app = Flask(__name__)
    client = redis.Redis.from_url(os.environ["REDIS_URL"], protocol=2)

    @app.post("/hook")
    def hook():
        client.set(uuid.uuid4().hex, request.get_data())
        return jsonify(accepted=True)

    return app
