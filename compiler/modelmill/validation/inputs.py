"""What a person names to be validated: files, folders, kustomizations, or standard input.

In: paths. Out: sets of objects that meet in one cluster, each with the way back to its lines: loose
manifests are one set, and what each kustomization builds is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelmill.diagnostics import CompileError, Diagnostic, error
from modelmill.files import read_regular
from modelmill.tuples import NamedTuple
from modelmill.validation import manifests
from modelmill.validation.kustomizations import FILES, Kustomization, read_kustomization
from modelmill.validation.subjects import Subject, in_file

STDIN = "-"
STDIN_NAME = "<stdin>"
ENDINGS = (".yaml", ".yml", ".json")
MOST_FILES = 20_000


class Given(NamedTuple):
    """What was found. `notes`: what was passed over, for a person to know."""

    loose: tuple[Subject, ...]
    kustomizations: tuple[Kustomization, ...]
    findings: tuple[Diagnostic, ...]
    notes: tuple[str, ...]


class _Found:
    def __init__(self) -> None:
        self.files: dict[str, bool] = {}
        """By path, whether the file itself was named, and not a folder it is in."""
        self.folders: list[str] = []


def read_given(
    directory: Path, paths: Sequence[str], stdin: Callable[[], bytes], texts: dict[str, str]
) -> Given:
    """Everything below the paths, which are told from `directory` on. `texts` gets what reports
    quote."""
    found = _Found()
    for path in paths:
        _collect(directory, path, found)
    subjects: list[Subject] = []
    findings: list[Diagnostic] = []
    notes: list[str] = []
    for name, is_named in found.files.items():
        shown = STDIN_NAME if name == STDIN else name
        try:
            data = stdin() if name == STDIN else _read(directory, name, is_named=is_named)
        except CompileError as fault:
            findings += (each._replace(code="V100") for each in fault.diagnostics)
            continue
        texts[shown] = data.decode("utf-8", "replace")
        read = manifests.read(shown, data)
        subjects += [in_file(resource, node) for resource, node in read.objects]
        findings += read.findings
        if is_named:
            findings += map(manifests.not_an_object, read.others)
        elif read.others and not read.objects and not name.endswith(".json"):
            notes.append(f"{shown} holds no Kubernetes object and was left out")
    trees = []
    for folder in found.folders:
        try:
            trees.append(read_kustomization(directory, folder, texts))
        except CompileError as fault:
            findings += fault.diagnostics
    roots = tuple(_not_referred_to(trees, {os.path.normpath(each) for each in paths}))
    findings += [d for tree in roots for each in tree.everything() for d in each.findings]
    return Given(tuple(subjects), roots, tuple(findings), tuple(notes))


def _read(directory: Path, name: str, *, is_named: bool) -> bytes:
    return read_regular(directory, name, manifests.MAX_BYTES, follow_links=is_named)


def _collect(directory: Path, path: str, found: _Found) -> None:
    whole = directory / path
    if path == STDIN:
        found.files[STDIN] = True
    elif whole.is_file():
        if whole.name in FILES:
            found.folders.append(os.path.normpath(os.path.dirname(path) or "."))
        else:
            found.files[os.path.normpath(path)] = True
    elif whole.is_dir():
        for name in _below(directory, os.path.normpath(path), found):
            found.files.setdefault(name, False)
    else:
        hint = "give a file, a folder, or - for standard input"
        raise CompileError([error("V100", f"`{path}` is not there", None, hint)])


def _below(directory: Path, folder: str, found: _Found) -> Iterator[str]:
    """Manifests in a folder; a kustomization's files are the kustomization's."""
    for here, below, names in os.walk(directory / folder):
        below[:] = sorted(each for each in below if not each.startswith("."))
        place = os.path.normpath(os.path.join(folder, os.path.relpath(here, directory / folder)))
        if any(each in names for each in FILES):
            found.folders.append(place)
            continue
        for name in sorted(names):
            if name.endswith(ENDINGS):
                yield os.path.normpath(os.path.join(place, name))
        if len(found.files) > MOST_FILES:
            raise CompileError([error("V100", f"there are more than {MOST_FILES:,} files")])


def _not_referred_to(trees: Sequence[Kustomization], named: set[str]) -> Iterator[Kustomization]:
    """Those that no other one takes in: a base is validated as part of what is deployed. What is
    named itself is what is asked for."""
    taken = {each.folder for tree in trees for each in tree.everything() if each is not tree}
    seen: set[str] = set()
    for tree in trees:
        is_wanted = tree.folder not in taken or tree.folder in named
        if (
            is_wanted
            and tree.folder not in seen
            and not (tree.is_component and tree.folder in taken)
        ):
            seen.add(tree.folder)
            yield tree
