"""A bar on the terminal while something takes long, and a word when it is broken off."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from webhook.cli.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(doing: str, total: int | None = None, *, as_json: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how far it is, on standard error: of `total`, or where None, that it goes on.

    Gives the function to call with so many as were done. Nothing is shown where standard error is no terminal, nor
    `as_json`. For work that may be run again; raises Interrupted at Ctrl-C.
    """
    try:
        if as_json or not sys.stderr.isatty():
            yield lambda _count: None
        else:
            with _bar(doing, total) as advance:
                yield advance
    except KeyboardInterrupt:
        raise Interrupted("broken off: what was done until then is done; run it again for the rest") from None


@contextmanager
def counting(*, as_json: bool) -> Iterator[None]:
    """Show that records are counted before they are queued, which takes a minute for a million calls.

    Raises Interrupted at Ctrl-C.
    """
    with progress("counting", as_json=as_json):
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("broken off while counting: nothing was queued") from None


@contextmanager
def _bar(doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
    # Imported for people alone: a program's answer need not wait for it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    figures = [] if total is None else [MofNCompleteColumn(), TimeRemainingColumn()]
    columns = (TextColumn("{task.description}"), BarColumn(), *figures)
    # Without a total it says no more than that it goes on, and nothing once it is over.
    with Progress(*columns, console=Console(stderr=True), transient=total is None) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda count: bar.advance(task, count)
