"""The API for operators' programs, described as OpenAPI by itself. Each blueprint has a file of views and a file of shapes."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from flask_smorest import Api

from schemas.settings.fields import Listed, SettingField, WholeNumber
from webhook.api import calls, dead, parameters, replay, sinks, status

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["install"]

_ROOMS = (
    status.status,
    calls.blueprint,
    dead.blueprint,
    replay.blueprint,
    sinks.blueprint,
    status.accounts,
    status.minutes,
)


def install(app: Flask) -> None:
    """Register the API's rooms; `/openapi.json` tells of them beside what is not theirs."""
    app.config |= {"API_TITLE": "Legwork", "API_VERSION": version("legwork"), "OPENAPI_VERSION": "3.1.0"}
    api = Api(app)
    for field, kind in ((SettingField, "string"), (Listed, "array"), (WholeNumber, "integer")):
        api.register_field(field, kind, None)
    for blueprint in _ROOMS:
        api.register_blueprint(blueprint)
    parameters.learn(app, api)
    app.extensions["legwork-api"] = api
