"""What the outside meets: callbacks, probes, API, console, command line. `webhook/app.py` has the wiring on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webhook.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    # The command line is in this package too, and a Tab in a shell cannot wait for Flask and all that goes with it.
    if name == "create_app":
        from webhook.app import create_app  # noqa: PLC0415  only who serves needs it

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
