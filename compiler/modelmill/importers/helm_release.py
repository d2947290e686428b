"""Helm releases of the llm-d ModelService chart as Models.

In: each release's values files, name and namespace. Out: the files of its Model, and findings: what
the chart got wrong, what cannot be carried, and every difference between what runs and what the
Model compiles to, which is compiled here to be sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from modelmill.diagnostics import Diagnostic, Span, error, has_errors
from modelmill.importers.chart_comments import Comments, remarks_of
from modelmill.importers.chart_model import Adopted, model_of
from modelmill.importers.helm import Values, read_values
from modelmill.importers.hoisting import common, without
from modelmill.importers.model_text import model_text
from modelmill.importers.modelservice_chart import Rendered, render
from modelmill.importers.writing import SCHEMA, Imported, base_name, preset_text, written
from modelmill.tuples import NamedTuple

ABOUT = "What several Helm releases say alike."


class Release(NamedTuple):
    """A release: its values files in the order of `-f`, and whose rules its chart follows."""

    files: Sequence[tuple[str, bytes]]
    name: str
    namespace: str
    generation: str


class _Read(NamedTuple):
    release: Release
    values: Values
    rendered: Rendered
    adopted: Adopted


class _Preset(NamedTuple):
    """What the releases say alike; an empty spec where that is nothing."""

    name: str
    spec: dict[str, Any]


class _Draft(NamedTuple):
    tree: dict[str, Any]
    comments: Comments


def import_releases(releases: Sequence[Release], folders: tuple[str, str], shared: str) -> Imported:
    """Models of releases below the models and presets `folders`; what several say alike becomes a
    preset named `shared`."""
    read: list[_Read] = []
    findings: list[Diagnostic] = []
    for release in releases:
        values = read_values(release.files)
        rendered = render(values, release.name, release.namespace, release.generation)
        findings += rendered.findings
        if rendered.roles and rendered.model is not None and not has_errors(rendered.findings):
            read.append(_Read(release, values, rendered, model_of(rendered)))
        elif not has_errors(rendered.findings):
            findings.append(_nothing(release))
    specs = [each.adopted.tree["spec"] for each in read]
    preset = _Preset(shared, common(specs) if len(read) > 1 else {})
    models, presets = folders
    drafts = [_draft(each, preset) for each in read]
    files = {}
    if preset.spec:
        remarks = {k: v for draft in reversed(drafts) for k, v in draft.comments.remarks[1].items()}
        files[f"{presets}/{shared}.yaml"] = preset_text(shared, preset.spec, ABOUT, remarks)
    beside = dict(files)
    for each, draft in zip(read, drafts, strict=True):
        path = f"{models}/{each.adopted.name}.yaml"
        files[path], found = written(
            path,
            draft.tree,
            partial(_spelt, each, draft.comments),
            beside,
            each.rendered.objects,
            [f.name for f in each.rendered.roles.values() if f.native_multi_node],
        )
        findings += found
    lost = dict.fromkeys(line for draft in drafts for line in draft.comments.lost)
    return Imported(files, tuple(findings), tuple(lost))


def _draft(each: _Read, preset: _Preset) -> _Draft:
    """The Model over the preset, and where the comments of its values stand in both."""
    tree = dict(each.adopted.tree)
    if preset.spec:
        spec = without(tree.pop("spec"), preset.spec)
        tree = {**tree, "extends": [preset.name], "spec": spec}
    trees = [tree, {"spec": preset.spec}]
    return _Draft(tree, remarks_of(each.values, each.rendered, trees))


def _nothing(release: Release) -> Diagnostic:
    message = f"the release `{release.name}` serves nothing: neither decode nor prefill is created"
    return error(
        "I801", message, Span(release.files[0][0], 1, 1), "there is no Model to make of it"
    )


def _spelt(each: _Read, comments: Comments, tree: dict[str, Any]) -> str:
    names = ", ".join(base_name(name) for name, _ in each.release.files)
    origin = f"Imported from {names}, release {each.release.name}."
    head = (f"{SCHEMA}model.json", origin, *(("", *comments.head) if comments.head else ()))
    return model_text(head, tree, comments.remarks[0])
