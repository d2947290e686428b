"""Whether what manifests name is in the lock, and the lock holds no more.

In: variants, and the lock. Out: what each names, and findings. What a lock is, `pins` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelmill.catalog import Document
from modelmill.catalogues import VersionSet
from modelmill.diagnostics import Diagnostic, Note, Span, warning
from modelmill.kinds import images
from modelmill.kserve.storage import has_weights
from modelmill.model_cache import readers
from modelmill.pins import (
    LOCK,
    Used,
    commits,
    digests,
    image_key,
    is_in_force,
    models_in,
    span_of,
)
from modelmill.registries import whole
from modelmill.tokenizer import tokenizer_of
from modelmill.tree import Node
from modelmill.variant import Variant

RUN = "run `modelmill lock`"


def used(variant: Variant) -> Used:
    """What a variant's manifests name. A simulator loads no weights, so that nothing is asked of
    the hub where there is nothing else."""
    named = used_by(images(variant))
    asks = has_weights(variant) if variant.kserve is not None else bool(readers(variant))
    if not asks and tokenizer_of(variant) is None:
        return named
    return named._replace(models=frozenset(key for key, _ in models_in(variant.tree)))


def used_by(names: Iterable[str]) -> Used:
    """What is named by these images."""
    return Used(frozenset(key for image in names if (key := image_key(image))))


def missing(variant: Variant, lock: Document | None, named: Used) -> Iterable[Diagnostic]:
    """What has no entry, at the line that names it."""
    if lock is None or not is_in_force(lock):
        return
    places = dict(models_in(variant.tree))
    for key in sorted(named.models - commits(lock).keys()):
        span = variant.span_of(*places[key], "revision" if "@" in key else "uri")
        yield _absent(lock, "models", key, span)
    absent = named.images - digests(lock).keys()
    found = dict(_images_written(variant.tree)) if absent else {}
    for key in sorted(absent):
        yield _absent(lock, "images", key, found.get(key) or Span(LOCK, 1, 1))


def unused(lock: Document | None, named: Used) -> Iterable[Diagnostic]:
    """Entries of what nothing names any more. `named`: by the whole repository."""
    if lock is None or not is_in_force(lock):
        return
    for field, known, wanted in (
        ("images", digests(lock), named.images),
        ("models", commits(lock), named.models),
    ):
        for key in sorted(known.keys() - wanted):
            message = f"`{key}` is in {LOCK}, and nothing names it"
            yield warning("G951", message, span_of(lock, field, key), f"{RUN} to take it out")


def other_versions(lock: Document | None, versions: VersionSet) -> Iterable[Diagnostic]:
    """A lock of a set that is no longer the project's."""
    if lock is None or lock.record.versions in (None, versions.name):
        return
    span = lock.node.nearest("versions").span
    message = f"{LOCK} is of the version set {lock.record.versions}, the project of {versions.name}"
    yield warning("G952", message, span, RUN)


def _absent(lock: Document, field: str, key: str, span: Span) -> Diagnostic:
    """Says as well which other tag or branch of the same the lock has: that one was replaced."""
    stem = _stem(key)
    others = [each for each in lock.node.nearest(field).value or () if _stem(each) == stem]
    notes = [
        Note(f"the lock has `{each}`", span_of(lock, field, each)) for each in others if each != key
    ]
    return warning("G950", f"`{key}` is not in {LOCK}", span, RUN, notes)


def _stem(key: str) -> str:
    """The name without its tag or branch."""
    if "://" in key:
        return key.partition("@")[0]
    folder, slash, name = key.rpartition("/")
    return folder + slash + name.partition(":")[0]


def _images_written(node: Node) -> Iterable[tuple[str, Span]]:
    """Every text of a spec that could name an image, by its whole name."""
    below: Sequence[Node] = ()
    if isinstance(node.value, dict):
        below = list(node.value.values())
    elif isinstance(node.value, list):
        below = node.value
    elif isinstance(node.value, str) and node.value:
        image = node.value.removeprefix("oci://").partition("::")[0]
        yield whole(image), node.span
    for each in below:
        yield from _images_written(each)
