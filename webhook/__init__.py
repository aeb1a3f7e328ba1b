"""The outside interfaces: callbacks, probes, API, console, command line. `webhook/app.py` wires up the web application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webhook.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    # The command line is in this package too, and completion in a shell must not wait for Flask to be imported.
    if name == "create_app":
        from webhook.app import create_app  # noqa: PLC0415  only serving needs it

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
