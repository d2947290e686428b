"""Which branches hold what: the one that has the sources too, one for each environment, or another
repository's.

In: a Source and what was asked for on the command line. Out: Targets, or what keeps them apart from
working; and the files that belong on each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelmill.delivery.sites import Site
from modelmill.diagnostics import CompileError, Diagnostic, error
from modelmill.git.remotes import HEADS
from modelmill.output import contents
from modelmill.publishing.sources import Source
from modelmill.spec.delivery import Publish
from modelmill.tuples import NamedTuple

NEXT = "-next"
"""gitops-promoter's suffix of a branch from which it opens pull requests:
https://github.com/argoproj-labs/gitops-promoter/blob/main/docs/advanced-usage/custom-hydrator.md"""
METADATA = "hydrator.metadata"


class Target(NamedTuple):
    """A branch, and what modelmill keeps on it.

    repository    address of another repository; None: the one the sources are in
    branch        the branch that controllers read
    environment   the one it holds alone; None: it holds everything
    has_sources   whether it is the branch of the sources themselves
    folder        where modelmill.yaml is or would be, with a `/` at its end; "" for the top
    generated     folder below that
    settings      how it is published
    """

    repository: str | None
    branch: str
    environment: str | None
    has_sources: bool
    folder: str
    generated: str
    settings: Publish

    @property
    def read(self) -> str:
        """The ref that controllers read."""
        return HEADS + self.branch

    @property
    def pushed(self) -> str:
        """The ref that is pushed to."""
        return self.read + (NEXT if self.settings.next else "")

    @property
    def shown(self) -> str:
        """The target as messages name it."""
        name = self.pushed.removeprefix(HEADS)
        return f"{name} of {self.repository}" if self.repository else name

    @property
    def record(self) -> str:
        """Path of the file that names the source."""
        return self.folder + METADATA


def targets_of(source: Source, branch: str | None, to: str | None) -> list[Target]:
    """All branches that the source's repository says are read, in order. `branch` is the sources'
    own; `to` the address of another repository, which counts for all."""
    plain = {site.branch for site in source.sites if not site.is_alone}
    found: dict[tuple[str | None, str], Target] = {}
    problems: list[Diagnostic] = []
    for site in source.sites:
        # One branch for everything is the one that the sources are on, under whatever name.
        is_own = not site.is_alone and not _elsewhere(site, to) and len(plain) == 1
        target = _target(source, site, branch, to, is_own=is_own)
        known = found.setdefault((target.repository, target.pushed), target)
        problems += _faults(site, source, target, known, branch)
    if problems:
        raise CompileError(problems)
    if found:
        return [found[key] for key in sorted(found, key=str)]
    return [Target(to, branch or "", None, to is None, source.prefix, source.generated, Publish())]


def _elsewhere(site: Site, to: str | None) -> str | None:
    return to or site.delivery.publish.repository


def _target(
    source: Source, site: Site, branch: str | None, to: str | None, *, is_own: bool
) -> Target:
    name = branch or site.branch if is_own else site.branch
    folder = site.delivery.git.path.strip("/")
    return Target(
        repository=_elsewhere(site, to),
        branch=name,
        environment=site.environment if site.is_alone else None,
        has_sources=_elsewhere(site, to) is None and not site.is_alone and name == branch,
        folder=f"{folder}/" if folder else "",
        generated=source.generated,
        settings=site.delivery.publish,
    )


def _faults(
    site: Site, source: Source, target: Target, known: Target, branch: str | None
) -> Iterable[Diagnostic]:
    at = site.node.nearest("git", "branch").span
    if (known.environment, known.folder) != (target.environment, target.folder):
        message = f"`{target.branch}` would hold one environment alone, and others too"
        yield error("G922", message, at, "give each environment a branch of its own")
    if target.has_sources and target.settings.next:
        message = "`publish.next` is for branches that hold manifests alone, not the sources too"
        hint = "write `{environment}` into `git.branch`, or name a `publish.repository`"
        yield error("G922", message, site.node.nearest("publish", "next").span, hint)
    elif target.has_sources and target.folder != source.prefix:
        where = f"`{source.prefix}`" if source.prefix else "the top of the repository"
        looked = f"`{target.folder}`" if target.folder else "the top of the repository"
        message = f"controllers look for modelmill.yaml in {looked}, and it is in {where}"
        span = site.node.nearest("git", "path").span
        folder = source.prefix.rstrip("/")
        yield error("G922", message, span, f"write `path: {folder}`" if folder else "leave it out")
    if target.repository is None and not target.has_sources and target.pushed == f"{HEADS}{branch}":
        message = f"the manifests of `{site.environment}` would stand on `{branch}` beside sources"
        yield error("G922", message, at, "for example `branch: environments/{environment}`")


def wanted(source: Source, target: Target) -> Mapping[str, bytes]:
    """All files of the target, by path below generated/."""
    if target.environment is not None:
        alone = source.compilation.alone[target.environment]
        return {path: text.encode() for path, text in alone.items()}
    found = {}
    for name, unit in source.compilation.units.items():
        found.update({f"{name}/{path}": data for path, data in contents(unit).items()})
    return found
