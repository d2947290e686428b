"""A command run, and whatever went wrong as an exit status.

0 clean, 1 problems found or drift, 2 usage, 3 a bug of ours. What hooks and editors run all day is
recognised here in its plain spelling; everything else is read by click (`argv`), whose import alone
takes a quarter of the time in which a file is to be checked.
"""

from __future__ import annotations

import os
import sys

from modelmill import __version__, console


def run(arguments: list[str]) -> int:
    """Run one command; never a traceback for a user's fault."""
    try:
        status = _plainly(arguments)
        if status is None:
            from modelmill.argv import run as run_with_click

            status = run_with_click(arguments)
        return status
    except console.Stop as end:
        return end.status
    except KeyboardInterrupt:
        console.say("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of a pipe has seen enough.
        sys.stdout = None
        return 0
    except Exception as fault:
        from modelmill.diagnostics import CompileError

        if isinstance(fault, CompileError):
            return console.findings(fault.diagnostics, {}, "text") or 1
        return _report_bug(fault)


def _plainly(arguments: list[str]) -> int | None:
    """Run a command whose argv needs no reading; None, and nothing done, for any other."""
    if "_MODELMILL_COMPLETE" in os.environ:
        return None
    if arguments == ["--version"]:
        console.result(f"modelmill, version {__version__}\n")
        return 0
    if "compile" in arguments:
        return _compile(arguments)
    directory = "."
    if arguments[:1] == ["-C"] and len(arguments) > 1:
        directory, arguments = arguments[1], arguments[2:]
    files = tuple(arguments[1:])
    if arguments[:1] != ["lint"] or any(each.startswith("-") for each in files):
        return None
    if not os.path.isdir(directory) or not os.access(directory, os.R_OK):
        return None
    from modelmill.commands.linting import lint

    try:
        return lint(directory, files, console.default_format())
    except Exception as fault:
        click = sys.modules.get("click")
        if click is None or not isinstance(fault, click.UsageError):
            raise
        return None  # click says how the command is called, too


def _compile(arguments: list[str]) -> int | None:
    """A compile of everything: nothing is done where nothing changed."""
    from modelmill import quick

    asked = quick.asked(arguments)
    root = quick.root_of(asked.folder) if asked is not None else None
    if asked is None or root is None:
        return None
    state = quick.noted(root)
    said = quick.up_to_date(root, asked, state) if state is not None else None
    if said is not None:
        console.result(said[0])
        console.say(said[1], end="")
        return 0
    look = quick.look(root, state, asked.jobs) if state is not None else None
    from pathlib import Path

    from modelmill.commands.compiling import everything
    from modelmill.incremental.build import Request

    jobs = asked.jobs or os.cpu_count() or 1
    seen = console.Progress("compiling")
    request = Request(Path(root), asked.check, asked.locked, jobs, seen, state=state, look=look)
    return everything(request, console.default_format())


def _report_bug(bug: Exception) -> int:
    import traceback

    console.say(f"modelmill: internal error: {type(bug).__name__}: {bug}")
    console.say("This is a bug of modelmill. Please report it with the lines below.\n")
    for frame in traceback.extract_tb(bug.__traceback__):
        name = frame.filename.rpartition("site-packages/")[2].rpartition("modelmill/")[2]
        console.say(f"  {name}:{frame.lineno} in {frame.name}")
    return 3
