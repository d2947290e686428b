"""`modelmill completion`: what a shell evaluates to complete modelmill's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script of SHELL, for its start-up file.

    For bash: eval "$(modelmill completion bash)"
    """
    from modelmill import console

    found = get_completion_class(shell)
    assert found is not None
    root = ctx.find_root().command
    console.result(found(root, {}, "modelmill", "_MODELMILL_COMPLETE").source() + "\n")
    return 0
