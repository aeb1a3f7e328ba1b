"""Parse a change of a webhook subscriber: a JSON merge patch (RFC 7396) of its keys, in which null takes a key away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields

from schemas.settings.sinks import SINK_KEYS
from schemas.subscriber import Keys, field_of

if TYPE_CHECKING:
    from schemas.settings.declare import Variable
    from schemas.settings.fields import SettingField
    from schemas.settings.specs import SinkSpec

#: The keys that stay, and why.
_FIXED = {
    "name": "cannot be changed; add another sink, and remove this one",
    "secret": "cannot be changed like this; rotate it",
    "accounts": "cannot be changed: what waits from an account left out would never be delivered; add another sink",
}


def _field(key: str, variable: Variable) -> SettingField[Any]:
    field = field_of(key, variable)
    field.required = False
    field.allow_none = key != "url"
    return field


class SubscriberChangeSchema(
    Keys.from_dict({key: _field(key, variable) for key, variable in SINK_KEYS.items() if key not in _FIXED})  # type: ignore[misc]
):
    """Loads a change: the keys that were given, parsed; None for a key that is taken away."""

    options = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={
            "description": "Options of a webhook, as docs/sinks.md lists them; those not given stay, like headers."
        },
    )

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Say of a key that stays why it does."""
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        fixed = {key: [why] for key, why in _FIXED.items() if key in messages}
        super().handle_error(ValidationError({**messages, **fixed}), data, **kwargs)


#: Made once; loading is safe between threads.
SUBSCRIBER_CHANGE = SubscriberChangeSchema()


def load_change(document: dict[str, Any]) -> dict[str, Any]:
    """Return a parsed change, for `changed_by`. Raises ValidationError with what is wrong, by key."""
    change: dict[str, Any] = SUBSCRIBER_CHANGE.load(document)
    return change


def changed_by(change: Mapping[str, Any], spec: SinkSpec) -> SinkSpec:
    """Return a sink as a change makes it. Its options are not validated here, but by the sink itself."""
    given: dict[str, Any] = {key: () if key == "types" and value is None else value for key, value in change.items()}
    if "options" in given:
        given["options"] = {} if given["options"] is None else _merged(spec.options, given["options"])
    return replace(spec, **given)


def _merged(options: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return options, changed. Of them only `headers` is a table."""
    merged = {**options, **change}
    before, after = options.get("headers"), change.get("headers")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        # The name of a header has no case (RFC 9110, 5.1).
        named = {name.lower() for name in after}
        merged["headers"] = {**{name: text for name, text in before.items() if name.lower() not in named}, **after}
    if isinstance(merged.get("headers"), Mapping):
        merged["headers"] = {name: text for name, text in merged["headers"].items() if text is not None} or None
    return {name: value for name, value in merged.items() if value is not None}
