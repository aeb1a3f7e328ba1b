"""The sinks as commands are asked about them, and what they say where that is not possible."""

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
    """Return what can be done about sinks, and the ledger they are in. Raises CommandFailed."""
    ledger = open_ledger(settings_with_redis())
    return SinkOperations(ledger), ledger


def told(act: Any, *, wrong: type[click.ClickException] = CommandFailed) -> Any:
    """Do it. Raises what it says as trouble: `wrong` for what was given."""
    try:
        return act()
    except ValidationError as error:
        raise wrong(problems(error)) from None
    except Locked as error:
        raise BadSettings(str(error)) from None
    except LegworkError as error:
        raise CommandFailed(str(error)) from None
