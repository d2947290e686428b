"""A private repository beside the user's, in which commits are made and from which they are pushed.

In: a folder of the user's repository. Out: a Git that reads all its objects, has its configuration,
and writes elsewhere. So many may publish from one clone at once, a killed one leaves nothing behind
but a temporary folder, and refs, index, working tree, replaced objects and grafts of the clone have
no part in it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelmill.git.objects import quoted
from modelmill.git.running import Git, GitError, ask, must, offline, online, word
from modelmill.regexes import regex

# What describes the clone itself, runs what the clone names, or would write its refs.
_own = regex(
    r"(core\.(bare|worktree|repositoryformatversion|hookspath|fsmonitor|sharedrepository)"
    r"|remote\..*\.(fetch|push|mirror|tagopt|prune)"
    r"|(extensions|include|includeif|alias|filter|submodule|fetch|gc|maintenance|push)\..*)",
    re.DOTALL,
)
_PARTIAL = "extensions.partialclone"


@contextmanager
def scratch(root: Path, timeout: float) -> Iterator[Git]:
    """The private repository of a clone; gone with the context. Commands run in the clone's top,
    from which addresses of remotes lead."""
    clone = online(root, timeout)
    top = ask(clone, "rev-parse", "--show-toplevel") or ask(clone, "rev-parse", "--git-dir")
    if top is None:
        raise GitError("this folder is not in a git repository, or git does not trust its owner")
    with tempfile.TemporaryDirectory(prefix="modelmill-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        form = word(ask(clone, "rev-parse", "--show-object-format")) or "sha1"
        settings = _settings(clone)
        _make(clone, path, form, dict(settings))
        environ = _environ(clone, path, settings)
        yield Git((root / word(top)).resolve(), environ, timeout, form, dict(settings))


def _settings(clone: Git) -> list[tuple[str, str]]:
    """The clone's configuration from all its files and the environment, in order of rank."""
    listed = must(clone, "config", "--list", "--includes", "-z").split(b"\0")
    pairs = (line.decode("utf-8", "surrogateescape").partition("\n") for line in listed if line)
    # A key without a value is a truth.
    return [(name, value if equals else "true") for name, equals, value in pairs]


def _environ(clone: Git, folder: Path, settings: list[tuple[str, str]]) -> dict[str, str]:
    carried = [(name, value) for name, value in settings if not _own.fullmatch(name)]
    environ = {n: v for n, v in clone.environ.items() if not n.startswith("GIT_CONFIG_")}
    environ |= {f"GIT_CONFIG_KEY_{n}": name for n, (name, _) in enumerate(carried)}
    environ |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(carried)}
    return {
        **environ,
        "GIT_DIR": str(folder),
        # By the environment, as a file would keep credentials on the disk when we are killed.
        "GIT_CONFIG_COUNT": str(len(carried)),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }


def _make(clone: Git, folder: Path, form: str, settings: dict[str, str]) -> None:
    plain = clone._replace(environ={**clone.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    made = ("init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(folder))
    must(plain, *made)
    if _PARTIAL in settings:
        file = f"--file={folder / 'config'}"
        must(clone, "config", file, "core.repositoryFormatVersion", "1")
        must(clone, "config", file, "extensions.partialClone", settings[_PARTIAL])
    objects = clone.root / word(must(clone, "rev-parse", "--git-path", "objects"))
    alternates = folder / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    # https://git-scm.com/docs/gitrepository-layout
    alternates.write_bytes(quoted(str(objects.resolve())) + b"\n")
    shallow = clone.root / word(must(clone, "rev-parse", "--git-path", "shallow"))
    if shallow.is_file():
        shutil.copyfile(shallow, folder / "shallow")


def is_bare(folder: Path) -> bool:
    """Whether there is no working tree."""
    return word(ask(offline(folder), "rev-parse", "--is-bare-repository")) == "true"


def branch_of(folder: Path) -> str | None:
    """The branch that is checked out; None where a commit is, without one."""
    ref = word(ask(offline(folder), "symbolic-ref", "--quiet", "HEAD"))
    return ref.removeprefix("refs/heads/") or None
