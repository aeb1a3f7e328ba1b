"""List every command's output under `--json`, and the meaning of its exit code 1; for docs/cli.md and tests.

No command imports this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from cli_reference import shapes
from webhook.api.shapes import calls, importing, replay, reports, sinks, status

if TYPE_CHECKING:
    from marshmallow import Schema


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's output: its schema, or one of several, and when it exits with 1."""

    shapes: tuple[Schema, ...]
    fails: str = ""


#: By command. Commands that run a server print their log, one JSON object per line.
ANSWERS = {
    "up": Answer((), "It could not be started, or one of its processes ended by itself."),
    "web": Answer(()),
    "worker": Answer(()),
    "check": Answer((shapes.Finding(many=True),), "Something is wrong; a warning is not."),
    "status": Answer((status.Status(),), "A problem of severity `error`; a warning is not."),
    "urls": Answer((shapes.CallbackUrls(),)),
    "accounts list": Answer((status.Account(many=True),)),
    "accounts retry": Answer(
        (status.RetriedAccount(),), "There is no such account, or Exotel did not accept its credentials."
    ),
    "calls list": Answer((calls.ListedCall(many=True),)),
    "calls find": Answer((calls.ListedCall(many=True),), "Nothing was found."),
    "calls export": Answer((shapes.ExportedCall(many=True),)),
    "calls fetch": Answer((calls.Fetched(many=True),), "A call that was named is not in the ledger."),
    "calls show": Answer((calls.CallHistory(),), "There is no such call."),
    "report agents": Answer((reports.AgentRow(many=True),)),
    "report missed": Answer((reports.MissedRow(many=True),)),
    "report hours": Answer((reports.HourRow(many=True),)),
    "report callers": Answer((reports.CallerRow(many=True),)),
    "dead list": Answer((shapes.DeadList(),)),
    "dead show": Answer((shapes.Letter(many=True),), "Nothing of the call is dead, or there is no such call."),
    "dead retry": Answer(
        (shapes.ChangedCounts(),),
        "Of a call that was named nothing is dead (the others were tried again), or a no to the question.",
    ),
    "dead drop": Answer(
        (shapes.ChangedCounts(),),
        "Of a call that was named nothing is dead (the others were dropped), or a no to the question.",
    ),
    "import": Answer(
        (importing.Imported(),), "Lines could not be used (the others were queued), or a no to the question."
    ),
    "replay": Answer((replay.Replayed(),), "A call that was named has no such record; the others were queued."),
    "forget": Answer((shapes.Receipt(),), "Something is left to be done, or a no to the question."),
    "sinks list": Answer((shapes.ListedSink(many=True),)),
    "sinks add": Answer((sinks.AddedSink(),), "There is a sink of that name."),
    "sinks update": Answer((sinks.Sink(),), "There is no such sink, or it is defined in the settings."),
    "sinks remove": Answer((sinks.Removed(),), "There is no such subscriber, or a no to the question."),
    "sinks disable": Answer((sinks.Sink(),), "There is no such sink."),
    "sinks enable": Answer((sinks.Sink(),), "There is no such sink."),
    "sinks retry": Answer((sinks.Retried(),), "There is no such sink, or it is disabled."),
    "sinks rotate-secret": Answer(
        (sinks.Secret(), sinks.OutOfUse()), "There is no such subscriber, or it has four secrets already."
    ),
    "sinks test": Answer((shapes.Ping(),), "That did not go well, or there is no such sink."),
    "sinks recover": Answer((sinks.Recovered(),), "There is no such sink."),
    "sinks key": Answer((shapes.Key(),)),
    "token create": Answer((shapes.MadeToken(),), "There is a token of that name."),
    "token list": Answer((shapes.ListedToken(many=True),)),
    "token revoke": Answer((shapes.RevokedToken(),), "There is no token of that name."),
    "completion": Answer((shapes.Script(),)),
}
#: The output on standard error, of every command.
ERROR, NOTE = "error", "note"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of all outputs, each under its command's name in `$defs`.

    Additional keys are allowed, since later versions may add some.
    """
    plugin = MarshmallowPlugin()
    spec = APISpec("Legwork", "1", "3.1.0", plugins=[plugin])
    resolve = plugin.resolver.resolve_schema_dict  # type: ignore[union-attr]  # it exists once there is a spec
    answers = {name: answer.shapes for name, answer in ANSWERS.items() if answer.shapes}
    answers |= {ERROR: (shapes.Problems(),), NOTE: (shapes.Note(),)}
    resolved = {name: [resolve(shape) for shape in shapes] for name, shapes in answers.items()}
    definitions = spec.to_dict()["components"]["schemas"]
    for definition in definitions.values():
        definition.pop("additionalProperties", None)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What Legwork's commands print with --json",
        "$defs": {
            **definitions,
            **{
                name.replace(" ", "-"): ways[0] if len(ways) == 1 else {"oneOf": ways}
                for name, ways in resolved.items()
            },
        },
    }
    # Apispec only knows references in OpenAPI.
    return dict(json.loads(json.dumps(document).replace("#/components/schemas/", "#/$defs/")))
