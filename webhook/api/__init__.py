"""The operators' API, which generates its own OpenAPI description. Each blueprint has a file of views and one of shapes."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from flask_smorest import Api

from schemas.settings.fields import Listed, SettingField, WholeNumber
from webhook.api import calls, calls_csv, dead, importing, parameters, replay, reports, sinks, status
from webhook.callbacks.openapi import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask
    from flask_smorest import Blueprint

__all__ = ["install"]

_BLUEPRINTS = (
    status.status,
    calls.blueprint,
    calls_csv.blueprint,
    reports.blueprint,
    importing.blueprint,
    dead.blueprint,
    replay.blueprint,
    sinks.blueprint,
    status.accounts,
    status.minutes,
)


def install(app: Flask, others: Iterable[Blueprint] = ()) -> None:
    """Register the API's blueprints after `others`; `/openapi.json` lists their operations in this order."""
    app.config |= {"API_TITLE": "Legwork", "API_VERSION": version("legwork"), "OPENAPI_VERSION": "3.1.0"}
    api = Api(app)
    for field, kind in ((SettingField, "string"), (Listed, "array"), (WholeNumber, "integer")):
        api.register_field(field, kind, None)
    for name, shape in SHAPES.items():
        api.spec.components.schema(name, shape)
    for blueprint in (*others, *_BLUEPRINTS):
        api.register_blueprint(blueprint)
    parameters.learn(app, api)
    app.extensions["legwork-api"] = api
