"""What a sink gets of a record: its filter says whether, its projection says what. Both are JMESPath."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath
import structlog
from jmespath.exceptions import JMESPathError

from worker.errors import Refused

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

    from schemas.settings import SinkSpec

log = structlog.get_logger(__name__)

# What counts as false in JMESPath; 0 is true.
_FALSE: tuple[Any, ...] = (None, False, "", [], {})


@lru_cache(maxsize=256)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


def is_wanted(spec: SinkSpec, event: dict[str, Any]) -> bool:
    """Does the sink's filter let a record through? One that it cannot judge goes through: nothing is lost by a filter."""
    if spec.filter is None:
        return True
    try:
        found = _compiled(spec.filter).search(event)
    except JMESPathError as error:
        log.warning("filter.failed", sink=spec.name, reason=str(error).splitlines()[0])
        return True
    # `==` alone would take 0 for False.
    return not any(type(found) is type(false) and found == false for false in _FALSE)


def shaped(spec: SinkSpec, event: dict[str, Any]) -> dict[str, Any]:
    """Return the record as the sink is to get it. Raises Refused where its projection fails on it."""
    if spec.projection is None:
        return event
    try:
        data = _compiled(spec.projection).search(event["data"])
    except JMESPathError as error:
        raise Refused(f"the sink's projection fails on it: {str(error).splitlines()[0]}") from error
    # What is projected follows the record's schema no more.
    return {**{name: value for name, value in event.items() if name != "dataschema"}, "data": data}
