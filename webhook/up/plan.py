"""Decides from the user's settings what `legwork up` has to start; it starts nothing itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.settings import Settings, SettingsError, load_settings
from schemas.settings.declare import Unusable
from schemas.settings.document import read_document
from schemas.settings.environment import Environment
from webhook.operations.callback_urls import callback_urls, web_url
from webhook.serving.listening import refuse_port_in_use, try_port
from worker.process.embedded_redis import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from webhook.up.folder import Folder

#: The sandbox's default port, used if it is free, so that its address is usually the same.
SANDBOX_PORT = 8010

#: Short times for the sandbox's calls, so that records appear soon. The user's settings take precedence.
DEMONSTRATION = {
    "SETTLE_SECONDS": "2",
    "PROGRESS_SECONDS": "5",
    "RETRY_SCHEDULE": "2 4 8 15 30 60",
    "CONFIRM_SECONDS": "20",
}

#: A selection, simple ones first. No 429, which would show in the account's state for ten minutes.
SCENARIOS = (
    "answered inbound busy missed three-agents listened-in transferred legs-late nobody sip-agent xml "
    "changed-later agent-away events caller-hangs-up 404-at-first odd-values flow-and-status slow 500"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start, and with which settings."""

    settings: Settings
    #: The variables that were decided here, for the children's environment.
    made: Mapping[str, str]
    #: Port and password of the embedded server; None when the user has a Redis.
    redis: tuple[int, str] | None
    #: Port of the sandbox; None when the user has an account.
    sandbox: int | None

    @property
    def sandbox_url(self) -> str:
        """The sandbox's URL."""
        return f"http://127.0.0.1:{self.sandbox}"

    def web_url(self, name: str = "localhost") -> str:
        """Return web's URL on this machine; `name` is this machine's name in it."""
        return web_url(self.settings, name)


def make_plan(environ: Mapping[str, str], directory: Path, folder: Folder) -> Plan:
    """Return what to start. Raises SettingsError with all problems."""
    given = Environment(environ, directory, [])
    made: dict[str, str] = {}
    redis = sandbox = None
    if _wants_sandbox(given, directory):
        sandbox = _sandbox_port(environ, given)
        made |= folder.sandbox_account() | DEMONSTRATION | {"EXOTEL_BASE_URL": f"http://127.0.0.1:{sandbox}"}
    if not _is_set(given, "REDIS_URL"):
        redis = free_port(), secrets.token_urlsafe(24)
        made["REDIS_URL"] = f"redis://:{redis[1]}@127.0.0.1:{redis[0]}/0"
        made["LEGWORK_SECRET_KEY"] = folder.secret_key()
    made = {name: value for name, value in made.items() if not _is_set(given, name)}
    settings = load_settings({**environ, **made}, directory=directory)
    refuse_port_in_use(settings.host, settings.port)
    return Plan(settings=settings, made=made, redis=redis, sandbox=sandbox)


def sandbox_environment(plan: Plan, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the sandbox's environment; variables, because anyone can see a command's options in the process list."""
    account = plan.settings.accounts[0]
    passthru, status = callback_urls(plan.settings, plan.web_url("127.0.0.1"))[account.sid].values()
    wishes = {
        "SANDBOX_SPEED": "20",
        "SANDBOX_CALLS_AT_START": "6",
        "SANDBOX_CALLS_PER_MINUTE": "6",
        "SANDBOX_SCENARIOS": SCENARIOS,
    }
    return {
        **wishes,
        **environ,
        "SANDBOX_HOST": "127.0.0.1",
        "SANDBOX_PORT": str(plan.sandbox),
        "SANDBOX_ACCOUNTS": "",
        "SANDBOX_ACCOUNT_SID": account.sid,
        "SANDBOX_API_KEY": account.api_key,
        "SANDBOX_API_TOKEN": account.api_token,
        "SANDBOX_QUOTA": str(account.quota),
        "SANDBOX_QUOTA_SECONDS": str(account.quota_seconds),
        "SANDBOX_PASSTHRU_URL": passthru,
        "SANDBOX_STATUS_URL": status,
    }


def _sandbox_port(environ: Mapping[str, str], given: Environment) -> int:
    if wanted := environ.get("SANDBOX_PORT", "").strip():
        if not (wanted.isascii() and wanted.isdigit() and int(wanted[:6]) in range(1, 65536)):
            raise SettingsError(["SANDBOX_PORT: is not a port; set it to a number from 1 to 65535, or unset it"])
        return int(wanted)
    try:
        port = given.find("PORT")
    except Unusable:
        port = None  # loading the settings reports the problem
    if port is not None and port.text.strip() == str(SANDBOX_PORT):
        return free_port()
    try:
        try_port(SANDBOX_PORT, "127.0.0.1")
    except OSError:
        return free_port()
    return SANDBOX_PORT


def _wants_sandbox(given: Environment, directory: Path) -> bool:
    """Is no account configured at all? A partly configured one is not completed with the sandbox's."""
    if _is_set(given, "EXOTEL_API_KEY"):
        return False
    if _is_set(given, "EXOTEL_BASE_URL"):
        problem = "EXOTEL_BASE_URL: is set without EXOTEL_API_KEY; set the key too, or unset both to use the sandbox"
        raise SettingsError([problem])
    try:
        named = given.find("LEGWORK_CONFIG")
    except Unusable:
        return False  # loading the settings reports the problem
    document = read_document(directory / named.text if named else None, directory, given, [])
    return document.usable and not document.accounts


def _is_set(given: Environment, name: str) -> bool:
    try:
        return given.find(name) is not None
    except Unusable:
        return True
