"""Kustomizations as they are written: their files, bases and components, and what they build.

In: a folder. Out: a tree of Kustomizations with positions, and the objects that kustomize makes of
it, each with the way back to the file its parts are from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modelmill import kustomize
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.files import read_regular
from modelmill.importers.documents import At, in_file, read_documents
from modelmill.patch import pointer as as_pointer
from modelmill.patch import same
from modelmill.regexes import regex
from modelmill.resource import Resource
from modelmill.tree import Node
from modelmill.tuples import NamedTuple
from modelmill.validation.faults import Path as FieldPath
from modelmill.validation.faults import at
from modelmill.validation.manifests import WORDS, Manifests, read, resource_of
from modelmill.validation.origins import closest_in
from modelmill.validation.subjects import Subject
from modelmill.yaml_faults import text_of

FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
DEEPEST = 32
MOST_TAKEN_IN = 1000
MAX_BYTES = 16 << 20
LEADING_IN = ("resources", "bases", "components")
_is_remote = regex(
    r"^(https?://|ssh://|git@|git::|oci://|github\.com/|gitlab\.com/|bitbucket\.org/)|[?&]ref=|//"
)


class Item(NamedTuple):
    """An object as it stands in a file of a kustomization."""

    resource: Resource
    node: Node


class Patch(NamedTuple):
    """One entry of a list of patches: its node, its target (None: the patch says it itself), and
    its content, where that can be read."""

    entry: Node
    target: Node | None
    contents: tuple[Node, ...]


class Kustomization(NamedTuple):
    """A kustomization file. `remotes`: what it takes in that is not on this disk."""

    folder: str
    file: str
    node: Node
    items: tuple[Item, ...]
    below: tuple[Kustomization, ...]
    patches: tuple[Patch, ...]
    remotes: tuple[Node, ...]
    is_component: bool
    findings: tuple[Diagnostic, ...]
    """Of its own files, apart from what it takes in."""

    def everything(self) -> Iterator[Kustomization]:
        """This one and all it takes in, each time it does."""
        yield self
        for each in self.below:
            yield from each.everything()

    @property
    def all_items(self) -> list[Item]:
        return [item for each in self.everything() for item in each.items]

    @property
    def is_whole(self) -> bool:
        """Whether all that it takes in is known: nothing is remote, or of a chart or plugin."""
        made = ("helmCharts", "generators", "transformers", "helmChartInflationGenerator")
        return not any(
            each.remotes or any(each.node.get(key) for key in made) for each in self.everything()
        )

    def field(self, *path: str | int) -> Node | None:
        return self.node.get(*path)

    def listed(self, key: str) -> list[Node]:
        """The entries of a list of the file."""
        node = self.node.get(key)
        return node.value if node is not None and isinstance(node.value, list) else []


def read_kustomization(
    directory: Path,
    folder: str,
    texts: dict[str, str],
    above: tuple[str, ...] = (),
    taken: list[str] | None = None,
) -> Kustomization:
    """A folder's kustomization and those it takes in. `texts` gets what reports quote; `taken` is
    all that have been read for the one on top, each time they are taken in."""
    taken = [] if taken is None else taken
    taken.append(folder)
    if len(taken) > MOST_TAKEN_IN:
        message = f"more than {MOST_TAKEN_IN:,} kustomizations are taken in"
        raise CompileError([error("V100", message, Span(folder, 1, 1))])
    names = (os.path.normpath(os.path.join(folder, each)) for each in FILES)
    file = next((each for each in names if _is_own_file(directory, folder, each)), None)
    if file is None:
        raise CompileError([error("V100", f"`{folder}` has no kustomization.yaml")])
    root = _document(directory, file, texts)
    items: list[Item] = []
    below: list[Kustomization] = []
    remotes: list[Node] = []
    findings: list[Diagnostic] = []
    for key in LEADING_IN:
        node = root.get(key)
        for entry in node.value if node is not None and isinstance(node.value, list) else []:
            if not isinstance(entry.value, str):
                continue
            place = os.path.normpath(os.path.join(folder, entry.value))
            if (directory / place).is_dir():
                if place in above or len(above) >= DEEPEST:
                    message = (
                        f"`{entry.value}` leads back to a kustomization that takes this one in"
                    )
                    raise CompileError([error("V100", message, entry.span)])
                inside = (*above, folder)
                below.append(read_kustomization(directory, place, texts, inside, taken))
            elif _is_own_file(directory, folder, place):
                found = _manifests(directory, place, texts)
                items += [Item(resource, node) for resource, node in found.objects]
                findings += found.findings
            elif _is_remote.search(entry.value):
                remotes.append(entry)
    patches = tuple(_patches(directory, folder, root, texts))
    kind = root.get("kind")
    is_component = kind is not None and kind.value == "Component"
    return Kustomization(
        folder,
        file,
        root,
        tuple(items),
        tuple(below),
        patches,
        tuple(remotes),
        is_component,
        tuple(findings),
    )


def built(tool: kustomize.Kustomize, directory: Path, tree: Kustomization) -> tuple[Subject, ...]:
    """The objects that kustomize makes. Their places are those of the files they are from."""
    text = kustomize.build(tool, tree.folder, root=str(directory), gomaxprocs=1)
    name = f"kustomize build {tree.folder}"
    roots = read_documents(text, in_file(name), WORDS).roots
    found = []
    for resource in filter(None, map(resource_of, roots)):
        found.append(Subject(resource, _Place(tree, resource, source_of(tree, resource)), name))
    return tuple(found)


class _Place(NamedTuple):
    """The way from a path in a built object to a line."""

    tree: Kustomization
    resource: Resource
    source: Item | None

    def __call__(self, path: FieldPath, at_key: bool) -> Span:
        value = at(self.resource.body, *path)
        if self.source is not None and same(at(self.source.resource.body, *path), value):
            node = self.source.node.nearest(*path)
            return node.key_span if at_key else node.span
        contents = [
            node
            for each in self.tree.everything()
            for patch in each.patches
            for node in patch.contents
        ]
        operation = _operation_at(contents, path)
        if operation is not None:
            return operation.span
        found = closest_in(contents, path, value)
        if found is None and self.source is not None:
            found = self.source.node.nearest(*path)
        if found is None:
            return Span(self.tree.file, 1, 1)
        return found.key_span if at_key else found.span


def _operation_at(contents: Sequence[Node], path: FieldPath) -> Node | None:
    """The path of the last operation of a JSON 6902 patch that is at a place, or above it."""
    pointer, last = f"{as_pointer(path)}/", None
    for content in contents:
        for operation in content.value if isinstance(content.value, list) else ():
            place = operation.get("path")
            if place is not None and pointer.startswith(f"{place.value}/"):
                last = place
    return last


def source_of(tree: Kustomization, resource: Resource) -> Item | None:
    """The object in a file that a built one was: of its kind, and of its name but for what
    prefixes, suffixes and hashes add."""
    group = resource.api_version.rpartition("/")[0]
    alike = [
        item
        for item in tree.all_items
        if item.resource.kind == resource.kind
        and item.resource.api_version.rpartition("/")[0] == group
        and item.resource.name in resource.name
    ]
    return max(alike, key=lambda item: len(item.resource.name), default=None)


def _manifests(directory: Path, file: str, texts: dict[str, str]) -> Manifests:
    data = _bytes(directory, file)
    texts[file] = data.decode("utf-8", "replace")
    return read(file, data)


def _is_own_file(directory: Path, folder: str, file: str) -> bool:
    """Whether kustomize would read a file: one in the kustomization's folder, links followed
    (LoadRestrictionsRootOnly). What is quoted of another could be anybody's."""
    place = directory / file
    return place.is_file() and place.resolve().is_relative_to((directory / folder).resolve())


def _bytes(directory: Path, file: str) -> bytes:
    try:
        return read_regular(directory, file, MAX_BYTES, follow_links=True)
    except CompileError as fault:
        raise CompileError(each._replace(code="V100") for each in fault.diagnostics) from None


def _patches(directory: Path, folder: str, root: Node, texts: dict[str, str]) -> Iterator[Patch]:
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        node = root.get(key)
        for entry in node.value if node is not None and isinstance(node.value, list) else []:
            if isinstance(entry.value, str):
                yield Patch(entry, None, tuple(_contents(directory, folder, entry, texts)))
            elif isinstance(entry.value, dict):
                given = entry.get("path") or entry.get("patch")
                contents = _contents(directory, folder, given, texts) if given else ()
                yield Patch(entry, entry.get("target"), tuple(contents))


def _contents(directory: Path, folder: str, given: Node, texts: dict[str, str]) -> Sequence[Node]:
    """The documents of a patch: of the file it names, or written in the kustomization itself."""
    if not isinstance(given.value, str):
        return ()
    file = os.path.normpath(os.path.join(folder, given.value)) if "\n" not in given.value else ""
    try:
        if file and _is_own_file(directory, folder, file):
            data = _bytes(directory, file)
            texts[file] = data.decode("utf-8", "replace")
            return read_documents(texts[file], in_file(file), WORDS).roots
        return read_documents(given.value, _inside(given, texts), WORDS).roots
    except CompileError:
        return ()  # kustomize itself says what it cannot read.


def _inside(given: Node, texts: Mapping[str, str]) -> At:
    """Places of a text that is written in a block of another file."""
    path, line, _, _ = given.place
    below = texts[path].splitlines()[line : line + 1]
    indent = len(below[0]) - len(below[0].lstrip()) if below else 0
    return lambda row, column, width: (path, line + row, indent + column, width)


def _document(directory: Path, file: str, texts: dict[str, str]) -> Node:
    data = _bytes(directory, file)
    texts[file] = data.decode("utf-8", "replace")
    roots = read_documents(text_of(file, data), in_file(file), WORDS).roots
    if len(roots) != 1 or not isinstance(roots[0].value, dict):
        message = "this is no kustomization: a kustomization is one mapping"
        raise CompileError([error("V100", message, Span(file, 1, 1))])
    return roots[0]
