"""Prints tables that fit the terminal: one line per row. Columns are dropped, then cells cut; in a pipe, neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.cli.common import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Between two columns, and at both edges of a table, in characters.
_GAP, _EDGES = 2, 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and what becomes of it where the terminal is too narrow.

    `least` is the width in characters to which its cells may be cut; None means that they are cut only when nothing else
    gives way. Columns with a `drop` are left out, the lowest first, while the table does not fit with its cells cut.
    """

    name: str
    right: bool = False
    least: int | None = None
    drop: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a style of rich, such as a colour."""

    text: str
    style: str = ""


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> None:
    """Print a table. A cell's text is shown as it is, on one line, without control characters."""
    # Imported here: --json does not need it.
    from rich import box  # noqa: PLC0415
    from rich.cells import cell_len  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    cells = [[_plain(cell if isinstance(cell, Cell) else Cell(cell)) for cell in row] for row in rows]
    natural = [
        max(cell_len(column.name), *(cell_len(row[at].text) for row in cells)) if cells else cell_len(column.name)
        for at, column in enumerate(columns)
    ]
    screen = console(wide=True)
    widths = fit(columns, natural, screen.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for at, width in widths.items():
        justify, name = "right" if columns[at].right else "left", columns[at].name
        table.add_column(name, justify=justify, width=width, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]  # both are a JustifyMethod
    for row in cells:
        table.add_row(*(Text(row[at].text, row[at].style) for at in widths))
    screen.print(table)


def fit(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """Return the widths of the columns that are shown, by their positions; `natural` are the widths of their widest cells."""
    shown = dict(enumerate(natural))
    least = {at: min(wide, columns[at].least or wide) for at, wide in shown.items()}
    droppable = sorted((column.drop, at) for at, column in enumerate(columns) if column.drop is not None)
    for _, at in droppable:
        if _total(least[each] for each in shown) <= width:
            break
        del shown[at]
    for floor in (least, dict.fromkeys(shown, 1)):
        while _total(shown.values()) > width:
            at = max(shown, key=lambda each: shown[each] - floor[each])
            if shown[at] <= floor[at]:
                break
            shown[at] -= 1
    return shown


def _total(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + _GAP * (len(every) - 1) + _EDGES


def _plain(cell: Cell) -> Cell:
    text = " ".join(cell.text.split())
    return Cell("".join(character if character.isprintable() else "?" for character in text), cell.style)
