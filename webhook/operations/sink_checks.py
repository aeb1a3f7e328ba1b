"""Check a webhook subscriber before it is stored: its keys, and whether anything answers at its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import ValidationError

from schemas.urls import place_of
from worker.errors import LegworkError
from worker.sinks import check, kind_of, open_sink
from worker.sinks.boundary import as_failures, close

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


def reach(spec: SinkSpec) -> None:
    """Check that something answers at the URL, without sending a record. Raises ValidationError."""
    sink = open_sink(spec)
    try:
        check(sink)
    except (LegworkError, OSError) as error:
        raise ValidationError({"url": [f"{place_of(spec.url)}: {error}"]}) from error
    finally:
        close(sink)
