"""ModelServices of the llm-d operator as Models, their BaseConfigs as Presets.

In: the files, and what the operator was started with. Out: a Model for each ModelService, a Preset
for each BaseConfig that they share, and findings. Models are compiled here and held against the
operator's own objects, or the corrected ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from modelmill.diagnostics import Diagnostic, Span, error, has_errors, warning
from modelmill.importers.model_text import model_text
from modelmill.importers.modelservice_operator import (
    ROLES,
    Settings,
    Source,
    read,
    render,
)
from modelmill.importers.operator_model import Adopted, adopted, flattened, over_preset
from modelmill.importers.writing import SCHEMA, Imported, base_name, preset_text, written
from modelmill.spec.documents import API_VERSION
from modelmill.tree import Node, word
from modelmill.tuples import NamedTuple

File = tuple[str, bytes]


class Request(NamedTuple):
    """What to import: ModelService files, BaseConfig files, the operator's settings."""

    modelservices: Sequence[File]
    baseconfigs: Sequence[File]
    settings: Settings
    as_is: bool


class _Read(NamedTuple):
    source: Source
    file: str
    whole: Adopted
    base: Adopted


def import_modelservices(request: Request, folders: tuple[str, str]) -> Imported:
    """Models and presets below the models and presets `folders`."""
    findings: list[Diagnostic] = []
    taken: list[_Read] = []
    for file in request.modelservices:
        base_file, told = _baseconfig(file, request.baseconfigs)
        source = read(file, base_file)
        rendered = render(source, request.settings, as_is=request.as_is)
        findings += [*told, *rendered.findings]
        if rendered.facts is None or has_errors(rendered.findings):
            continue
        if not rendered.children:
            findings.append(_nothing(file[0], source))
            continue
        base = render(_silent(source), request.settings, as_is=request.as_is)
        scaled = rendered.facts.decouple_scaling and not request.as_is
        if scaled:
            findings.append(_left_to_a_scaler(source))
        twice = _twice(flattened(rendered.children))
        if twice:
            findings.append(_overwritten(file[0], twice))
            continue
        whole = adopted(rendered, scaled=scaled)
        known = base if base.facts is not None else rendered
        taken.append(_Read(source, file[0], whole, adopted(known, scaled=scaled)))
    files, found = _files(taken, folders)
    return Imported(files, (*findings, *found))


def _files(
    taken: Sequence[_Read], folders: tuple[str, str]
) -> tuple[dict[str, str], list[Diagnostic]]:
    models, presets = folders
    files: dict[str, str] = {}
    findings: list[Diagnostic] = []
    groups: dict[str, list[_Read]] = {}
    for each in taken:
        name = _preset_name(each.source) if each.source.baseconfig is not None else ""
        groups.setdefault(name, []).append(each)
    for name, group in groups.items():
        bases = [each.base for each in group] if name else []
        preset, specs = over_preset([each.whole for each in group], bases)
        beside: dict[str, str] = {}
        if preset:
            about = f"Imported from the BaseConfig {group[0].source.baseconfig_name or name}."
            beside[f"{presets}/{name}.yaml"] = preset_text(name, preset, about, {})
        files |= beside
        for each, spec in zip(group, specs, strict=True):
            path = f"{models}/{each.whole.name}.yaml"
            tree = _tree(each.whole.name, [name] if preset else [], spec)
            files[path], found = written(
                path, tree, partial(_spelt, each), beside, each.whole.objects
            )
            findings += found
    return files, findings


def _tree(name: str, extends: list[str], spec: Mapping[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": API_VERSION, "kind": "Model", "metadata": {"name": name}}
    return {**head, **({"extends": extends} if extends else {}), "spec": dict(spec)}


def _spelt(each: _Read, tree: dict[str, Any]) -> str:
    origin = f"Imported from {base_name(each.file)}, ModelService {each.source.name}."
    return model_text((f"{SCHEMA}model.json", origin), tree, {})


def _baseconfig(file: File, baseconfigs: Sequence[File]) -> tuple[File | None, list[Diagnostic]]:
    """The BaseConfig a ModelService refers to by name, else the only one that was given; and what
    to say where it is another, or none."""
    source = read(file, None)
    names = {}
    for each in baseconfigs:
        node = read(file, each).baseconfig
        names[word(node.get("metadata", "name")) if node is not None else ""] = each
    wanted = source.baseconfig_name
    if wanted in names or (not wanted and len(baseconfigs) != 1):
        return names.get(wanted), []
    only = next(iter(names)) if len(names) == 1 else None
    instead = f"`{only}` is taken" if only is not None else "it is taken over without one"
    found = warning(
        "I847",
        f"the BaseConfig `{wanted}` of `{source.name}` was not given: {instead}",
        source.modelservice.nearest("spec", "baseConfigMapRef", "name").span,
        "name its file with --baseconfig",
    )
    return (names[only] if only is not None else None), [found] if wanted else []


def _preset_name(source: Source) -> str:
    name = source.baseconfig.get("metadata", "name") if source.baseconfig is not None else None
    return word(name) or "baseconfig"


def _silent(source: Source) -> Source:
    """The ModelService with nothing of its own but what makes it one: roles that its BaseConfig has
    are left empty, others are gone."""
    document = source.modelservice
    spec = document.get("spec")
    if spec is None:
        return source
    kept = {key: node for key, node in spec.value.items() if key in ("routing", "modelArtifacts")}
    routing = kept.get("routing")
    if routing is not None and isinstance(routing.value, dict):
        own = {k: v for k, v in routing.value.items() if k != "gatewayRefs"}
        kept["routing"] = Node(own, routing.place, routing.key)
    data = source.baseconfig.get("data") if source.baseconfig is not None else None
    for role in ROLES:
        if data is not None and data.get(f"{role}Deployment") is not None:
            kept[role] = Node({}, spec.place, spec.key)
    bare = Node(kept, spec.place, spec.key)
    return source._replace(
        modelservice=Node({**document.value, "spec": bare}, document.place, document.key)
    )


def _left_to_a_scaler(source: Source) -> Diagnostic:
    message = (
        "with `decoupleScaling` the operator leaves the pods' number alone, though its dry run "
        "prints `replicas`: they are left out"
    )
    span = source.modelservice.nearest("spec", "decoupleScaling").key_span
    return warning("I850", message, span, "see that something scales the Deployments")


def _twice(objects: Sequence[Mapping[str, Any]]) -> str:
    """The first object of which there is another of the same kind and name; "" if there is none."""
    seen = set()
    for body in objects:
        identity = f"{body['kind']} `{body['metadata']['name']}`"
        if identity in seen:
            return identity
        seen.add(identity)
    return ""


def _overwritten(file: str, what: str) -> Diagnostic:
    message = f"the operator makes two objects {what}, of which the later overwrites the first"
    return error("I843", message, Span(file, 1, 1), "import it without --as-is, or rename it")


def _nothing(file: str, source: Source) -> Diagnostic:
    message = f"the operator makes nothing of the ModelService `{source.name}`"
    return error("I831", message, Span(file, 1, 1), "give it a decode stanza, or its BaseConfig")
