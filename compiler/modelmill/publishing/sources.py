"""The commit that is compiled, and what it compiles to.

In: a clone's private repository and a commit. Out: a Source, or the findings that keep its
repository from being compiled. The working tree has no part in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modelmill.compilation import Compilation, compile_repository
from modelmill.delivery.sites import PLACEHOLDER, Site
from modelmill.diagnostics import CompileError, has_errors
from modelmill.git import Commit, CommitFiles, Git, GitError
from modelmill.repository import index
from modelmill.sources import PROJECT, Sources, read_one, read_sources
from modelmill.tuples import NamedTuple


class Source(NamedTuple):
    """A commit compiled. `prefix` leads from the top of the git repository to modelmill.yaml."""

    commit: str
    prefix: str
    sources: Sources
    sites: tuple[Site, ...]
    compilation: Compilation

    @property
    def generated(self) -> str:
        return self.sources.project.paths.generated


class Refused(Exception):
    """The commit does not compile; the findings, and the texts they quote."""

    def __init__(self, fault: CompileError, texts: dict[str, str]) -> None:
        super().__init__(str(fault))
        self.diagnostics = fault.diagnostics
        self.texts = texts


def source_of(
    git: Git, root: Path, commit: str, prefix: str, seen: Callable[[int, int], None] | None = None
) -> Source:
    """Compile a commit; every environment that has a branch of its own also alone."""
    files = CommitFiles(Commit(commit[:12], commit, root, prefix, git))
    if not files.exists(PROJECT):
        raise GitError(f"the commit {commit[:12]} has no {prefix}{PROJECT}")
    texts: dict[str, str] = {}
    try:
        sources = read_sources(root, texts, files)
        repository = index(sources)
        sites = tuple(repository.sites[name] for name in sorted(repository.sites))
        alone = [site.environment for site in sites if site.is_alone]
        jobs = os.cpu_count() or 1
        compilation = compile_repository(repository, None, jobs, seen, alone)
        if has_errors(compilation.diagnostics):
            raise CompileError(compilation.diagnostics)
    except CompileError as fault:
        raise Refused(fault, texts) from None
    return Source(commit, prefix, sources, sites, compilation)


def branch_named(commit: Commit) -> str | None:
    """The branch that modelmill.yaml of a commit names; None where each environment has its own."""
    try:
        settings = read_one(CommitFiles(commit), PROJECT, {})
    except CompileError:
        return None
    found = settings.node.get("delivery", "git", "branch")
    named = found.value if found is not None else None
    return named if isinstance(named, str) and PLACEHOLDER not in named else None


def unpublished(root: Path, commit: Commit) -> list[str]:
    """Inputs in the working tree that are not as the commit has them, by path."""
    here, there = _texts(root, None), _texts(root, CommitFiles(commit))
    return sorted(path for path in here.keys() | there.keys() if here.get(path) != there.get(path))


def _texts(root: Path, files: CommitFiles | None) -> dict[str, str]:
    texts: dict[str, str] = {}
    with suppress(CompileError):
        read_sources(root, texts, files)
    # A checkout may have its own ends of lines.
    return {path: text.replace("\r\n", "\n") for path, text in texts.items()}
