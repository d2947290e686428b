"""What manifests are validated by: a version of Kubernetes, and schemas of custom resources.

In: what options say, and the Project where they say nothing. Out: settings, and Schemas. Raises
ValueError for an option, and a CompileError for the Project's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelmill.diagnostics import CompileError, Span, error
from modelmill.sources import Sources
from modelmill.spec.validation import Validation
from modelmill.tree import Node
from modelmill.validation.crds import source
from modelmill.validation.schemas import Schemas, kubernetes_versions


def settings_of(
    node: Node | None, own: Validation, kubernetes: str | None, *, strict_kinds: bool
) -> Validation:
    """What the options say, and the Project, whose `node` is given, where they say nothing."""
    version = kubernetes or own.kubernetes
    known = kubernetes_versions()
    if version is not None and version not in known:
        message = f"there are no schemas of Kubernetes `{version}`"
        listed = f"{known[0]} to {known[-1]} are known"
        if kubernetes or node is None:
            raise ValueError(f"{message}; {listed}")
        raise CompileError([error("V112", message, _said(node, "kubernetes"), listed)])
    strict = strict_kinds or own.strict_kinds
    return Validation(kubernetes=version or known[-1], schemas=own.schemas, strict_kinds=strict)


def _said(node: Node, *path: str | int) -> Span:
    return node.nearest("validation", *path).span


def schemas_of(
    directory: Path,
    sources: Sources | None,
    settings: Validation,
    given: Sequence[str],
    cache: Path | None,
) -> Schemas:
    """Those of the options, then those of the Project, which are files of the repository: what
    comes with a pull request must not choose what is fetched, or read from elsewhere."""
    assert settings.kubernetes is not None
    version, found = settings.kubernetes, []
    for each in given:
        found.append(source(directory, each, version, cache))
    for index, each in enumerate(settings.schemas if sources is not None else ()):
        assert sources is not None
        root = sources.root
        if "://" in each or not (root / each).resolve().is_relative_to(root.resolve()):
            message = f"the schemas `{each}` are not in the repository"
            hint = "name a folder of it, or give the place with --schemas"
            place = _said(sources.settings.node, "schemas", index)
            raise CompileError([error("V112", message, place, hint)])
        found.append(source(root, each, version, cache))
    return Schemas(version, found)
