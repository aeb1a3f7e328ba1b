"""The first output of `legwork up`: where things are, and which URLs to paste into Exotel."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.urls import place_of, without_password
from webhook.operations.callback_urls import callback_urls
from webhook.up.plan import DEMONSTRATION

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from webhook.up.plan import Plan


def report(plan: Plan) -> dict[str, Any]:
    """Return the banner's content as plain data. It holds the callback URLs, which are secret (contract section 1)."""
    settings = plan.settings
    return {
        "console": f"{plan.web_url()}/",
        "callback_urls": callback_urls(settings),
        "sinks": {spec.name: where(spec) for spec in settings.sinks},
        "redis": "embedded" if plan.redis else without_password(settings.redis_url or ""),
        "sandbox": plan.sandbox_url if plan.sandbox else None,
    }


def banner(plan: Plan, command: str = "legwork") -> str:
    """Return the banner's text; `command` is what people type for `legwork`."""
    content = report(plan)
    lines = ["", "  Legwork: every completed Exotel call, every leg, once", ""]
    lines.append(f"  Console    {content['console']}")
    for sid, urls in content["callback_urls"].items():
        of = f" of {sid}" if len(content["callback_urls"]) > 1 else ""
        lines.append(f"  Passthru   {urls['passthru']}")
        lines.append(f"  Status     {urls['status']}")
        lines.append(f"             (callback URLs{of}: paste them into Exotel; they hold a secret)")
    lines.append("  Records    " + ", ".join(content["sinks"].values()))
    kept = "its data is in .legwork/redis/" if plan.sandbox is None else "emptied at each start with the sandbox"
    lines.append(f"  Redis      {f'embedded, {kept}' if plan.redis else content['redis']}")
    if plan.sandbox:
        short = [f"{name}={plan.made[name]}" for name in DEMONSTRATION if name in plan.made]
        lines.append(
            f"  Sandbox    {plan.sandbox_url}/ is a mock Exotel that places calls, because EXOTEL_API_KEY is not set"
        )
        if short:
            lines.append(f"             Short times for it: {', '.join(short)}")
    elif plan.settings.public_url is None:
        lines.append("  Exotel     has to reach the callback URLs: set PUBLIC_URL to the address by which it does")
    return "\n".join(
        [*lines, "", f"  Ctrl-C stops everything. `{command} status` in another terminal shows the state.", ""]
    )


def command_here(started_as: str, path: str | None) -> str:
    """Return what to type for `legwork` in another terminal: how it was started, where PATH does not have it."""
    if shutil.which("legwork", path=path) is not None or Path(started_as).name != "legwork":
        return "legwork"
    return shlex.quote(started_as)


def where(spec: SinkSpec) -> str:
    """Return where a sink writes, without query, user and password."""
    return place_of(spec.url)
