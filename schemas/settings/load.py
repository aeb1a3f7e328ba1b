"""Load all settings together, and report everything that is wrong with them together."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from schemas.settings.accounts import load_accounts
from schemas.settings.declare import Unusable
from schemas.settings.document import nearest, read_document
from schemas.settings.environment import Environment
from schemas.settings.model import VARIABLES, Settings
from schemas.settings.sinks import load_sinks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.settings.declare import Variable


class SettingsError(Exception):
    """Raised when settings are missing or wrong.

    `problems` has one line for each: the variable's name, what is wrong, and what a valid value is.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(environ: Mapping[str, str], *, directory: Path = Path()) -> Settings:
    """Return the settings from `environ` and the files in `directory`; `environ` takes precedence.

    The files are optional: `.env`, `.legwork/environment` (which `legwork up` writes) and `legwork.toml`.
    Raises SettingsError with everything that is wrong; no line contains a secret.
    """
    problems: list[str] = []
    warnings: list[str] = []
    environment = Environment(environ, directory, problems)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for attribute, variable in VARIABLES.items():
        try:
            values[attribute], sources[variable.name] = _find(variable, environment)
        except Unusable as error:
            problems.append(str(error))
    document = read_document(values.get("legwork_config"), directory, environment, problems)
    if document.sinks and sources.get("SINKS") == "default":
        values["sinks"], sources["SINKS"] = (), document.name
    accounts = load_accounts(values, document, problems, warnings)
    sinks = load_sinks(values.get("sinks", ()), values.get("sink_secret") or (), accounts, document)
    if problems:
        raise SettingsError(problems)
    warnings.extend(_misspelt(environment))
    values |= {
        "broker_url": values["broker_url"] or values["redis_url"],
        "exotel_base_url": values["exotel_base_url"] or f"https://{values['exotel_subdomain']}",
        "callback_allow": values["callback_allow"] or (),
        "sinks": sinks,
    }
    return Settings(**values, accounts=accounts, sources=MappingProxyType(sources), warnings=tuple(warnings))


def _find(variable: Variable, environment: Environment) -> tuple[Any, str]:
    """Return the variable's value and its source. Raises Unusable."""
    found = environment.find(variable.name)
    if found is None:
        default = variable.default
        return (None if default is None else variable.read(variable.name, default)), "default"
    return variable.read(variable.name, found.text, hidden=found.source.endswith("_FILE")), found.source


def _misspelt(environment: Environment) -> Iterator[str]:
    """Yield a line for each set variable whose name resembles a setting's but is none."""
    names = [variable.name for variable in VARIABLES.values()]
    for name in environment.unasked():
        if name.startswith(("EXOTEL_", "CALLBACK_", "SINK")) and nearest(name, names):
            yield f"{name}: is not a setting{nearest(name, names)}"


def set_in(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings among environment variables, NAME_FILE included."""
    names = {variable.name for variable in VARIABLES.values()}
    return {name: text for name, text in environ.items() if text and name.removesuffix("_FILE") in names}
