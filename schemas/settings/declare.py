"""Declare a setting's type, meaning and default in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

if TYPE_CHECKING:
    from schemas.settings.fields import SettingField

#: The longest part of a wrong value that an error shows, in characters.
LONGEST_SHOWN = 60


class Unusable(Exception):
    """Raised when a setting has no usable value. The message is one line for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """The declaration of one setting, from which the loader, `.env.example` and docs/configuration.md work."""

    name: str
    field: SettingField[Any]
    meaning: str
    #: The default, as it would be written in the environment; None if there is none.
    default: str | None = None
    #: What applies if there is no default, in words.
    otherwise: str = ""
    #: True if its value must not be shown in messages or in repr.
    secret: bool = False
    #: The documentation's heading before this variable; it covers the following variables too.
    group: str | None = None

    def read(self, where: str, value: Any, *, hidden: bool = False) -> Any:
        """Return the parsed value. Raises Unusable, naming `where`, without showing a hidden value."""
        try:
            return self.field.deserialize(value)
        except ValidationError as error:
            shown = isinstance(value, str | int | float) and not hidden and not self.secret
            subject = repr(value)[:LONGEST_SHOWN] if shown else "the value"
            raise Unusable(f"{where}: {subject} {error.messages[0]}; {self.field.right}") from None


def setting(field: SettingField[Any], meaning: str, **more: Any) -> Any:
    """Return a dataclass field whose variable is its name in capitals; `more` is passed to Variable."""
    declared = {"field": field, "meaning": meaning, **more}
    return dataclasses.field(repr=not more.get("secret", False), metadata={"setting": declared})


def declared_in(owner: type[Any]) -> dict[str, Variable]:
    """Return the variables that a dataclass declares with `setting`, by attribute name, in order."""
    return {
        attribute.name: Variable(name=attribute.name.upper(), **attribute.metadata["setting"])
        for attribute in dataclasses.fields(owner)
        if "setting" in attribute.metadata
    }
