"""Which files of a repository are its inputs.

In: a tree of files, and the folders that modelmill.yaml names. Out: paths in order, and what is
wrong with a folder. Never: what a file says, or through a symbolic link.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelmill.catalog import Document
from modelmill.diagnostics import CompileError, Diagnostic, Span, error
from modelmill.files import Files, is_link, refused
from modelmill.spec.documents import Paths

MAX_FOLDERS = 16
ENDINGS = (".yaml", ".yml")
NEARLY = (*ENDINGS, ".json", ".yaml.txt", ".yml.txt")
"""Endings of what somebody took for an input; left unread, its output would be deleted."""


def check_folders(settings: Document) -> None:
    """Folders must be inside the repository and apart: generated/ is pruned."""
    paths = settings.record.paths
    folders = {
        name: getattr(paths, name) for name in ("models", "presets", "overlays", "generated")
    }
    problems = []
    for name, folder in folders.items():
        span = settings.node.nearest("paths", name).span
        if folder.startswith("/") or {"", ".", "..", ".git"} & set(folder.split("/")):
            message = f"`{name}` must be a folder inside the repository, not `{folder}`"
            problems.append(error("N205", message, span, f"for example `{name}`"))
    for name, folder in folders.items():
        for other, beside in folders.items():
            if name < other and (
                f"{folder}/".startswith(f"{beside}/") or f"{beside}/".startswith(f"{folder}/")
            ):
                problems.append(_overlap(settings, (name, folder), (other, beside)))
    if problems:
        raise CompileError(problems)


def _overlap(settings: Document, one: tuple[str, str], other: tuple[str, str]) -> Diagnostic:
    """Reported at the folder that was written down, as the other may be a default."""
    written = settings.node.get("paths")
    (name, folder), (beside, taken) = one, other
    if written is not None and written.get(name) is None:
        (name, folder), (beside, taken) = (beside, taken), (name, folder)
    return error(
        "N205",
        f"`{name}: {folder}` and `{beside}: {taken}` overlap; each needs a folder of its own",
        settings.node.nearest("paths", name).span,
    )


def model_files(files: Files, paths: Paths, problems: list[Diagnostic]) -> list[str]:
    """The files that hold models, or what else was put there."""
    return sorted(_yaml_below(files, paths.models, problems))


def other_files(files: Files, paths: Paths, problems: list[Diagnostic]) -> list[str]:
    """The files of presets and environments."""
    found = sorted(_yaml_below(files, paths.presets, problems))
    for name in _folders_in(files, paths.overlays, problems):
        path = f"{paths.overlays}/{name}/environment.yaml"
        if any(e.name == "environment.yaml" for e in files.entries(f"{paths.overlays}/{name}")):
            found.append(path)
        else:
            problems.append(
                error(
                    "N207",
                    f"`{paths.overlays}/{name}` has no environment.yaml",
                    Span(path, 1, 1),
                    "every folder there is one environment: add the file, or move the folder away",
                )
            )
    return found


def _yaml_below(
    files: Files, folder: str, problems: list[Diagnostic], depth: int = 0
) -> Iterator[str]:
    """YAML files in folders; names that begin with a dot are passed over."""
    if depth > MAX_FOLDERS:
        problems.extend(refused(folder, f"folders nest deeper than {MAX_FOLDERS}").diagnostics)
        return
    for entry in files.entries(folder):
        path = f"{folder}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.kind == "link":
            problems.extend(is_link(path).diagnostics)
        elif entry.kind == "folder":
            yield from _yaml_below(files, path, problems, depth + 1)
        elif entry.name.endswith(ENDINGS):
            yield path
        elif entry.name.lower().endswith(NEARLY):
            problems.append(
                error(
                    "N209",
                    f"`{entry.name}` does not end in .yaml or .yml, so it would not be read",
                    Span(path, 1, 1),
                    "rename it, or move it out of this folder",
                )
            )


def _folders_in(files: Files, folder: str, problems: list[Diagnostic]) -> list[str]:
    found = []
    for entry in files.entries(folder):
        if entry.kind == "link":
            problems.extend(is_link(f"{folder}/{entry.name}", "folder").diagnostics)
        elif entry.kind == "folder" and not entry.name.startswith("."):
            found.append(entry.name)
    return sorted(found)
