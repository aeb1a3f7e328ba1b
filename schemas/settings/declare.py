"""How a setting is declared: its type, its meaning and what holds when nobody sets it, in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

if TYPE_CHECKING:
    from schemas.settings.fields import SettingField

#: More of a wrong value would only hide what is wrong with it.
LONGEST_SHOWN = 60


class Unusable(Exception):
    """Raised when something is set in a way that gives no value. One line, fit for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting as it is declared. The loader, `.env.example` and docs/configuration.md all go by it."""

    name: str
    field: SettingField[Any]
    meaning: str
    #: As it would be written in the environment; None when there is none.
    default: str | None = None
    #: In words, what holds when there is no default.
    otherwise: str = ""
    #: Its value is shown nowhere: in no message, in no repr.
    secret: bool = False
    #: The heading that this variable opens in the documentation; it holds for the ones after it.
    group: str | None = None

    def read(self, where: str, value: Any, *, hidden: bool = False) -> Any:
        """What `value` stands for. Raises Unusable in the name of `where`, without a hidden value."""
        try:
            return self.field.deserialize(value)
        except ValidationError as error:
            shown = isinstance(value, str | int | float) and not hidden and not self.secret
            subject = repr(value)[:LONGEST_SHOWN] if shown else "the value"
            raise Unusable(f"{where}: {subject} {error.messages[0]}; {self.field.right}") from None


def setting(field: SettingField[Any], meaning: str, **more: Any) -> Any:
    """A dataclass field that is read from the variable of its name in capitals; `more` is as in Variable."""
    declared = {"field": field, "meaning": meaning, **more}
    return dataclasses.field(repr=not more.get("secret", False), metadata={"setting": declared})


def declared_in(owner: type[Any]) -> dict[str, Variable]:
    """The variables that a dataclass declares with `setting`, by the name of their attribute, in order."""
    return {
        attribute.name: Variable(name=attribute.name.upper(), **attribute.metadata["setting"])
        for attribute in dataclasses.fields(owner)
        if "setting" in attribute.metadata
    }
