"""Parse a webhook subscriber added at run time, by API or command line: the keys of `[[sinks]]`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, post_load, pre_load

from schemas.plain import encodable
from schemas.record_types import RECORD_TYPES
from schemas.settings.fields import Listed, Matching, WholeNumber
from schemas.settings.secret_fields import SigningSecrets
from schemas.settings.sink_fields import Expression, RateLimit, RecordTypes
from schemas.settings.sinks import SINK_KEYS
from schemas.settings.specs import SinkSpec
from schemas.settings.urls import SinkUrl

if TYPE_CHECKING:
    from schemas.settings.declare import Variable
    from schemas.settings.fields import SettingField

_REQUIRED = ("name", "url")


class WebhookUrl(SinkUrl):
    """The URL of a webhook; other kinds of sinks, such as files and modules, need access to the machine's settings."""

    right = "give https://host/path; sinks other than webhooks are configured in SINKS or legwork.toml"

    def read(self, text: str) -> str:
        """Return the URL as it was written."""
        if not text.lower().startswith(("https://", "http://")):
            raise ValidationError("is not a webhook")
        return super().read(text)


# The JSON Schema of the fields that are the same wherever they are used.
_IN_SCHEMA: dict[type[SettingField[Any]], dict[str, Any]] = {
    WebhookUrl: {"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://", "format": "uri"},
    SigningSecrets: {"pattern": "^(whsec|whsk)_"},
    Expression: {"minLength": 1, "maxLength": Expression.LONGEST},
    RateLimit: {"pattern": "^[1-9][0-9]{0,5}/[smh]$"},
}


def field_of(key: str, variable: Variable) -> SettingField[Any]:
    """Return the field of one of SINK_KEYS, described for the API."""
    field = WebhookUrl() if key == "url" else copy.copy(variable.field)
    field.metadata = {"description": variable.meaning, **_as_schema(field)}
    field.required = key in _REQUIRED
    return field


def _as_schema(field: SettingField[Any]) -> dict[str, Any]:
    """Return a field's JSON Schema, for the description of the API."""
    match field:
        case Matching():
            return {"pattern": f"^{field.pattern.pattern}$"}
        case RecordTypes():
            return {"items": {"type": "string", "enum": list(RECORD_TYPES)}, "minItems": 1}
        case Listed():
            return {"items": {"type": "string", "pattern": f"^{field.each.pattern.pattern}$"}, "minItems": 1}
        case WholeNumber():
            return {"minimum": field.least, "maximum": field.most}
        case _:
            return _IN_SCHEMA[type(field)]


class Keys(Schema):
    """Adds to each error what would be right, and never repeats a value: it may be a secret."""

    @pre_load
    def _only_text(self, given: Any, **_: Any) -> Any:
        wrong = [key for key, value in given.items() if _is_no_text(value)] if isinstance(given, dict) else []
        if wrong:
            raise ValidationError({key: ["is not text"] for key in wrong})
        return given

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:  # noqa: ARG002
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        for name, texts in messages.items():
            right = getattr(self.fields.get(name), "right", None)
            if right is not None and isinstance(texts, list):
                texts[:] = [f"{text.rstrip('.')}; {right}" for text in texts]
        raise ValidationError(messages)


def _is_no_text(value: Any) -> bool:
    """Return whether there is an unpaired surrogate in it: nothing that contains one could be shown again.

    JSON can spell one; in a command-line argument it stands for a byte that is not UTF-8.
    """
    # Not recursive: JSON may be nested to any depth.
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                if encodable(text) != text:
                    return True
            case dict() as document:
                left += [*document, *document.values()]
            case list() as texts:
                left += texts
    return False


class SubscriberSchema(Keys.from_dict({key: field_of(key, variable) for key, variable in SINK_KEYS.items()})):  # type: ignore[misc]
    """Loads a subscriber into the SinkSpec that the settings use too."""

    options = fields.Dict(
        keys=fields.String(),
        load_default=dict,
        metadata={"description": "The options of a webhook, as docs/sinks.md lists them: headers, ca_file, …"},
    )

    @post_load
    def _make(self, given: dict[str, Any], **_: Any) -> SinkSpec:
        secrets = given.pop("secret", ())
        return SinkSpec(**given, secrets=secrets)


#: Made once; loading is safe between threads.
SUBSCRIBER = SubscriberSchema()


def load_subscriber(document: dict[str, Any]) -> SinkSpec:
    """Return the sink that a document describes. Raises ValidationError with what is wrong, by key."""
    spec: SinkSpec = SUBSCRIBER.load(document)
    return spec
