"""Repositories of which nothing is known but that their files have the fields of the schemas.

In: the JSON Schemas that `modelmill schema` prints. Out: a hypothesis strategy of input texts. Most
do not compile; all must be answered.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from modelmill import yamltext
from modelmill.schema import schema_of
from support import PROJECT, SIM

NAMES = st.sampled_from(["a", "b", "sim", "tiny", "prod", "decode", "x-y", "A_B"])
WORDS = NAMES | st.sampled_from(
    ["", "1", "8Gi", "50%", "10s", "hf://a/b", "pvc://a", "${model.name}", "${", "é", "v0.26.0"]
)
NUMBERS = st.integers(-1, 9) | st.sampled_from([8000, 65536, 0.5])
ANYTHING = st.none() | st.booleans() | NUMBERS | WORDS
HEADS = ("apiVersion", "kind", "metadata")


def of_schema(schema: Any, definitions: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema; now and then one that is none."""
    while "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]]}
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | ANYTHING
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return st.one_of(*(of_schema(each, definitions, depth) for each in schema[several]))
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _of_object(schema, definitions, depth)
    if kind == "array":
        inner = of_schema(schema.get("items", {}), definitions, depth + 1)
        return st.lists(inner, max_size=2)
    by_type = {"integer": NUMBERS, "number": NUMBERS, "boolean": st.booleans(), "string": WORDS}
    return by_type.get(kind or "", ANYTHING)


def _of_object(schema: Any, definitions: Any, depth: int) -> st.SearchStrategy[Any]:
    fields = schema.get("properties", {})
    further = schema.get("additionalProperties")
    if not fields:
        inner = ANYTHING
        if isinstance(further, dict) and depth < 6:
            inner = st.deferred(lambda: of_schema(further, definitions, depth + 1))
        return st.dictionaries(NAMES, inner, max_size=2)

    @st.composite
    def some(draw: st.DrawFn) -> dict[str, Any]:
        most = 3 if depth < 6 else 0
        names = draw(st.lists(st.sampled_from(sorted(fields)), max_size=most, unique=True))
        named = {*names, *(schema.get("required", ()) if draw(st.integers(0, 9)) else ())}
        return {
            name: draw(of_schema(fields[name], definitions, depth + 1)) for name in sorted(named)
        }

    return some()


@cache
def _schema(kind: str) -> Any:
    return schema_of(kind)


@st.composite
def any_repository(draw: st.DrawFn) -> dict[str, str]:
    """A project, a preset, a model and an environment, each with a few fields of any kind."""
    found: dict[str, Any] = {}
    kept = {"models/tiny.yaml": ("Model", "tiny"), "presets/b.yaml": ("Preset", "b")}
    kept["overlays/prod/environment.yaml"] = ("Overlay", "prod")
    for path, (kind, name) in kept.items():
        schema = _schema(kind.lower())
        body = draw(of_schema({**schema, "required": []}, schema["$defs"]))
        head = {"apiVersion": "modelmill.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
        found[path] = {**{k: v for k, v in body.items() if k not in HEADS}, **head}
    found["models/tiny.yaml"].setdefault("extends", ["sim"])
    spec = found["models/tiny.yaml"].setdefault("spec", {})
    if isinstance(spec, dict):
        spec.setdefault("model", {"name": "a/b", "uri": "hf://a/b"})
        spec.setdefault("roles", {"decode": {"type": "prefill-decode"}})
    found["overlays/prod/environment.yaml"].setdefault("namespace", "llm-prod")
    texts = {path: yamltext.dump(document) for path, document in found.items()}
    return {"modelmill.yaml": PROJECT, "presets/sim.yaml": SIM, **texts}
