"""Where the texts of settings come from: the environment, .env, and the files that NAME_FILE names."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from schemas.settings.declare import Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Read in this order: what comes first holds. The last one is written by `legwork up`.
FILES = (".env", ".legwork/environment")

#: Windows' editors begin a text with one; nobody sees it.
BYTE_ORDER_MARK = "\ufeff"

#: Far more than any secret; a device or a log named by mistake is not read to its end.
LONGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A variable's text, and where it was found."""

    text: str
    source: str


class Environment:
    """The environment over the files of variables. What is set to an empty text counts as not set."""

    def __init__(self, environ: Mapping[str, str], directory: Path, problems: list[str]) -> None:
        self._directory = directory
        self._asked: set[str] = set()
        self._layers = [("environment", environ)]
        for name in FILES:
            variables = _read_variables(directory / name, name, problems)
            if variables is not None:
                self._layers.append((name, variables))

    def unasked(self) -> list[str]:
        """The names of all that is set here and that nobody asked for."""
        names = dict.fromkeys(name for _, layer in self._layers for name in layer)
        return [name for name in names if name.removesuffix("_FILE") not in self._asked]

    def find(self, name: str) -> Found | None:
        """What NAME, or the file that NAME_FILE names, holds.

        Raises Unusable when both are set, or when the file cannot be used.
        """
        self._asked.add(name)
        for source, layer in self._layers:
            # What was read from a file of Windows', by `$(cat …)` for instance, begins with one.
            text = (layer.get(name) or "").removeprefix(BYTE_ORDER_MARK)
            file = layer.get(f"{name}_FILE")
            if text and file:
                raise Unusable(f"{name}_FILE: is set beside {name}; set one of the two")
            if text:
                return Found(text, source)
            if file:
                return Found(self._read_secret(f"{name}_FILE", file), f"{name}_FILE")
        return None

    def _read_secret(self, name: str, file: str) -> str:
        # the path is not repeated: somebody may have put the secret itself there
        remedy = f"name a file that holds the value, or set {name.removesuffix('_FILE')} itself"
        try:
            with (self._directory / file).open(encoding="utf-8-sig") as opened:
                text = opened.read(LONGEST_FILE + 1)
        except OSError as error:
            raise Unusable(f"{name}: names a file that cannot be read ({error.strerror}); {remedy}") from None
        except ValueError:  # bytes that are no UTF-8; a null byte in the path
            raise Unusable(f"{name}: names a file that holds no text; {remedy}") from None
        if len(text) > LONGEST_FILE:
            raise Unusable(f"{name}: names a file that is far too long; {remedy}")
        text = text.rstrip("\r\n")
        if not text:
            raise Unusable(f"{name}: names a file that is empty; {remedy}")
        return text


def _read_variables(path: Path, name: str, problems: list[str]) -> dict[str, str] | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problems.append(f"{name}: cannot be read ({error.strerror}); make it readable, or take it away")
        return {}
    except UnicodeDecodeError:
        problems.append(f"{name}: is not UTF-8; save it as UTF-8")
        return {}
    variables = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            problems.append(f"{name}: line {binding.original.line} cannot be read; write NAME=value")
        elif binding.key is not None:
            variables[binding.key] = binding.value or ""
    return variables
