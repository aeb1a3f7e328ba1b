"""What `legwork up` says first: where things are, and which URLs go into Exotel."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.urls import place_of, without_password
from webhook.up.plan import DEMONSTRATION

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from webhook.up.plan import Plan


def report(plan: Plan) -> dict[str, Any]:
    """All of it, for programs. Like the banner it holds the callback URLs, which are secret: contract section 1."""
    settings = plan.settings
    return {
        "console": f"{plan.web_url()}/",
        "callback_urls": {
            sid: dict(zip(("passthru", "status"), urls, strict=True)) for sid, urls in plan.callback_urls().items()
        },
        "sinks": {spec.name: where(spec) for spec in settings.sinks},
        "redis": "embedded" if plan.redis else without_password(settings.redis_url or ""),
        "sandbox": plan.sandbox_url if plan.sandbox else None,
    }


def banner(plan: Plan, command: str = "legwork") -> str:
    """The same for people; `command` is what they type for `legwork`."""
    told = report(plan)
    lines = ["", "  Legwork: every completed Exotel call, every leg, once", ""]
    lines.append(f"  Console    {told['console']}")
    for sid, urls in told["callback_urls"].items():
        of = f" of {sid}" if len(told["callback_urls"]) > 1 else ""
        lines.append(f"  Passthru   {urls['passthru']}")
        lines.append(f"  Status     {urls['status']}")
        lines.append(f"             (callback URLs{of}: paste them into Exotel; they hold a secret)")
    lines.append("  Records    " + ", ".join(told["sinks"].values()))
    kept = "its data is in .legwork/redis/" if plan.sandbox is None else "begun anew with the sandbox"
    lines.append(f"  Redis      {f'embedded, {kept}' if plan.redis else told['redis']}")
    if plan.sandbox:
        short = [f"{name}={plan.made[name]}" for name in DEMONSTRATION if name in plan.made]
        lines.append(
            f"  Sandbox    {plan.sandbox_url}/ is a pretend Exotel that places calls: EXOTEL_API_KEY is not set"
        )
        if short:
            lines.append(f"             Short times for it: {', '.join(short)}")
    else:
        lines.append(f"  Exotel     has to reach the callback URLs: put your public host in place of {plan.web_url()}")
    return "\n".join(
        [*lines, "", f"  Ctrl-C stops all of it. `{command} status` in another terminal says how it goes.", ""]
    )


def command_here(started_as: str, path: str | None) -> str:
    """Return what to type for `legwork` in another terminal: how it was started, where PATH does not have it."""
    if shutil.which("legwork", path=path) is not None or Path(started_as).name != "legwork":
        return "legwork"
    return shlex.quote(started_as)


def where(spec: SinkSpec) -> str:
    """Where a sink writes, without its query, its user and its password."""
    return place_of(spec.url)
