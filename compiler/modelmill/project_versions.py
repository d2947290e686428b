"""The version set of a repository: the one it names, with its own images, mirrors and pins.

In: what `sources` read. Out: a VersionSet; raises if the project names what is not there.
"""

from __future__ import annotations

from modelmill.catalogues import VersionSet, version_set, version_sets
from modelmill.checks.images import PIN, fault_of
from modelmill.diagnostics import CompileError, did_you_mean, error
from modelmill.pins import digests
from modelmill.registries import whole
from modelmill.sources import Sources


def versions_of(sources: Sources) -> VersionSet:
    """The project's version set."""
    wanted, node = sources.project.versions, sources.settings.node
    known = version_sets()
    if wanted.set not in known:
        hint = did_you_mean(wanted.set, known) or "there are " + ", ".join(known)
        message = f"there is no version set `{wanted.set}`"
        raise CompileError([error("N208", message, node.nearest("versions", "set").span, hint)])
    found, locked = version_set(wanted.set), digests(sources.lock)
    unknown = [
        error(
            "N208",
            f"the version set {wanted.set} has no image `{name}`",
            node.nearest("versions", "images", name).key_span,
            did_you_mean(name, found.images) or "it has " + ", ".join(sorted(found.images)),
        )
        for name in wanted.images
        if name not in found.images
    ]
    unknown += [
        error(
            "C504",
            f"the image `{image}` {fault_of(image)}",
            node.nearest("versions", "images", name).span,
            PIN,
        )
        for name, image in wanted.images.items()
        if fault_of(image) and whole(image) not in locked
    ]
    if unknown:
        raise CompileError(unknown)
    images = {**found.images, **wanted.images}
    return found._replace(images=images, registries=wanted.registries, digests=locked)
