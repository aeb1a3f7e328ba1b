"""Declare and validate the options of a webhook sink."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields

from schemas.settings.fields import Networks, as_text

# Set by Legwork or by the connection (RFC 9110, 7.6.1): setting one could only break the request.
_NOT_THEIRS = re.compile(
    r"content-(type|length|encoding)|host|webhook-.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding"
    r"|upgrade|expect"
)
# RFC 9110, 5.1 and 5.5; beyond ASCII, sender and receiver would have to guess the encoding.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class HeaderTable(fields.Field[dict[str, str]]):
    """A table of headers. No message repeats a value."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, str]:  # noqa: ARG002
        if not isinstance(value, dict):
            raise ValidationError('is not a table; write headers = { X-Api-Key = "env:CRM_KEY" } in legwork.toml')
        taken: set[str] = set()
        for name, text in value.items():
            if not _NAME.fullmatch(name):
                raise ValidationError(f"{name!r} is not the name of a header; give letters, digits and -")
            if _NOT_THEIRS.fullmatch(name.lower()):
                raise ValidationError(f"{name} is set by Legwork or by the connection; leave it out")
            if name.lower() in taken:
                raise ValidationError(f"{name} is given twice; leave one out")
            if not isinstance(text, str) or not _VALUE.fullmatch(text):
                raise ValidationError(
                    f"the value of {name} is not printable ASCII text without spaces around it; give such a text"
                )
            taken.add(name.lower())
        return dict(value)


class NetworkList(Networks):
    """Networks: a list in legwork.toml, in a URL separated by commas."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(as_text(value), attr, data, **kwargs)
        except ValidationError as error:
            raise ValidationError(f"{error.messages[0]}; give networks such as 10.1.0.0/16, fd00::/8") from None


class Options(Schema):
    """Options of a webhook sink, in the URL's query or in legwork.toml."""

    headers = HeaderTable(
        load_default=dict,
        metadata={"doc": "In `legwork.toml`: a table of headers to send with each request."},
    )
    ca_file = fields.String(
        load_default=None,
        metadata={"doc": "With `https`: a file of certificates (PEM) to trust instead of the usual authorities."},
    )
    allow_networks = NetworkList(
        load_default=list,
        metadata={"doc": "Allow these networks (CIDR, separated by commas), which are private and refused otherwise."},
    )
    allow_private = fields.Boolean(
        load_default=False,
        metadata={"doc": "Allow private, loopback and link-local addresses, all of which are refused otherwise."},
    )
