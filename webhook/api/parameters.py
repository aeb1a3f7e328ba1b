"""Refuses a parameter of a URL that there is not, as a field of a body is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request
from flask_smorest.spec.plugins import FlaskPlugin

from schemas.settings.document import nearest
from webhook.http.problems import problem

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask_smorest import Api

# Of the rules and methods of an app, which parameters each has.
_KNOWN = "legwork-api-parameters"


def learn(app: Flask, api: Api) -> None:
    """Take from the API's own description what each operation may be given in its URL."""
    paths = api.spec.to_dict()["paths"]
    app.extensions[_KNOWN] = {
        (rule.rule, method.upper()): {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for rule in app.url_map.iter_rules()
        for method, operation in paths.get(FlaskPlugin.flaskpath2openapi(rule.rule), {}).items()
        if method != "parameters"
    }


def only_known() -> Response | None:
    """Refuse a parameter that nobody would look at: `?dry_run=true` beside a body that says otherwise dropped what it named."""
    if not request.args or request.url_rule is None:
        return None
    method = "GET" if request.method == "HEAD" else request.method
    known = current_app.extensions[_KNOWN].get((request.url_rule.rule, method), set())
    strangers = sorted(set(request.args) - known)
    if not strangers:
        return None
    there = f"there are {', '.join(sorted(known))}" if known else "there are none"
    wrong = {name: [f"No such parameter{nearest(name, known)}; {there}."] for name in strangers}
    return problem(422, "The URL has a parameter that there is not.", errors=wrong)
