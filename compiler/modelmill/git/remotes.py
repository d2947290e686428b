"""Branches elsewhere: looked up, fetched and pushed to.

In: a remote's name or address, and full names of refs. Out: what stands there, and what became of
each push. A push says what it expects there: it never takes the place of what it has not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from modelmill.git.history import has_all_of, is_shallow, knows
from modelmill.git.running import Answer, Git, GitError, ask, must, run, without_credentials
from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

HEADS = "refs/heads/"
# Both fail where another push holds the ref; which of two wins is a matter of time.
_busy = regex(
    r"cannot lock ref|failed to (update|lock) ref|unable to create .*\.lock|stale info"
    r"|fetch first|non-fast-forward|reference already exists|needs force|incorrect old value"
)


class Update(NamedTuple):
    """A ref to be moved. `expected`: the commit it must be at; None where there must be none."""

    ref: str
    commit: str
    expected: str | None


class Pushed(NamedTuple):
    """What became of an update. Without a reason it is done; `busy`: worth another try."""

    ref: str
    reason: str = ""
    busy: bool = False


def is_branch(git: Git, name: str) -> bool:
    return ask(git, "check-ref-format", HEADS + name) is not None


def remote_of(git: Git, branch: str | None) -> str | None:
    """The remote a branch is fetched from, `origin`, or the only one there is."""
    own = git.settings.get(f"branch.{branch}.remote")
    names = sorted(key[7:-4] for key in git.settings if key[:7] == "remote." and key[-4:] == ".url")
    if own in names:
        return own
    if "origin" in names:
        return "origin"
    return names[0] if len(names) == 1 else None


def address_of(git: Git, remote: str) -> str:
    """Where a remote is, without the name and the password of whoever fetches from it."""
    return without_credentials(git.settings.get(f"remote.{remote}.url", ""))


def tips(git: Git, remote: str, *refs: str) -> dict[str, str]:
    """Where refs stand, all at one moment; those that are not there are left out. All branches
    unless refs are named."""
    patterns = refs or (f"{HEADS}*",)
    listed = must(git, "ls-remote", "--quiet", "--end-of-options", remote, *patterns)
    pairs = (line.split("\t", 1) for line in listed.decode("utf-8", "surrogateescape").splitlines())
    return {ref: tip for tip, ref in pairs if not refs or ref in refs}


def fetch(git: Git, remote: str, refs: Collection[str], *, depth: int | None = None) -> None:
    """Get the objects of refs; no ref is written."""
    if not refs:
        return
    limit = (f"--depth={depth}",) if depth else ()
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    must(git, "fetch", *quiet, *limit, "--end-of-options", remote, *refs)


def get(git: Git, remote: str, wanted: Mapping[str, str], *, depth: int | None = None) -> None:
    """Fetch those refs whose commits are not here, with all their files."""
    missing = [ref for ref, tip in wanted.items() if not has_all_of(git, tip)]
    fetch(git, remote, missing, depth=depth)


def reach(git: Git, remote: str, ref: str, commit: str) -> bool:
    """Whether a commit is among the objects, once a shallow history of the ref was made deeper."""
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    for by in (50, 1000):
        if knows(git, commit) or not is_shallow(git):
            break
        ask(git, "fetch", *quiet, f"--deepen={by}", "--end-of-options", remote, ref)
    return knows(git, commit)


def push(
    git: Git, remote: str, updates: Iterable[Update], *, together: bool = False
) -> list[Pushed]:
    """Move refs of a remote: all `together` or none, or each for itself, so that one that is
    refused holds up no other."""
    wanted = list(updates)
    # The server compares again. Without this a branch that was set back in the meantime would be
    # moved forward over what its owner dropped.
    leases = [f"--force-with-lease={u.ref}:{u.expected or ''}" for u in wanted]
    specs = [f"{update.commit}:{update.ref}" for update in wanted]
    flags = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"]
    flags += ["--atomic"] if together else []
    answer = run(git, "push", *flags, *leases, "--end-of-options", remote, *specs)
    told = _told(answer)
    if not told and answer.status:
        raise GitError(f"cannot push to `{remote}`: {answer.reason}")
    return [_outcome(update, told, answer) for update in wanted]


def _told(answer: Answer) -> Mapping[str, str]:
    """Summaries by ref, "" for what was done:
    https://git-scm.com/docs/git-push#_output"""
    found = {}
    for line in answer.out.decode("utf-8", "surrogateescape").splitlines():
        flag, _, rest = line.partition("\t")
        spec, _, summary = rest.partition("\t")
        if rest:
            found[spec.partition(":")[2]] = summary if flag == "!" else ""
    return found


def _outcome(update: Update, told: Mapping[str, str], answer: Answer) -> Pushed:
    summary = told.get(update.ref, answer.reason)
    if not summary:
        return Pushed(update.ref)
    said = answer.reason if "remote rejected" in summary else ""
    return Pushed(
        update.ref, f"{summary}; {said}" if said else summary, bool(_busy.search(summary))
    )
