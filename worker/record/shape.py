"""Apply a sink's filter (whether it gets a record) and projection (in what form); both are JMESPath."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath
import orjson

from worker.errors import Refused
from worker.lazy_logger import LazyLogger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jmespath.parser import ParsedResult

    from schemas.settings import SinkSpec

log = LazyLogger(__name__)

# What counts as false in JMESPath; 0 is true.
_FALSE: tuple[Any, ...] = (None, False, "", [], {})


@lru_cache(maxsize=256)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


def is_wanted(spec: SinkSpec, event: dict[str, Any]) -> bool:
    """Return whether the sink's filter accepts a record. If the filter fails on it, the record is sent."""
    if spec.filter is None:
        return True
    try:
        found = _compiled(spec.filter).search(event)
    except Exception as error:  # noqa: BLE001  jmespath does not wrap Python's exceptions, such as a TypeError in `contains`
        log.warning("filter.failed", sink=spec.name, reason=_reason(error))
        return True
    # `==` alone would treat 0 as False.
    return not any(type(found) is type(false) and found == false for false in _FALSE)


def sinks_for(
    specs: Iterable[SinkSpec], account_sid: str, event_type: str, event: dict[str, Any] | None = None
) -> list[str]:
    """Return the names of the sinks that want this type of record of this account; this record, if it is given.

    Operator records go only to sinks that ask for them by name; records of calls to every sink that does not say
    otherwise.
    """
    return [
        spec.name
        for spec in specs
        if (not spec.accounts or account_sid in spec.accounts)
        and (event_type in spec.types if spec.types else event_type.startswith("legwork.call."))
        and (event is None or is_wanted(spec, event))
    ]


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def shaped(spec: SinkSpec, event: dict[str, Any]) -> dict[str, Any]:
    """Return the record in the form for the sink. Raises Refused if its projection fails on it."""
    if spec.projection is None:
        return event
    try:
        data = _compiled(spec.projection).search(event["data"])
        # The result may be invalid as JSON, such as an integer of twenty digits.
        orjson.dumps(data)
    except Exception as error:
        raise Refused(f"the sink's projection fails on it: {_reason(error)}") from error
    # A projected record no longer follows the record's schema.
    return {**{name: value for name, value in event.items() if name != "dataschema"}, "data": data}
