"""Patches that an overlay keeps in files beside it, read as if they were written in it.

In: an overlay and the files. Out: the overlay with their operations in place, each at its own line.
"""

from __future__ import annotations

from modelmill.catalog import Document, read_document
from modelmill.diagnostics import CompileError, Diagnostic, Note, error
from modelmill.files import Files
from modelmill.syntax import parse_any
from modelmill.tree import Node


def with_patch_files(files: Files, overlay: Document, texts: dict[str, str]) -> Document:
    """The overlay with every `patches.NAME.path` replaced by what the file holds."""
    patches = {name: patch.path for name, patch in overlay.record.patches.items() if patch.path}
    if not patches:
        return overlay
    root = overlay.node
    entries = dict(root.value["patches"].value)
    problems: list[Diagnostic] = []
    read: dict[str, Node] = {}
    for name in patches:
        try:
            entries[name] = _filled(files, overlay, entries[name], texts, read)
        except CompileError as fault:
            here = Note("the file is named here", entries[name].nearest("path").span)
            problems += [
                d if d.span == here.span else d._replace(notes=(*d.notes, here))
                for d in fault.diagnostics
            ]
    if problems:
        raise CompileError(problems)
    section = root.value["patches"]
    whole = {**root.value, "patches": Node(entries, section.place, section.key)}
    filled = read_document(overlay.path, Node(whole, root.place, root.key))
    return filled._replace(parts=tuple(_beside(overlay, path) for path in patches.values()))


def _filled(
    files: Files, overlay: Document, entry: Node, texts: dict[str, str], read: dict[str, Node]
) -> Node:
    """`read` holds what files hold, each of which is read once however often it is named."""
    written = entry.value["path"]
    if {"", ".", ".."} & set(written.value.split("/")):
        message = f"`path` must be a file below the overlay's folder, not `{written.value}`"
        raise CompileError(
            [error("S405", message, written.span, "for example `patches/zone.yaml`")]
        )
    path = _beside(overlay, written.value)
    if path not in read:
        data = files.read(path)
        texts[path] = data.decode("utf-8", "replace")
        read[path] = parse_any(path, data)
    fields = {key: node for key, node in entry.value.items() if key != "path"}
    operations = Node(read[path].value, read[path].place, written.key)
    return Node({**fields, "operations": operations}, entry.place, entry.key)


def _beside(overlay: Document, path: str) -> str:
    return f"{overlay.path.rpartition('/')[0]}/{path}"
