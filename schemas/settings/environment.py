"""Find the texts of settings in the environment, in .env, and in the files that NAME_FILE variables name."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from schemas.settings.declare import Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: In order of precedence. The last one is written by `legwork up`; a killed one may leave it, so it overrides nothing.
FILES = (".env", ".legwork/environment")

#: Windows editors begin files with one, invisibly.
BYTE_ORDER_MARK = "\ufeff"

#: In bytes, far more than any secret: a device or a log file named by mistake is not read completely.
LONGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A variable's text, and its source."""

    text: str
    source: str


class Environment:
    """The environment, which overrides the files of variables. A variable set to an empty text counts as not set."""

    def __init__(self, environ: Mapping[str, str], directory: Path, problems: list[str]) -> None:
        self._directory = directory
        self._asked: set[str] = set()
        self._layers = [("environment", environ)]
        for name in FILES:
            variables = _read_variables(directory / name, name, problems)
            if variables is not None:
                self._layers.append((name, variables))

    def unasked(self) -> list[str]:
        """Return the names of variables that are set and were never looked up."""
        names = dict.fromkeys(name for _, layer in self._layers for name in layer)
        return [name for name in names if name.removesuffix("_FILE") not in self._asked]

    def find(self, name: str) -> Found | None:
        """Return the text of NAME, or of the file that NAME_FILE names; None if neither is set.

        Raises Unusable if both are set, or if the file cannot be used.
        """
        self._asked.add(name)
        for source, layer in self._layers:
            # Text from a Windows file, read by `$(cat …)` for instance, begins with one.
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
        # the path is not repeated: it may be the secret itself, set by mistake
        remedy = f"name a file that holds the value, or set {name.removesuffix('_FILE')} itself"
        try:
            with (self._directory / file).open(encoding="utf-8-sig") as opened:
                text = opened.read(LONGEST_FILE + 1)
        except OSError as error:
            raise Unusable(f"{name}: names a file that cannot be read ({error.strerror}); {remedy}") from None
        except ValueError:  # bytes that are not UTF-8; a null byte in the path
            raise Unusable(f"{name}: names a file that is not text; {remedy}") from None
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
        problems.append(f"{name}: cannot be read ({error.strerror}); make it readable, or remove it")
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
