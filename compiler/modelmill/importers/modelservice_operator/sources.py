"""The two files of a ModelService, as far as they can be told without its meaning.

In: names and bytes. Out: the document of each kind, and what else stands in the files.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelmill.diagnostics import CompileError, Diagnostic, Span, error, warning
from modelmill.importers.documents import Documents, in_file, read_documents
from modelmill.importers.helm.reading import MAX_BYTES
from modelmill.importers.modelservice_operator.decoding import WORDS
from modelmill.importers.modelservice_operator.facts import Source
from modelmill.tree import Node
from modelmill.yaml_faults import text_of

_BOM = b"\xef\xbb\xbf"
_GROUP = "llm-d.ai/"
_KINDS = ("ModelService", "ConfigMap")


def read(modelservice: tuple[str, bytes], baseconfig: tuple[str, bytes] | None = None) -> Source:
    """A ModelService and its BaseConfig; raises CompileError with all that is wrong."""
    both = baseconfig is not None and modelservice[0] == baseconfig[0]
    problems: list[Diagnostic] = []
    findings: list[Diagnostic] = []
    texts: dict[str, str] = {}
    found: dict[str, Node] = {}
    for kind, file in zip(_KINDS, (modelservice, baseconfig), strict=True):
        if file is None:
            continue
        try:
            texts[file[0]], documents = _documents(*file)
            node, ignored = _of_kind(documents, kind, file[0], _KINDS if both else (kind,))
        except CompileError as fault:
            problems += fault.diagnostics
        else:
            found[kind] = node
            findings += (*documents.findings, *ignored)
    if problems:
        raise CompileError(problems)
    return Source(found["ModelService"], found.get("ConfigMap"), texts, tuple(findings))


def _documents(name: str, data: bytes) -> tuple[str, Documents]:
    if len(data) > MAX_BYTES:
        message = f"a file may have {MAX_BYTES >> 20} MiB; this one is larger"
        raise CompileError([error("I831", message, Span(name, 1, 1))])
    try:
        text = text_of(name, data.removeprefix(_BOM))
    except CompileError as fault:
        raise CompileError(each._replace(code="I831") for each in fault.diagnostics) from None
    return text, read_documents(text, in_file(name), WORDS)


def _of_kind(
    documents: Documents, kind: str, name: str, read: Sequence[str]
) -> tuple[Node, list[Diagnostic]]:
    """The first document of a kind, and what is ignored beside it; of the kinds in `read`, one
    is read of this file."""
    mine = [root for root in documents.roots if _is(root, kind)]
    if not mine:
        hint = "give a file with one, as `kubectl get -o yaml` prints it"
        raise CompileError([error("I831", f"there is no {kind} in this file", _span(name), hint)])
    firsts = [next((root for root in documents.roots if _is(root, each)), None) for each in read]
    others = [
        root
        for root in documents.roots
        if root.value is not None and not any(root is first for first in firsts)
    ]
    return mine[0], [
        warning(
            "I835",
            "another document of this file is read: this one is ignored",
            root.span,
            "give each ModelService with its BaseConfig on its own",
        )
        for root in others
    ]


def _is(root: Node, kind: str) -> bool:
    named = root.get("kind")
    if named is None or named.value != kind:
        return False
    version = root.get("apiVersion")
    group = _GROUP if kind == "ModelService" else "v1"
    return version is None or str(version.value).startswith(group)


def _span(name: str) -> Span:
    return Span(name, 1, 1)
