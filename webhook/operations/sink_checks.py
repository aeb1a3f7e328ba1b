"""Check a webhook subscriber before it is stored: its keys, and whether anything answers at its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import ValidationError

from schemas.urls import place_of
from worker.errors import LegworkError
from worker.sinks import check, kind_of, open_sink
from worker.sinks.boundary import as_failures, close
from worker.sinks.egress import PrivateAddress

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.ledger import Ledger


def check_spec(ledger: Ledger, spec: SinkSpec) -> None:
    """Validate a subscriber without connecting to it. Raises ValidationError by key."""
    strangers = [sid for sid in spec.accounts if sid not in ledger.calls]
    if strangers:
        known = ", ".join(ledger.calls)
        raise ValidationError({"accounts": [f"{', '.join(strangers)}: no such account; there are {known}"]})
    try:
        with as_failures(spec, ValidationError, LegworkError):
            kind_of(spec.url)(spec).open()
    except ValidationError as error:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]
        of_options = {name: texts for name, texts in messages.items() if name not in {"url", "secret"}}
        of_keys = {name: texts for name, texts in messages.items() if name in {"url", "secret"}}
        raise ValidationError({**of_keys, **({"options": of_options} if of_options else {})}) from error
    except LegworkError as error:
        raise ValidationError({"options": [str(error)]}) from error


#: How to allow a private address, by where a sink is added; `{network}` is the address.
ON_COMMAND_LINE = "`--allow-private` or `--allow-network {network}` allows it"
IN_API = '`"allow_private": true` or `"allow_networks": "{network}"` in `options` allows it'
IN_FORM = "tick “Allow private network address” to allow it"


def reach(spec: SinkSpec, allowed_by: str) -> None:
    """Check that something answers at the URL, without sending a record. Raises ValidationError.

    `allowed_by` is one of the texts above.
    """
    sink = open_sink(spec)
    try:
        check(sink)
    except (LegworkError, OSError) as error:
        text = f"{place_of(spec.url)}: {error}"
        if isinstance(private := error.__cause__, PrivateAddress):
            text = f"{private.place} is a private address; {allowed_by.format(network=private.network)}"
        raise ValidationError({"url": [text]}) from error
    finally:
        close(sink)


def is_reached_otherwise(before: SinkSpec, after: SinkSpec) -> bool:
    """Return whether `reach` may find another answer after a change. It sends no headers."""
    ways = [{name: value for name, value in spec.options.items() if name != "headers"} for spec in (before, after)]
    return before.url != after.url or ways[0] != ways[1]
