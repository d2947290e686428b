"""Helm releases of the llm-d ModelService chart as Models.

In: each release's values files, name and namespace. Out: the files of its Model, and findings: what
the chart got wrong, what cannot be carried, and every difference between what runs and what the
Model compiles to, which is compiled here to be sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelmill.accepted import ACCEPTABLE
from modelmill.diagnostics import Diagnostic, Span, error, has_errors, warning
from modelmill.importers.chart_comments import Comments, remarks_of
from modelmill.importers.chart_model import Adopted, model_of
from modelmill.importers.helm import Values, read_values
from modelmill.importers.hoisting import common, without
from modelmill.importers.model_text import Path, Remark, model_text
from modelmill.importers.modelservice_chart import Rendered, render
from modelmill.importers.proof import Proof, prove
from modelmill.spec.documents import API_VERSION

REASONS: Mapping[str, str] = {
    "C504": "this tag runs today; pin it when its pods may restart",
    "C507": "the release asks for as many",
}
_REASON = "the release runs like this"


class Release(NamedTuple):
    """A release: its values files in the order of `-f`, and whose rules its chart follows."""

    files: Sequence[tuple[str, bytes]]
    name: str
    namespace: str
    generation: str


class Imported(NamedTuple):
    """Files by path, findings, and the text of comments that have no place in them."""

    files: Mapping[str, str]
    findings: tuple[Diagnostic, ...]
    lost: tuple[str, ...]


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
        files[f"{presets}/{shared}.yaml"] = _preset_text(preset, remarks)
    beside = dict(files)
    for each, draft in zip(read, drafts, strict=True):
        path = f"{models}/{each.adopted.name}.yaml"
        files[path], found = _written(each, draft, path, beside)
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


def _written(
    each: _Read, draft: _Draft, path: str, beside: Mapping[str, str]
) -> tuple[str, list[Diagnostic]]:
    """The Model's text, with what it must accept to compile; what is wrong with it all the same."""
    text = _text(each, draft.tree, draft.comments)
    proof = prove(path, {**beside, path: text}, each.rendered.objects)
    accept = {
        found.code: REASONS.get(found.code, _REASON)
        for found in proof.found
        if found.severity == "error" and found.code in ACCEPTABLE
    }
    if accept:
        head = {key: value for key, value in draft.tree.items() if key != "spec"}
        tree = {**head, "accept": dict(sorted(accept.items())), "spec": draft.tree["spec"]}
        text = _text(each, tree, draft.comments)
        proof = prove(path, {**beside, path: text}, each.rendered.objects)
    return text, list(_judged(each, path, proof))


def _text(each: _Read, tree: dict[str, Any], comments: Comments) -> str:
    names = (name.replace("\\", "/").rpartition("/")[2] for name, _ in each.release.files)
    origin = f"Imported from {', '.join(names)}, release {each.release.name}."
    schema = "yaml-language-server: $schema=../schemas/model.json"
    head = (schema, origin, *(("", *comments.head) if comments.head else ()))
    return model_text(head, tree, comments.remarks[0])


def _preset_text(preset: _Preset, remarks: Mapping[Path, Remark]) -> str:
    tree = {
        "apiVersion": API_VERSION,
        "kind": "Preset",
        "metadata": {"name": preset.name},
        "spec": preset.spec,
    }
    schema = "yaml-language-server: $schema=../schemas/preset.json"
    return model_text((schema, "What several Helm releases say alike."), tree, remarks)


def _judged(each: _Read, path: str, proof: Proof) -> Sequence[Diagnostic]:
    found = [d for d in proof.found if d.severity == "error"]
    multi_node = {f.name for f in each.rendered.roles.values() if f.native_multi_node}
    for difference in proof.differences or ():
        _, name = difference.split(",")[0].split(" ")[:2]
        if name not in multi_node:
            hint = "the pods it concerns are replaced when the Model is applied"
            found.append(warning("I820", difference, Span(path, 1, 1), hint))
    return found
