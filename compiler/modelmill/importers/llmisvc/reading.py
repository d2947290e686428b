"""Files with LLMInferenceServices and what belongs to them, read as the API server would.

In: files. Out: services, configurations, ConfigMaps and the platform's settings, with the places of
their values; and findings: what KServe's CRDs do not know or refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelmill import gotypes
from modelmill.diagnostics import (
    CompileError,
    Diagnostic,
    Span,
    did_you_mean,
    error,
    has_errors,
    warning,
)
from modelmill.gotypes import Vocabulary
from modelmill.importers.documents import Words, in_file, read_documents
from modelmill.importers.helm.reading import MAX_BYTES
from modelmill.importers.llmisvc.composing import Config
from modelmill.importers.llmisvc.platform import Platform, Unreadable, platform_of
from modelmill.importers.llmisvc.versions import upgraded
from modelmill.kserve import types
from modelmill.tree import Node, plain, word
from modelmill.tuples import NamedTuple
from modelmill.yaml_faults import text_of

GROUP = "serving.kserve.io/"
VERSIONS = ("v1alpha1", "v1alpha2")
SERVICE, CONFIG = "LLMInferenceService", "LLMInferenceServiceConfig"
PLATFORM = "inferenceservice-config"
_BOM = b"\xef\xbb\xbf"
_WORDS = Words("I851", "I851", "the API server")

File = tuple[str, bytes]


class Document(NamedTuple):
    """A service or a configuration: its tree, its metadata and spec as Go has them, and what is
    wrong with it. `is_main`: it stands in a file that is asked about, not in one beside."""

    node: Node
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    findings: tuple[Diagnostic, ...] = ()
    is_main: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether the API server would take it."""
        return not has_errors(self.findings)

    @property
    def name(self) -> str:
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))


class Input(NamedTuple):
    """What was read. `config_maps`: data of ConfigMaps by namespace and name."""

    services: tuple[Document, ...]
    configs: tuple[Document, ...]
    config_maps: Mapping[tuple[str, str], Mapping[str, str]]
    platform: Platform
    findings: tuple[Diagnostic, ...]

    @property
    def layers(self) -> list[Config]:
        return [Config(each.name, each.namespace, each.spec) for each in self.configs]


def read(files: Sequence[File], beside: Sequence[File] = ()) -> Input:
    """Services of `files`; configurations and ConfigMaps of both. Raises CompileError with what
    cannot be read at all."""
    services: list[Document] = []
    configs: list[Document] = []
    maps: dict[tuple[str, str], Mapping[str, str]] = {}
    platform, findings = Platform(), list[Diagnostic]()
    for root, is_main in _roots(files, beside, findings):
        kind, version = _said(root, "kind"), _said(root, "apiVersion")
        if kind in (SERVICE, CONFIG) and version.startswith(GROUP):
            document = _document(root, kind, version)._replace(is_main=is_main)
            findings += document.findings
            if kind == CONFIG:
                configs.append(document)
            elif is_main:
                services.append(document)
        elif kind == "ConfigMap":
            name, data = _said(root, "metadata", "name"), _texts(root)
            maps[_said(root, "metadata", "namespace"), name] = data
            if name == PLATFORM:
                platform = _platform(root, data, findings)
        elif is_main and root.value is not None:
            message = f"a {kind or 'document without a kind'} is left as it is"
            hint = "keep it beside the models, or under a model's `extraObjects`"
            findings.append(warning("I856", message, root.span, hint))
    return Input(tuple(services), tuple(configs), maps, platform, tuple(findings))


def _roots(
    files: Sequence[File], beside: Sequence[File], findings: list[Diagnostic]
) -> Iterable[tuple[Node, bool]]:
    problems: list[Diagnostic] = []
    found: list[tuple[Node, bool]] = []
    for group, is_main in ((files, True), (beside, False)):
        for name, data in group:
            try:
                documents = read_documents(_text(name, data), in_file(name), _WORDS)
            except CompileError as fault:
                problems += fault.diagnostics
                continue
            findings += documents.findings
            found += [(each, is_main) for root in documents.roots for each in _items(root)]
    if problems:
        raise CompileError(problems)
    return found


def _text(name: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        message = f"a file may have {MAX_BYTES >> 20} MiB; this one is larger"
        raise CompileError([error("I851", message, Span(name, 1, 1))])
    try:
        return text_of(name, data.removeprefix(_BOM))
    except CompileError as fault:
        raise CompileError(each._replace(code="I851") for each in fault.diagnostics) from None


def _items(root: Node) -> list[Node]:
    """A document, or those of a List, as `kubectl get -o yaml` prints it."""
    items = root.get("items") if _said(root, "kind") == "List" else None
    return list(items.value) if items is not None and isinstance(items.value, list) else [root]


def _said(root: Node, *path: str) -> str:
    return word(root.get(*path))


def _texts(root: Node) -> dict[str, str]:
    data = root.get("data")
    values = data.value if data is not None and isinstance(data.value, dict) else {}
    return {key: word(each) for key, each in values.items() if each.value is not None}


def _platform(root: Node, data: Mapping[str, str], findings: list[Diagnostic]) -> Platform:
    try:
        return platform_of(data, _said(root, "metadata", "namespace") or Platform().namespace)
    except Unreadable as fault:
        span = root.nearest("data", str(fault)).span
        findings.append(error("I851", f"`{fault}` is not a JSON mapping", span))
        return Platform()


def _document(root: Node, kind: str, version: str) -> Document:
    findings: list[Diagnostic] = []
    if version.removeprefix(GROUP) not in VERSIONS:
        message = f"`{version}` is not a version of {kind} that KServe has"
        hint = did_you_mean(version.removeprefix(GROUP), VERSIONS)
        findings.append(error("I851", message, root.nearest("apiVersion").span, hint))
    if root.get("metadata", "name") is None:
        findings.append(error("I851", f"the {kind} has no name", root.nearest("metadata").span))
    if version.endswith("v1alpha1"):
        root, told = upgraded(root)
        findings += told
    decoded = gotypes.decode(root, kind, vocabulary(), zeros=False)
    found = decoded.value if isinstance(decoded.value, dict) else {}
    metadata, spec = root.get("metadata"), found.get("spec") or {}
    findings += [*decoded.findings, *_nameless(root, spec)]
    is_mapping = metadata is not None and isinstance(metadata.value, dict)
    return Document(root, plain(metadata) if metadata and is_mapping else {}, spec, tuple(findings))


def _nameless(root: Node, spec: Mapping[str, Any]) -> Iterable[Diagnostic]:
    """References to a configuration that name none: the CRD lets them pass."""
    for at, ref in enumerate(spec.get("baseRefs") or ()):
        if not ref.get("name"):
            span = root.nearest("spec", "baseRefs", at).span
            yield error("I851", "an entry of `baseRefs` names no configuration", span)


def vocabulary() -> Vocabulary:
    return types.vocabulary("I852")
