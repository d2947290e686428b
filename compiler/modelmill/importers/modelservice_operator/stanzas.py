"""The templates of a ModelService's own stanzas.

In: its decoded spec and its tree. Out: the spec with its templates evaluated: those of roles' args,
which are all the operator renders; corrected, those of every stanza's image, words and environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelmill.diagnostics import Diagnostic, warning
from modelmill.importers import carried
from modelmill.importers.modelservice_operator.facts import ROLES
from modelmill.importers.modelservice_operator.places import inside
from modelmill.importers.modelservice_operator.templating import (
    Scope,
    printed,
    reference_of,
)
from modelmill.tree import Node

Path = tuple[str | int, ...]
LISTS = ("initContainers", "containers")


def rendered_spec(
    spec: Mapping[str, Any],
    root: Node,
    texts: Mapping[str, str],
    scope: Scope,
    known: Mapping[str, str],
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """The spec, and what is wrong with its templates; `known` are references by variable."""
    renderer = _Renderer(root, texts, scope, known)
    found = dict(spec)
    for stanza in (*ROLES, "endpointPicker"):
        for listed in LISTS:
            given = found.get(stanza, {}).get(listed)
            if given:
                made = [renderer.container(c, (stanza, listed, at)) for at, c in enumerate(given)]
                found[stanza] = {**found[stanza], listed: made}
    return found, tuple(renderer.findings)


class _Renderer:
    def __init__(
        self, root: Node, texts: Mapping[str, str], scope: Scope, known: Mapping[str, str]
    ) -> None:
        self.root = root
        self.texts = texts
        self.scope = scope
        self.known = known
        self.findings: list[Diagnostic] = []

    def container(self, given: dict[str, Any], path: Path) -> dict[str, Any]:
        found = dict(given)
        for key in ("command", "args"):
            if key in found:
                words = enumerate(found[key])
                found[key] = [self.text(word, (*path, key, at)) for at, word in words]
        if "image" in found:
            found["image"] = self.text(found["image"], (*path, "image"))
        if "env" in found:
            entries = enumerate(found["env"])
            found["env"] = [self._entry(each, (*path, "env", at)) for at, each in entries]
        return found

    def _entry(self, entry: dict[str, Any], path: Path) -> dict[str, Any]:
        if "value" not in entry:
            return entry
        return {**entry, "value": self.text(entry["value"], (*path, "value"))}

    def text(self, value: str, path: Path) -> str:
        if "{{" not in value:
            return value
        node = self.root.nearest("spec", *path)
        if not (path[0] in ROLES and path[3] == "args"):
            hint = "write the value it should have"
            if self.scope.as_is:
                message = "the operator renders no template here: it is kept as it stands"
                self.findings.append(warning("I848", message, node.span, hint))
                return value
            message = "the operator renders no template here: it is rendered as it is in args"
            self.findings.append(warning("I848", message, node.span, hint))
        result = printed(value, self.scope, inside(node, self.texts))
        self.findings += result.findings
        reference = reference_of(result.marked, result, self.known) if result.marked else None
        return result.text if reference is None else carried.text(result.text, reference)
