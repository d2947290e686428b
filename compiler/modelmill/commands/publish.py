"""`modelmill publish`: compile what is committed, commit the result, and push it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from modelmill import console
from modelmill.diagnostics import CompileError, Diagnostic, error, has_errors
from modelmill.git import Commit, Git, GitError, resolve
from modelmill.git.remotes import address_of, is_branch, remote_of
from modelmill.git.scratch import branch_of, is_bare, scratch
from modelmill.publishing.attempts import Order, Outcome
from modelmill.publishing.rounds import publish
from modelmill.publishing.sources import Refused, branch_named, unpublished
from modelmill.reports.wording import visible
from modelmill.sources import find_root


@click.command(name="publish")
@click.option(
    "--branch",
    metavar="BRANCH",
    help="The branch that has the sources; the one checked out unless given.",
)
@click.option(
    "--source",
    "revision",
    metavar="REV",
    help="Publish this commit of it, not its newest.",
)
@click.option("--to", metavar="URL", help="Push to this repository.")
@click.option("--dry-run", is_flag=True, help="Push nothing; say what would be.")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long a single command of git may take.",
)
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(
    directory: Path,
    branch: str | None,
    revision: str | None,
    to: str | None,
    dry_run: bool,
    timeout: float,
    format_name: str,
) -> int:
    """Compile the newest commit of a branch, and commit and push generated/ where it differs.

    Controllers read it on the same branch, on one for each environment, or in another repository,
    as `delivery` in modelmill.yaml says. The working tree has no part in it.
    """
    try:
        root = directory.resolve() if is_bare(directory) else find_root(directory.resolve())
        head = resolve(root, "HEAD")
        chosen = resolve(root, revision).id if revision is not None else None
        with scratch(root, timeout) as git:
            order = _order(git, head, branch, chosen, _to(to), dry_run=dry_run)
            outcomes = publish(git, order)
    except Refused as fault:
        return console.findings(fault.diagnostics, fault.texts, "text")
    except GitError as fault:
        return console.findings([error("G925", visible(str(fault)))], {}, "text")
    console.result(_as_json(outcomes) if format_name == "json" else _as_text(outcomes, dry_run))
    for outcome in outcomes:
        _tell(outcome)
    return console.findings([d for each in outcomes for d in each.faults], {}, "text")


def _to(address: str | None) -> str | None:
    """An address as it is typed; a path is one from where we are."""
    return str(Path(address).resolve()) if address and Path(address).exists() else address


def _order(
    git: Git, head: Commit, branch: str | None, chosen: str | None, to: str | None, *, dry_run: bool
) -> Order:
    here = branch_of(head.root)
    name = branch or here or branch_named(head)
    if name is None:
        hint = "name the branch that has the sources: --branch main"
        raise CompileError([error("G920", "no branch is checked out here", hint=hint)])
    if not is_branch(git, name):
        raise CompileError([error("G920", visible(f"`{name}` is no name of a branch"))])
    remote = remote_of(git, name)
    if remote is None:
        hint = "`git remote add origin URL` names the repository to push to"
        raise CompileError([error("G920", "this clone has no remote to push to", hint=hint)])
    if chosen is None and not is_bare(head.root):
        _tell_uncommitted(head)
    return Order(
        root=head.root,
        prefix=head.prefix,
        remote=remote,
        url=address_of(git, remote),
        branch=name,
        head=head.id if here in (None, name) else None,
        commit=chosen,
        to=to,
        dry_run=dry_run,
        say=lambda text: console.say(visible(text)),
        seen=console.Progress("compiling"),
    )


def _tell_uncommitted(head: Commit) -> None:
    paths = unpublished(head.root, head)
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    if paths:
        named = ", ".join(paths[:3])
        console.say(visible(f"note: not committed, so not published: {named}{more}"))


def _as_text(outcomes: Sequence[Outcome], dry_run: bool) -> str:
    lines = [_line(each, dry_run) for each in outcomes if not has_errors(each.faults)]
    return "".join(f"{visible(line)}\n" for line in lines)


def _line(outcome: Outcome, dry_run: bool) -> str:
    prepared = outcome.prepared
    if outcome.newer is not None:
        return f"{outcome.target.shown}: made of {outcome.newer[:12]} already, which is newer"
    if prepared is None or not prepared.updates:
        return f"{outcome.target.shown}: nothing changed"
    act = "would publish" if dry_run else "published"
    if not prepared.survey.changes:
        return f"{outcome.target.shown}: {'would be started' if dry_run else 'started'}"
    models = ", ".join(prepared.models) or "the environment's own objects"
    counts = zip(("added", "changed", "deleted"), prepared.survey.changes, strict=True)
    files = ", ".join(f"{len(paths)} {what}" for what, paths in counts if paths)
    return f"{outcome.target.shown}: {act} {models} ({files})"


def _tell(outcome: Outcome) -> None:
    if outcome.prepared is None:
        return
    found = outcome.prepared.survey
    where = f"{outcome.target.shown}: {found.generated}"
    for path in found.edited:
        console.say(visible(f"note: {where}/{path} had been edited by hand"))
    for path in found.foreign:
        console.say(visible(f"note: {where}/{path} is not modelmill's and was left alone"))


def _as_json(outcomes: Sequence[Outcome]) -> str:
    document = {"version": 1, "targets": [_as_object(each) for each in outcomes]}
    return json.dumps(document, indent=2) + "\n"


def _as_object(outcome: Outcome) -> dict[str, object]:
    target, prepared = outcome.target, outcome.prepared
    changes = prepared.survey.changes if prepared else ((), (), ())
    return {
        "repository": target.repository,
        "branch": target.pushed.removeprefix("refs/heads/"),
        "environment": target.environment,
        "result": _result(outcome),
        "commit": prepared.tip if prepared else None,
        "source": outcome.newer or outcome.source,
        "sources": list(prepared.sources) if prepared else [],
        "models": list(prepared.models) if prepared else [],
        **dict(zip(("added", "changed", "deleted"), map(len, changes), strict=True)),
        "attempts": outcome.attempts,
        "errors": [_message(each) for each in outcome.faults],
    }


def _result(outcome: Outcome) -> str:
    if outcome.faults:
        return "failed"
    if outcome.newer is not None:
        return "newer"
    return "published" if outcome.updates else "unchanged"


def _message(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.code}: {diagnostic.message}"
