"""Opens the sinks for commands, and turns their errors into the commands' errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from webhook.cli.common import open_ledger, settings_with_redis
from webhook.cli.errors import BadSettings, CommandFailed
from webhook.cli.subscriber import problems
from webhook.operations.sinks import SinkOperations
from worker.encryption import Locked
from worker.errors import LegworkError

if TYPE_CHECKING:
    import click

    from worker.ledger import Ledger


def open_sinks_for_command() -> tuple[SinkOperations, Ledger]:
    """Return the operations on sinks, and their ledger. Raises CommandFailed."""
    ledger = open_ledger(settings_with_redis())
    return SinkOperations(ledger), ledger


def translate_errors(act: Any, *, wrong: type[click.ClickException] = CommandFailed) -> Any:
    """Call `act` and return its result. Raises its errors as click's: invalid input as `wrong`."""
    try:
        return act()
    except ValidationError as error:
        raise wrong(problems(error)) from None
    except Locked as error:
        raise BadSettings(str(error)) from None
    except LegworkError as error:
        raise CommandFailed(str(error)) from None
