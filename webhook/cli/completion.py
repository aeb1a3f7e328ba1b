"""`legwork completion`: the script by which a shell completes commands, options and values at a Tab."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from webhook.cli.common import examples, json_option, print_json

#: Shells, and the line that has each of them read the script at its start.
INSTALLED_BY = {
    "bash": "echo 'source <(legwork completion bash)' >> ~/.bashrc",
    "zsh": "echo 'source <(legwork completion zsh)' >> ~/.zshrc",
    "fish": "legwork completion fish > ~/.config/fish/completions/legwork.fish",
}


@click.command(
    epilog=examples("source <(legwork completion bash)", "legwork completion zsh", "legwork completion fish | source")
)
@click.argument("shell", type=click.Choice(list(INSTALLED_BY)))
@json_option
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the shell's completion script.

    A Tab completes commands and options then, and what is in the ledger: accounts, sinks, CallSids. Without settings, or
    where Redis does not answer at once, it completes no values. On a terminal it is said how to keep it.
    """
    script_of = get_completion_class(shell)
    if script_of is None:
        raise click.BadParameter(f"{shell!r}: this click cannot complete in it; give bash", param_hint="SHELL")
    script = script_of(ctx.find_root().command, {}, "legwork", "_LEGWORK_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "install": INSTALLED_BY[shell], "script": script})
        return
    click.echo(script)
    if sys.stdout.isatty():
        click.echo(f"To have it in every {shell} from now on: {INSTALLED_BY[shell]}", err=True)
