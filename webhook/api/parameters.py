"""Refuses unknown query parameters, as unknown fields of a body are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request
from flask_smorest.spec.plugins import FlaskPlugin

from schemas.settings.document import nearest
from webhook.http.problems import problem

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask_smorest import Api

# The parameters of each rule and method of an app.
_KNOWN = "legwork-api-parameters"


def learn(app: Flask, api: Api) -> None:
    """Read each operation's query parameters from the API's own description."""
    paths = api.spec.to_dict()["paths"]
    app.extensions[_KNOWN] = {
        (rule.rule, method.upper()): {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for rule in app.url_map.iter_rules()
        for method, operation in paths.get(FlaskPlugin.flaskpath2openapi(rule.rule), {}).items()
        if method != "parameters"
    }


def only_known() -> Response | None:
    """Refuse an unknown parameter: otherwise `?dry_run=true`, which belongs into the body, would be ignored."""
    if not request.args or request.url_rule is None:
        return None
    method = "GET" if request.method == "HEAD" else request.method
    known = current_app.extensions[_KNOWN].get((request.url_rule.rule, method), set())
    strangers = sorted(set(request.args) - known)
    if not strangers:
        return None
    there = f"known: {', '.join(sorted(known))}" if known else "there are none"
    wrong = {name: [f"No such parameter{nearest(name, known)}; {there}."] for name in strangers}
    return problem(422, "The URL has an unknown parameter.", errors=wrong)
