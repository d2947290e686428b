"""What `modelmill compile` does with all models; without click, as it runs on every save."""

from __future__ import annotations

from modelmill import console
from modelmill.diagnostics import CompileError
from modelmill.incremental.build import Outcome, Request, Written, build
from modelmill.output import lock
from modelmill.quick import units


def everything(request: Request, format_name: str) -> int:
    """Compile all models, and say what there is to say."""
    with lock(request.root):
        outcome = build(request)
        status = told(outcome, format_name)
        if outcome.note is not None and not status:
            outcome.note(console.said(outcome.diagnostics, outcome.texts, format_name))
    return status


def watched(request: Request, format_name: str) -> int:
    """Until it is interrupted, which is how it ends well."""
    import gc

    from modelmill.incremental.watching import await_change, folders_of, look

    try:
        while True:
            paths = folders_of(request.root)
            seen = look(request.root, paths)
            try:
                everything(request, format_name)
            except CompileError as fault:
                console.findings(fault.diagnostics, {}, format_name)
            console.say("waiting for a change; Ctrl-C ends")
            gc.collect()  # else what tens of compiles leave behind would stay
            await_change(request.root, paths, seen)
    except KeyboardInterrupt:
        return 0


def told(outcome: Outcome, format_name: str) -> int:
    """Say what was found and done; the exit status."""
    status = console.findings(outcome.diagnostics, outcome.texts, format_name)
    done = outcome.written
    if done is not None:
        console.say(_summary(done, outcome.units))
        for path in done.edited:
            console.say(f"note: {done.generated}/{path} had been edited by hand")
        for path in done.foreign:
            console.say(f"note: {done.generated}/{path} is not modelmill's and was left alone")
    return status


def _summary(done: Written, count: int) -> str:
    told = zip(done.counts, ("added", "changed", "deleted"), strict=True)
    counts = [f"{number} {what}" for number, what in told if number]
    return f"{', '.join(counts)} in {units(count)}" if counts else f"{units(count)} up to date"
