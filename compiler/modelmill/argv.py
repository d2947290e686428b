"""argv to a command by click: every command's options, help, completion and what is misuse.

Commands are imported only when named. What is run plainly needs none of this (`cli`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from modelmill import __version__, console

COMMANDS: dict[str, str] = {
    "init": "Start a repository: settings, preset library, one environment.",
    "new": "Write a model file to start from.",
    "compile": "Write generated/, or check that it is what it should be.",
    "import": "Take over what another tool runs: Helm, llm-d, KServe.",
    "lint": "Check files: syntax, fields, presets, what the result means.",
    "render": "Print the manifests a model compiles to.",
    "explain": "Show where each value came from.",
    "set": "Write values into input files, and show what they change.",
    "promote": "Carry a model's settings from one environment to another.",
    "diff": "Show what a change does to the manifests.",
    "impact": "Show which models and accelerators an edit reaches.",
    "lock": "Pin images and models: look up what their tags and branches stand for.",
    "validate": "Hold manifests against schemas, each other and what engines know.",
    "publish": "Compile what is committed; commit and push the result.",
    "resolve": "Clear conflicts of a merge in generated/ by compiling.",
    "upgrade": "Take over a newer preset library or version set.",
    "schema": "Print or write the JSON Schemas of the input files.",
    "completion": "Print the completion script of a shell.",
}

MODULES = {"import": "importing"}
"""Modules of commands whose names are words of Python."""


class _Commands(click.Group):
    """Knows every command's name and summary, and imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"modelmill.commands.{MODULES.get(cmd_name, cmd_name)}")
        found = module.command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from modelmill.diagnostics import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(
                f"there is no command `{args[0]}`" + (f"; {hint}" if hint else "")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A GitOps compiler for LLM inference serving on Kubernetes.",
)
@click.option(
    "-C",
    "directory",
    type=click.Path(file_okay=False, exists=True),
    default=".",
    metavar="DIR",
    help="Work in this folder, or the repository above it.",
)
@click.version_option(__version__, prog_name="modelmill")
@click.pass_context
def main(ctx: click.Context, directory: str) -> None:
    ctx.obj = Path(directory)


def run(arguments: list[str]) -> int:
    """Run the command that argv names; its exit status, 2 where it names none as it should."""
    try:
        status = main.main(args=arguments, prog_name="modelmill", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as fault:
        fault.show(sys.stderr)
        return 2
    except click.exceptions.Abort:
        console.say("interrupted")
        return 130
