"""Progress bars on the terminal for long work, and messages when it is interrupted."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from webhook.cli.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(doing: str, total: int | None = None, *, as_json: bool = False) -> Iterator[Callable[[int], None]]:
    """Show progress on standard error: the part of `total`, or without one, just activity.

    Yields the function to call with the number of items done. Shows nothing if standard error is no terminal, or with
    `as_json`. For work that may be repeated; raises Interrupted at Ctrl-C.
    """
    try:
        if as_json or not sys.stderr.isatty():
            yield lambda _count: None
        else:
            with _bar(doing, total) as advance:
                yield advance
    except KeyboardInterrupt:
        raise Interrupted("interrupted: what was done so far stays done; run it again for the rest") from None


@contextmanager
def counting(*, as_json: bool) -> Iterator[None]:
    """Show progress while records are counted before they are queued, which takes a minute for a million calls.

    Raises Interrupted at Ctrl-C.
    """
    with progress("counting", as_json=as_json):
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("interrupted while counting: nothing was queued") from None


@contextmanager
def _bar(doing: str, total: int | None) -> Iterator[Callable[[int], None]]:
    # Imported only for people, so that --json starts faster.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    figures = [] if total is None else [MofNCompleteColumn(), TimeRemainingColumn()]
    columns = (TextColumn("{task.description}"), BarColumn(), *figures)
    # Without a total the bar only shows activity, and disappears at the end.
    with Progress(*columns, console=Console(stderr=True), transient=total is None) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda count: bar.advance(task, count)
