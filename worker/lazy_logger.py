"""A logger that imports structlog with its first line, for the modules that commands import too.

structlog brings rich's tracebacks and pygments along, a third of the time in which `legwork status` starts, and most
commands log nothing.
"""

from __future__ import annotations

from typing import Any


class LazyLogger:
    """structlog's logger of that name; safe to share between threads."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, **fields: Any) -> None:
        """Log an event that only developers need."""
        self._structlog().debug(event, **fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log an event of normal operation."""
        self._structlog().info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log an event that an operator should know of."""
        self._structlog().warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log an event that an operator must act on."""
        self._structlog().error(event, **fields)

    def _structlog(self) -> Any:
        import structlog  # noqa: PLC0415  see the module's docstring

        return structlog.get_logger(self._name)
