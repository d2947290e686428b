"""The types of KServe's resources, by which documents and fields are read as its API server would.

In: the code of a finding. Out: a vocabulary for `gotypes`. Types: serving.kserve.io/v1alpha2
(kserve/kserve v0.20, pkg/apis/serving), in types.txt.
"""

from __future__ import annotations

from functools import cache, partial

from modelmill import gotypes
from modelmill.diagnostics import Diagnostic, did_you_mean, error
from modelmill.gotypes import Vocabulary
from modelmill.tree import Node

SPEC = "LLMInferenceServiceSpec"


@cache
def vocabulary(code: str, *, is_partial: bool = False) -> Vocabulary:
    """`is_partial`: of a part of a specification, whose rest stands elsewhere."""
    types, unknown = gotypes.read_types(__package__), partial(_unknown, code)
    return Vocabulary(types, code, unknown, strict=True, is_partial=is_partial)


def _unknown(code: str, node: Node, key: str, kind: str) -> Diagnostic:
    types = gotypes.read_types(__package__)
    known = [each.removesuffix("*") for each in types[kind]]
    inner = _belongs(types, key, kind)
    hint = did_you_mean(key, known) or (f"write it under `{inner}`" if inner else "")
    what = "the spec" if kind == SPEC else f"a {kind}"
    message = f"`{key}` is no field of {what}: the API server refuses it, or drops it unseen"
    return error(code, message, node.key_span, hint)


def _belongs(types: gotypes.Types, key: str, kind: str) -> str:
    """The field of a type, in which the key would be one."""
    for field, said in types[kind].items():
        inner = said.strip("!").rstrip("[]{}?")
        if key in types.get(inner, {}) and inner != kind:
            return field.removesuffix("*")
    return ""
