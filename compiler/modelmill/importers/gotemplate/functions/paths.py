"""Sprig's paths: https://masterminds.github.io/sprig/paths.html.

In: a path with slashes. Out: a part of it. Paths of the operating system are taken as these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.importers.gotemplate.signatures import Function, function


def _base(path: str) -> str:
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def _directory(path: str) -> str:
    head, slash, _ = path.rpartition("/")
    return _clean(head + slash)


def _clean(path: str) -> str:
    rooted = path.startswith("/")
    kept: list[str] = []
    for name in path.split("/"):
        if name == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif name not in ("", ".") and not (name == ".." and rooted):
            kept.append(name)
    return ("/" if rooted else "") + "/".join(kept) or "."


def _extension(path: str) -> str:
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    return dot + extension if dot else ""


_PATHS: Mapping[str, Any] = {
    "Base": _base,
    "Clean": _clean,
    "Dir": _directory,
    "Ext": _extension,
    "IsAbs": lambda path: path.startswith("/"),
}

FUNCTIONS: Mapping[str, Function] = {
    **{name[0].lower() + name[1:]: function("string", run) for name, run in _PATHS.items()},
    **{f"os{name}": function("string", run) for name, run in _PATHS.items()},
}
