"""LLMInferenceServices as Models, their LLMInferenceServiceConfigs as Presets.

In: the files, and what belongs to them. Out: a Model for each service, a Preset for each
configuration of theirs, and findings. Each Model is compiled here, and what comes of it held
against what the service and its configurations said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from modelmill.accepted import acceptable
from modelmill.diagnostics import Diagnostic, has_errors
from modelmill.importers import llmisvc_findings as told
from modelmill.importers.llmisvc import judged, read
from modelmill.importers.llmisvc.comparing import differences, reworded
from modelmill.importers.llmisvc.composing import Composed
from modelmill.importers.llmisvc.judging import Judged
from modelmill.importers.llmisvc.own import Own, configurations, own_of, without_templates
from modelmill.importers.llmisvc.reading import Document, File, Input
from modelmill.importers.llmisvc_files import (
    environment_text,
    noted,
    over_presets,
    preset_names,
    service_text,
)
from modelmill.importers.llmisvc_model import part_at, part_of, spec_of, together
from modelmill.importers.llmisvc_proof import Made, made_of, path_at
from modelmill.importers.llmisvc_whole import whole_of
from modelmill.importers.writing import Imported, preset_text
from modelmill.spec.documents import Paths
from modelmill.tuples import NamedTuple

Tree = dict[str, Any]
ROUNDS = 24
"""Parts of a resource that a Model may have to keep as they are, and some more."""
REASONS = {"C504": "this tag runs today; pin it when its pods may restart"}
_REASON = "the service runs like this"


class Request(NamedTuple):
    """What to import: service files, and files with what belongs to them.

    namespace       of services that say none
    paths           folders of the repository
    self_contained  whether the Model says what KServe's presets say too
    environment     name of an environment that is made, "" for its namespace's; None for none
    """

    files: Sequence[File]
    beside: Sequence[File]
    namespace: str
    paths: Paths
    self_contained: bool = False
    environment: str | None = None


class Taken(NamedTuple):
    """A service that can be a Model: what its own layers say, which parts stay as they are, the
    Model's spec whole, and which findings it must accept."""

    service: Document
    composed: Composed
    own: Own
    kept: frozenset[str]
    spec: Tree
    accept: Mapping[str, str]


def import_services(request: Request) -> Imported:
    """Models and presets below the request's folders. Raises CompileError with what cannot be
    read at all."""
    given = read(request.files, request.beside)
    given = given._replace(services=tuple(_placed(e, request.namespace) for e in given.services))
    findings = [each for each in given.findings if each not in _unasked(given)]
    taken: list[Taken] = []
    for each in judged(given, complete=request.self_contained):
        findings += each.findings
        layers = (each.document, *configurations(given, each.document))
        if has_errors(each.findings) or not all(layer.is_sound for layer in layers):
            continue
        found, about = _taken(given, each, request)
        findings += about
        if found is not None:
            taken.append(found)
    files, about = (_contained if request.self_contained else _files)(given, taken, request)
    findings += about
    if taken and request.environment is not None and not request.self_contained:
        files |= _target(taken, request)
    spaces = {each.service.namespace: each.service for each in taken}
    findings += [told.elsewhere(each, taken[0].service) for each in list(spaces.values())[1:]]
    return Imported(files, tuple(findings))


def _target(taken: Sequence[Taken], request: Request) -> dict[str, str]:
    """The environment in which the Models compile to KServe's resources."""
    space = taken[0].service.namespace or "default"
    name = request.environment or space
    mode = "thin" if any(each.own.configs for each in taken) else "full"
    text = environment_text(name, space, mode)
    return {f"{request.paths.overlays}/{name}/environment.yaml": text}


def _unasked(given: Input) -> set[Diagnostic]:
    """What is wrong with configurations beside that no service refers to."""
    used = {id(c) for each in given.services for c in configurations(given, each)}
    apart = (each for each in given.configs if not each.is_main and id(each) not in used)
    return {found for each in apart for found in each.findings}


def _placed(service: Document, namespace: str) -> Document:
    if not namespace or service.namespace:
        return service
    return service._replace(metadata={**service.metadata, "namespace": namespace})


def _taken(given: Input, judged: Judged, request: Request) -> tuple[Taken | None, list[Diagnostic]]:
    service = judged.document
    own = own_of(given, service, judged.composed)
    findings = [*told.about(given, service, judged.composed, own)]
    picker = _picker(service, own.configs)
    kept, accept = frozenset[str](), dict[str, str]()
    path = _path(request, service)
    for _ in range(ROUNDS):
        spec = spec_of(own.spec, kept, whole=True, name=picker)
        text = service_text(service, (), accept, spec)
        made = _made(service, {path: text}, "full")
        errors = [each for each in made.found if each.severity == "error"]
        wrong = [each for each in errors if each.code not in acceptable()]
        apart = [] if made.spec is None else differences(own.spec, made.spec)
        parts = {*_refused(text, path, wrong), *(part_of(each.path) for each in apart)}
        more = {_wider(each, kept) for each in parts if each is not None} - kept
        softened = {e.code: REASONS.get(e.code, _REASON) for e in errors if e.code in acceptable()}
        if not more and softened.keys() <= accept.keys():
            break
        kept, accept = kept | more, {**accept, **softened}
    if wrong:
        return None, [*findings, *(told.refused(service, each) for each in wrong)]
    if made.spec is None:
        return None, [*findings, told.not_made(service)]
    findings += [told.differs(given, service, judged.composed, each) for each in apart]
    for place in reworded(own.spec, made.spec) if not apart else ():
        findings.append(told.reworded(given, service, judged.composed, place))
    findings += told.relabelled(service, noted(service, spec), made.metadata or {})
    return Taken(service, judged.composed, own, kept, spec, accept), findings


def _wider(part: str, kept: Collection[str]) -> str:
    """The part, or what it is in where it is kept already."""
    is_known = part in kept and part.endswith("args")
    return f"{part.removesuffix('args')}template" if is_known else part


def _refused(text: str, path: str, wrong: Sequence[Diagnostic]) -> set[str | None]:
    """Parts of the resource that the refused fields of the Model come from."""
    spans = [each.span for each in wrong if each.span is not None and each.span.path == path]
    return {part_at(path_at(text, span)[1:]) for span in spans}


def _picker(service: Document, configs: Sequence[Document]) -> str:
    """What a picker's configuration is called: like the file that has it."""
    for each in (service, *reversed(configs)):
        scheduler = (each.spec.get("router") or {}).get("scheduler") or {}
        if (scheduler.get("config") or {}).get("inline") is not None:
            return str(each.name)
    return service.name


def _files(
    given: Input, taken: Sequence[Taken], request: Request
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Presets of configurations, and Models over them."""
    configs = {id(config): config for each in taken for config in each.own.configs}
    own = (c for c in given.configs if c.is_main and c.is_sound and not _is_preset(given, c))
    configs |= {id(config): config for config in own}
    names = preset_names(list(configs.values()))
    findings = [told.renamed(c, names[i]) for i, c in configs.items() if names[i] != c.name]
    specs = {key: _preset(config, taken) for key, config in configs.items()}
    findings += [told.says_nothing(configs[key]) for key, spec in specs.items() if not spec]
    presets = {
        key: preset_text(names[key], specs[key], told.origin(configs[key]), {})
        for key in configs
        if specs[key]
    }
    files = {_preset_path(request, names[key]): text for key, text in presets.items()}
    for each in taken:
        under = [id(config) for config in each.own.configs if id(config) in presets]
        extends = [names[key] for key in under]
        spec = over_presets(each.spec, [specs[key] for key in under])
        path = _path(request, each.service)
        files[path] = service_text(each.service, extends, each.accept, spec)
        here = {path: files[path], **{_preset_path(request, names[k]): presets[k] for k in under}}
        findings += _proven(each, path, here, {names[key]: configs[key] for key in under})
    return files, list(dict.fromkeys(findings))


def _contained(
    given: Input, taken: Sequence[Taken], request: Request
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Models that need none of KServe's presets."""
    files: dict[str, str] = {}
    findings: list[Diagnostic] = []
    for each in taken:
        service, path = each.service, _path(request, each.service)
        whole = whole_of(each.spec, each.composed, service.metadata, given.platform)
        spec, accept = together(whole.spec), dict[str, str]()
        for _ in range(2):
            files[path] = service_text(service, (), accept, spec)
            found = _made(service, {path: files[path]}, target="llm-d").found
            errors = [d for d in found if d.severity == "error"]
            codes = [d.code for d in errors if d.code in acceptable()]
            accept = {code: REASONS.get(code, _REASON) for code in codes}
        findings += [*(told.lost(service, what) for what in whole.lost), *errors]
    return files, findings


def _preset(config: Document, taken: Sequence[Taken]) -> Tree:
    """The Preset of a configuration; it keeps what one of its services has to keep."""
    users = [each for each in taken if any(config is own for own in each.own.configs)]
    kept = frozenset[str]().union(*(each.kept for each in users))
    return spec_of(without_templates(config.spec), kept, whole=False, name=config.name)


def _proven(
    taken: Taken, path: str, files: Mapping[str, str], configs: Mapping[str, Document]
) -> list[Diagnostic]:
    """What comes of a Model over its Presets, written full and thin."""
    made = _made(taken.service, files, "full")
    found = [each for each in made.found if each.severity == "error"]
    apart = differences(taken.own.spec, made.spec) if made.spec is not None else []
    if configs and made.spec is not None:
        thin = _made(taken.service, files, "thin")
        apart += differences(taken.own.spec, thin.spec) if thin.spec is not None else []
        for name, config in configs.items():
            there = thin.configs.get(name) or thin.configs.get(f"{name}-pd") or {}
            missing = differences(without_templates(config.spec), there)
            found += told.comes_out(config, missing) if missing else []
    return [*found, *(told.is_another(path, each) for each in apart)]


def _made(
    service: Document, files: Mapping[str, str], mode: str = "full", *, target: str = "kserve"
) -> Made:
    """What files make in an environment of the service's namespace."""
    text = environment_text(target, service.namespace or "default", mode, target=target)
    return made_of({**files, f"overlays/{target}/environment.yaml": text})


def _is_preset(given: Input, config: Document) -> bool:
    """Whether it is KServe's own, which the cluster has."""
    return config.name.startswith(f"{given.platform.prefix}config-llm-")


def _path(request: Request, service: Document) -> str:
    return f"{request.paths.models}/{service.name}.yaml"


def _preset_path(request: Request, name: str) -> str:
    return f"{request.paths.presets}/{name}.yaml"
