"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from modelmill import console

F = TypeVar("F", bound=Callable[..., Any])


def format_option(command: F) -> F:
    return click.option(
        "--format",
        "format_name",
        type=click.Choice(console.FORMATS),
        default=console.default_format,
        show_default="text, or github in a GitHub workflow",
        help="How findings are printed.",
    )(command)


def environment_option(command: F) -> F:
    return click.option("-e", "--environment", metavar="ENV", help="An environment, by its name.")(
        command
    )


def locked_option(command: F) -> F:
    return click.option(
        "--locked", is_flag=True, help="An image or model outside of modelmill.lock is an error."
    )(command)


def jobs_option(command: F) -> F:
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 64),
        default=None,
        metavar="N",
        help="Processes to use; all cores unless given.",
    )(command)


def fix_options(command: F) -> F:
    """--fix, and --dry-run, which only says what it would do."""
    command = click.option(
        "-n", "--dry-run", is_flag=True, help="With --fix: write nothing, print the difference."
    )(command)
    return click.option("--fix", is_flag=True, help="Fix first what has one right answer.")(command)
