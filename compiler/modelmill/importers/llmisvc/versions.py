"""LLMInferenceServices of v1alpha1 as v1alpha2 has them.

In: a positioned tree. Out: another, and what is lost (kserve/kserve, pkg/apis/serving/v1alpha1,
llm_inference_service_conversion.go).
"""

from __future__ import annotations

from modelmill.diagnostics import Diagnostic, warning
from modelmill.tree import Node

POOL = ("spec", "router", "scheduler", "pool", "spec")


def upgraded(root: Node) -> tuple[Node, list[Diagnostic]]:
    """The tree with the pool of today, without the criticality of a model."""
    findings: list[Diagnostic] = []
    for path in (("spec", "model"),):
        model = root.get(*path)
        if model is not None and model.child("criticality") is not None:
            span = model.value["criticality"].key_span
            hint = "declare `routing.objectives` with priorities, and let requests name one"
            message = "`criticality` is of v1alpha1 alone: requests have no priority by it any more"
            findings.append(warning("I857", message, span, hint))
            rest = {key: each for key, each in model.value.items() if key != "criticality"}
            root = replaced(root, path, Node(rest, model.place, model.key))
    pool = root.get(*POOL)
    if pool is not None and isinstance(pool.value, dict):
        root = replaced(root, POOL, _pool(pool))
    return root, findings


def replaced(root: Node, path: tuple[str, ...], node: Node) -> Node:
    """The tree with another node at `path`."""
    if not path:
        return node
    below = replaced(root.value[path[0]], path[1:], node)
    return Node({**root.value, path[0]: below}, root.place, root.key)


def _pool(pool: Node) -> Node:
    """InferencePool of v1alpha2: `selector`, `targetPortNumber` and `extensionRef`."""
    found = dict(pool.value)
    selector = found.get("selector")
    if selector is not None and isinstance(selector.value, dict):
        inner = {"matchLabels": Node(selector.value, selector.place, selector.key)}
        if "matchLabels" not in selector.value:
            found["selector"] = Node(inner, selector.place, selector.key)
    number = found.pop("targetPortNumber", None)
    if number is not None:
        port = Node({"number": Node(number.value, number.place, number.key)}, number.place)
        found["targetPorts"] = Node([port], number.place, number.key)
    reference = found.pop("extensionRef", None)
    if reference is not None and isinstance(reference.value, dict):
        entries = dict(reference.value)
        number = entries.pop("portNumber", None)
        if number is not None:
            inner_port = {"number": Node(number.value, number.place, number.key)}
            entries["port"] = Node(inner_port, number.place, number.key)
        found["endpointPickerRef"] = Node(entries, reference.place, reference.key)
    return Node(found, pool.place, pool.key)
