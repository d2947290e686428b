"""How an imported Model or Preset becomes a file that compiles.

In: its tree, how it is spelt, and the objects that run. Out: text, with the findings the Model must
accept to compile, and what is wrong with it all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from modelmill.accepted import acceptable
from modelmill.diagnostics import Diagnostic, Span, warning
from modelmill.importers.model_text import Path, Remark, model_text
from modelmill.importers.proof import Proof, prove
from modelmill.spec.documents import API_VERSION
from modelmill.tuples import NamedTuple

Tree = dict[str, Any]

REASONS: Mapping[str, str] = {
    "C504": "this tag runs today; pin it when its pods may restart",
    "C507": "the release asks for as many",
}
_REASON = "the release runs like this"
SCHEMA = "yaml-language-server: $schema=../schemas/"


class Imported(NamedTuple):
    """Files by path, findings, and the text of comments that have no place in them."""

    files: Mapping[str, str]
    findings: tuple[Diagnostic, ...]
    lost: tuple[str, ...] = ()


def written(
    path: str,
    tree: Tree,
    spell: Callable[[Tree], str],
    beside: Mapping[str, str],
    expected: Sequence[Mapping[str, Any]],
    apart: Collection[str] = (),
) -> tuple[str, list[Diagnostic]]:
    """The Model's text, compiled with the files `beside` it and held against what is `expected`,
    but for those `apart`, which are meant to differ."""
    text = spell(tree)
    proof = prove(path, {**beside, path: text}, expected)
    accept = {
        found.code: REASONS.get(found.code, _REASON)
        for found in proof.found
        if found.severity == "error" and found.code in acceptable()
    }
    if accept:
        head = {key: value for key, value in tree.items() if key != "spec"}
        text = spell({**head, "accept": dict(sorted(accept.items())), "spec": tree["spec"]})
        proof = prove(path, {**beside, path: text}, expected)
    return text, _judged(path, proof, apart)


def _judged(path: str, proof: Proof, apart: Collection[str]) -> list[Diagnostic]:
    found = [d for d in proof.found if d.severity == "error"]
    for difference in proof.differences or ():
        _, name = difference.split(",")[0].split(" ")[:2]
        in_pods = ".template." in difference or ".leaderWorkerTemplate." in difference
        if name not in apart or not in_pods:
            hint = "the pods it concerns are replaced when the Model is applied"
            found.append(warning("I820", difference, Span(path, 1, 1), hint if in_pods else ""))
    return found


def preset_text(name: str, spec: Tree, about: str, remarks: Mapping[Path, Remark]) -> str:
    tree = {"apiVersion": API_VERSION, "kind": "Preset", "metadata": {"name": name}, "spec": spec}
    return model_text((f"{SCHEMA}preset.json", about), tree, remarks)


def base_name(path: str) -> str:
    """A file's own name: where it lay on somebody's disk is nobody's business."""
    return path.replace("\\", "/").rpartition("/")[2]
