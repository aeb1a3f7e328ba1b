"""`legwork completion`: prints the script for a shell's completion of commands, options and values."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from webhook.cli.common import examples, json_option, print_json

#: Shells, and the command that makes each load the script at its start.
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

    It completes commands, options, and values from the ledger: accounts, sinks, CallSids. Without settings, or if Redis
    does not answer at once, it completes no values. On a terminal, it also prints how to install the script.
    """
    script_of = get_completion_class(shell)
    if script_of is None:
        raise click.BadParameter(f"{shell!r}: not supported by this version of click; give bash", param_hint="SHELL")
    script = script_of(ctx.find_root().command, {}, "legwork", "_LEGWORK_COMPLETE").source()
    if as_json:
        print_json({"shell": shell, "install": INSTALLED_BY[shell], "script": script})
        return
    click.echo(script)
    if sys.stdout.isatty():
        click.echo(f"To install it for every {shell}: {INSTALLED_BY[shell]}", err=True)
