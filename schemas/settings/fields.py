"""The types of settings: each parses a text and says what a valid value is."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields

T = TypeVar("T")

#: IPv4 in IPv6 (RFC 4291 section 2.5.5.2).
_MAPPED = IPv6Network("::ffff:0:0/96")


def as_text(value: Any) -> Any:
    """Return a list of texts and numbers joined with spaces; anything else unchanged."""
    # Only texts and numbers are joined: a deeply nested list would exceed the recursion limit of `str`.
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return " ".join(map(str, value))
    return value


class SettingField(fields.Field[T]):
    """Parses a value from text, as the environment has only text; TOML's numbers are converted to text first.

    The message of a ValidationError continues after the value ("is not a whole number") and never repeats it, since
    the field does not know whether the value is a secret. `right` says, as an instruction, what a valid value is.
    """

    right: str

    @abstractmethod
    def read(self, text: str) -> T:
        """Return the value that `text` stands for. Raises ValidationError."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> T:  # noqa: ARG002
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValidationError("is neither a text nor a number")
        return self.read(str(value).strip())


class WholeNumber(SettingField[int]):
    """A whole number from `least` to `most`."""

    def __init__(self, *, least: int, most: int | None = None) -> None:
        super().__init__()
        self.least, self.most = least, most
        self.right = f"give a whole number, {least} or more"
        if most is not None:
            self.right = f"give a whole number from {least} to {most}"

    def read(self, text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValidationError("is not a whole number") from None
        if number < self.least or (self.most is not None and number > self.most):
            raise ValidationError("is out of range")
        return number


class Amount(SettingField[float]):
    """A number of some unit, with or without decimals, above 0 (or from 0, with `zero`)."""

    def __init__(self, unit: str, *, most: float, zero: bool = False) -> None:
        super().__init__()
        self.most, self.zero = most, zero
        self.right = f"give a number of {unit}, {'0 or more' if zero else 'above 0'}, at most {most}"

    def read(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ValidationError("is not a number") from None
        if not math.isfinite(number) or number > self.most or number < 0 or (number == 0 and not self.zero):
            raise ValidationError("is out of range")
        return number


class Seconds(Amount):
    """A number of seconds."""

    #: A year. A longer wait is nearly always a number of milliseconds.
    MOST = 31_536_000

    def __init__(self, *, zero: bool = False) -> None:
        super().__init__("seconds", most=self.MOST, zero=zero)


class Schedule(SettingField[tuple[float, ...]]):
    """The waits between attempts, in seconds."""

    right = "give the seconds between the attempts, each above 0, separated by spaces, such as 15 60 300"

    def read(self, text: str) -> tuple[float, ...]:
        try:
            waits = tuple(map(Seconds().read, text.replace(",", " ").split()))
        except ValidationError as error:
            raise ValidationError(f"holds a value that {error.messages[0]}") from None
        if not waits:
            raise ValidationError("is empty")
        return waits


class Matching(SettingField[str]):
    """A text that matches a pattern."""

    def __init__(self, pattern: str, *, wrong: str, right: str) -> None:
        super().__init__()
        self.pattern = re.compile(pattern, re.ASCII)
        self.wrong, self.right = wrong, right

    def read(self, text: str) -> str:
        if not self.pattern.fullmatch(text):
            raise ValidationError(self.wrong)
        return text


class Listed(SettingField[tuple[str, ...]]):
    """Several texts of one form: a list in TOML, else separated by spaces."""

    def __init__(self, pattern: str, *, wrong: str, right: str) -> None:
        super().__init__()
        self.each, self.right = Matching(pattern, wrong=wrong, right=right), right

    def read(self, text: str) -> tuple[str, ...]:
        listed = tuple(map(self.each.read, text.split()))
        if not listed:
            raise ValidationError("is empty")
        return listed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        return super()._deserialize(as_text(value), attr, data, **kwargs)


class Choice(SettingField[str]):
    """One of several words, in any case."""

    def __init__(self, *choices: str) -> None:
        super().__init__()
        self.choices = {choice.casefold(): choice for choice in choices}
        self.right = f"give one of {', '.join(choices)}"

    def read(self, text: str) -> str:
        try:
            return self.choices[text.casefold()]
        except KeyError:
            raise ValidationError("is not one of them") from None


class File(SettingField[Path]):
    """The path of a file. Whether it can be read is not checked here."""

    right = "give the path of a file that can be read"

    def read(self, text: str) -> Path:
        return Path(text)


class Zone(SettingField[ZoneInfo]):
    """A time zone by its name."""

    right = "give the name of a time zone, such as Asia/Kolkata or UTC"

    def read(self, text: str) -> ZoneInfo:
        try:
            return ZoneInfo(text)
        except (
            KeyError,
            ValueError,
            OSError,
        ):  # unknown; not a name; a directory of zones, such as "Asia"
            raise ValidationError("is not a time zone") from None


class Address(SettingField[str]):
    """An IP address to listen on, with or without brackets."""

    right = "give an IP address such as 127.0.0.1 or ::1, 0.0.0.0 for all of IPv4, or :: for all of IPv4 and IPv6"

    def read(self, text: str) -> str:
        if text.casefold() == "localhost":
            return "127.0.0.1"
        try:
            return str(ip_address(text[1:-1] if text[:1] + text[-1:] == "[]" else text))
        except ValueError:
            raise ValidationError("is not an IP address") from None


class Networks(SettingField[tuple[IPv4Network | IPv6Network, ...]]):
    """IP networks in CIDR notation; an address alone is a network of one."""

    right = "give networks such as 203.0.113.0/24 2001:db8::/32, separated by spaces"

    def read(self, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(map(self._network, text.replace(",", " ").split()))

    def _network(self, word: str) -> IPv4Network | IPv6Network:
        try:
            network = ip_interface(word).network
        except ValueError:
            raise ValidationError("holds a value that is not a network") from None
        try:
            found = ip_network(word)
        except ValueError:  # 10.0.0.1/8 may mean a network or one address; a wrong guess would admit the wrong clients
            raise ValidationError(f"holds an address with a mask; that network is {network}") from None
        if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
            # IPv4 clients are treated as such, even with an address mapped into IPv6.
            return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - _MAPPED.prefixlen))
        return found
