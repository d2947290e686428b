"""What another preset library makes of the presets in a repository.

In: an indexed repository, the presets of the library, and what the lock says of those that were
copied. Out: per preset a Verdict, and from them the files and the lock as they would be. A preset
is known by its name, wherever its file was moved to. Three texts decide: the repository's, the
library's, and the one it was copied from, of which only the sha256 is known. Never: a preset that
somebody edited, lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Literal

from modelmill.catalog import Document, read_document
from modelmill.diagnostics import Diagnostic, Note, Span, did_you_mean, error, warning
from modelmill.library import fingerprint
from modelmill.pins import LOCK
from modelmill.repository import Repository
from modelmill.syntax import parse
from modelmill.tree import Node
from modelmill.tuples import NamedTuple

Act = Literal[
    "same", "new", "replaced", "kept", "conflict", "unknown", "yours", "deleted", "removed", "left"
]
"""
same      it is as the library has it
new       the library has it, the repository not yet
replaced  nobody edited it, and the library has changed it
kept      it was edited here, and the library has not changed it
conflict  it was edited here, and the library has changed it
unknown   it differs, and nobody knows as what it was copied
yours     the repository has a preset of its own by that name
deleted   it was copied once, and somebody deleted it here
removed   the library has it no longer, nobody edited it, and nothing extends it
left      the library has it no longer, and it stays
"""
Side = Literal["theirs", "ours"]


class Shipped(NamedTuple):
    """A preset of the library: its file below the presets folder, and its text."""

    name: str
    path: str
    text: str


class Verdict(NamedTuple):
    """What becomes of a preset.

    path    its file in the repository
    ours    its text there; None where there is none
    theirs  its text in the library; None where there is none
    base    sha256 of the text that it was copied as, if that is known
    users   where it is extended
    """

    act: Act
    name: str
    path: str
    ours: str | None
    theirs: str | None
    base: str | None
    users: tuple[Span, ...] = ()


def shipped_presets(texts: Mapping[str, str]) -> dict[str, Shipped]:
    """The library by name. Raises where a file of it is no preset."""
    found = {}
    for path, text in texts.items():
        name = read_document(path, parse(path, text.encode())).name
        found[name] = Shipped(name, path, text)
    return dict(sorted(found.items()))


def judge(
    repository: Repository,
    shipped: Mapping[str, Shipped],
    taken: Mapping[str, Side],
    *,
    adopt: bool = False,
) -> list[Verdict]:
    """Every preset that the library has, or had. `taken`: which side wins by name; `adopt`: what
    differs from an unknown text is people's own edit."""
    catalog = repository.catalog
    lock = catalog.lock.record.library if catalog.lock is not None else None
    bases: Mapping[str, str] = lock.presets if lock is not None else {}
    users = _users(repository)
    found = []
    for name in sorted(shipped.keys() | bases.keys()):
        document, theirs = catalog.presets.get(name), shipped.get(name)
        path = document.path if document else _free_place(repository, name, theirs)
        ours = repository.texts[document.path] if document else None
        text, base = theirs.text if theirs else None, bases.get(name)
        act = _act(ours, text, base, is_used=name in users, has_lock=lock is not None)
        if act == "unknown" and adopt:
            act = "kept"
        if taken.get(name) == "theirs" and ours is not None and text is not None and ours != text:
            act = "replaced"
        elif taken.get(name) == "ours" and act in ("conflict", "unknown"):
            act = "kept"
        found.append(Verdict(act, name, path, ours, text, base, tuple(users.get(name, ()))))
    return [each for each in found if each.ours is not None or each.act != "left"]


def files_of(verdicts: list[Verdict]) -> dict[str, str | None]:
    """What is written, by path; None where a file is taken away."""
    found: dict[str, str | None] = {}
    for each in verdicts:
        if each.act in ("new", "replaced"):
            found[each.path] = each.theirs
        elif each.act == "removed":
            found[each.path] = None
    return found


def library_of(verdicts: list[Verdict], release: str | None) -> dict[str, object]:
    """What the lock then says of the library. A conflict is told again until somebody decides."""
    presets = {}
    for each in verdicts:
        known = each.base if each.act in ("conflict", "unknown") else None
        if each.theirs is not None and each.act not in ("conflict", "unknown", "yours"):
            known = fingerprint(each.theirs)
        if known is not None:
            presets[each.name] = known
    return {**({"version": release} if release else {}), "presets": dict(sorted(presets.items()))}


def findings_of(verdicts: list[Verdict]) -> Iterator[Diagnostic]:
    """What somebody has to decide or to know."""
    offered = [each.name for each in verdicts if each.act == "new"]
    for each in verdicts:
        span = Span(each.path, 1, 1)
        if each.act == "conflict":
            message = f"`{each.name}` was edited here, and the library has changed it: it stays"
            hint = f"--take theirs {each.name}, or merge by hand and --take ours {each.name}"
            yield warning("G954", message, span, hint)
        elif each.act == "left" and each.users:
            message = f"the library has no `{each.name}` any more, and it is extended: it stays"
            notes = [Note("it is extended here", user) for user in each.users[:3]]
            hint = did_you_mean(each.name, offered) or "it is the repository's own from now on"
            yield warning("G955", message, span, hint, notes)
        elif each.act == "unknown":
            message = (
                f"`{each.name}` differs from the library's, and {LOCK} does not say as what it was "
                "copied"
            )
            hint = "--adopt takes all such for your own edits; --take theirs NAME replaces one"
            yield error("G956", message, span, hint)


def _act(
    ours: str | None, theirs: str | None, base: str | None, *, is_used: bool, has_lock: bool
) -> Act:
    if ours is None:
        return "left" if theirs is None else "new" if base is None else "deleted"
    mark = fingerprint(ours)
    if theirs is None:
        return "removed" if mark == base and not is_used else "left"
    wanted = fingerprint(theirs)
    if mark == wanted:
        return "same"
    if base is None:
        return "yours" if has_lock else "unknown"
    if mark == base:
        return "replaced"
    return "kept" if wanted == base else "conflict"


def _free_place(repository: Repository, name: str, theirs: Shipped | None) -> str:
    """Where a new preset goes: where the library has it, unless another preset is there."""
    folder = repository.catalog.project.paths.presets
    wanted = f"{folder}/{theirs.path}" if theirs is not None else folder
    above = wanted.rpartition("/")[0]
    numbered = (f"{above}/{name}-{number}.yaml" for number in count(2))
    places = chain([wanted, f"{above}/{name}.yaml"], numbered)
    return next(path for path in places if path not in repository.texts)


def _users(repository: Repository) -> dict[str, list[Span]]:
    """Where presets are extended, by their names."""
    found: dict[str, list[Span]] = {}
    catalog = repository.catalog
    kinds = (catalog.models, catalog.presets, catalog.overlays)
    documents: list[Document] = [each for kind in kinds for each in kind.values()]
    for document in documents:
        for node in _extended(document.node):
            found.setdefault(str(node.value), []).append(node.span)
    return found


def _extended(node: Node) -> Iterator[Node]:
    """The names in every `extends`, a role's included."""
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            if key == "extends" and isinstance(child.value, list):
                yield from child.value
            else:
                yield from _extended(child)
