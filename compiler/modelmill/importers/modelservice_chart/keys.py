"""Keys and kinds of a release's values, before anything is made of them.

In: the user's values as a tree. Out: a finding for every key that the chart does not look at, that
it refuses, or that it refuses though its documentation promises it; and for every value of another
kind than it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelmill.diagnostics import Diagnostic, did_you_mean, error, warning
from modelmill.importers.helm import Path
from modelmill.importers.modelservice_chart.shapes import Kind, Shape, shape_of
from modelmill.tree import Node

POD_FIELDS = frozenset(
    [
        "activeDeadlineSeconds",
        "affinity",
        "automountServiceAccountToken",
        "dnsConfig",
        "dnsPolicy",
        "ephemeralContainers",
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostUsers",
        "hostname",
        "nodeName",
        "os",
        "overhead",
        "preemptionPolicy",
        "priority",
        "readinessGates",
        "restartPolicy",
        "runtimeClassName",
        "schedulingGates",
        "securityContext",
        "serviceAccountName",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "subdomain",
        "topologySpreadConstraints",
    ]
)
CONTAINER_FIELDS = frozenset(
    [
        "envFrom",
        "lifecycle",
        "resizePolicy",
        "restartPolicy",
        "stdinOnce",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "volumeDevices",
    ]
)
GATEWAY = ("epp", "inferencePool", "inferenceModel", "httpRoute")
MEANT = {
    "subGroupExclusiveToplogy": "subGroupExclusiveTopology",
    "labelValue": "labelValues",
}
HINTS = {
    ("requester", "enabled"): "the key is `enable`",
    ("routing", "proxy", "debugLevel"): "set `zapLogLevel`",
    ("parallelism", "pipeline"): "set the pipeline size in the Model, or pass "
    "`--pipeline-parallel-size` in `args` with `modelCommand: custom`",
    ("autoscaling",): "the chart makes no autoscaler: declare one in `extraObjects`",
    ("podLabels",): "pods have the labels of `modelArtifacts.labels`",
    ("proxy", "resources"): "set `routing.sidecar.resources` in the Model",
    ("llm-d-modelservice",): "these are values of a chart that has this one as a part: pass a file "
    "of what stands below the key",
    ("resources", "claims"): "every container gets every claim of the role's `resourceClaims`",
}
"""What to do about a key, by the last words of its path."""

_EXPECTED: dict[Kind, str] = {
    "bool": "true or false",
    "int": "a whole number",
    "port": "a port number",
    "number": "a whole number",
    "text": "a string",
    "scalar": "a string or a number",
    "map": "a mapping",
    "list": "a list",
    "section": "a mapping or a list, or a string that a template makes one of",
}


def findings(root: Node, generation: str) -> Iterator[Diagnostic]:
    """Everything wrong with the keys and kinds of a release's values."""
    yield from _checked(root, shape_of(generation), ())


def _checked(node: Node, shape: Shape, path: Path) -> Iterator[Diagnostic]:
    if node.value is None:
        if shape.needed:
            yield _null(node, path)
        return
    if not _is(node.value, shape.kind):
        yield _wrong(node, shape, path)
        return
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _entry(child, key, shape, (*path, key))
    elif isinstance(node.value, list) and shape.items:
        for at, child in enumerate(node.value):
            entry = (*path, at)
            yield from (
                [_wrong(child, shape.items, entry)]
                if child.value is None
                else _checked(child, shape.items, entry)
            )


def _entry(node: Node, key: str, shape: Shape, path: Path) -> Iterator[Diagnostic]:
    known = shape.keys.get(key) or shape.rest_of
    if known:
        if known.promised and node.value is not None:
            yield _promised(node, path)
        yield from _checked(node, known, path)
    elif shape.rest == "open" and node.value is not None:
        yield warning(
            "I803",
            f"the chart does not look at `{_dotted(path)}`: it is not taken over",
            node.key_span,
            _hint(path, shape),
        )
    elif shape.rest == "closed":
        message = f"`{_dotted(path)}` is no key of the chart, which refuses it"
        yield error("I804", message, node.key_span, _hint(path, shape))


def _wrong(node: Node, shape: Shape, path: Path) -> Diagnostic:
    quoted = isinstance(node.value, str) and shape.kind in ("bool", "int", "port")
    message = f"`{_dotted(path)}` must be {_EXPECTED[shape.kind]}"
    hint = "write it without quotes" if quoted else "compare the chart's own values.yaml"
    return error("I804", message, node.span, hint)


def _null(node: Node, path: Path) -> Diagnostic:
    role = path[-1] in ("decode", "prefill")
    return error(
        "I804",
        f"`{_dotted(path)}` is null, and the chart fails without it",
        node.span,
        "write `create: false` below it" if role else "leave the key out to keep its defaults",
    )


def _promised(node: Node, path: Path) -> Diagnostic:
    if path == ("routing", "parentRefs") or path == ("routing", "modelName"):
        message = f"chart v0.4 has no gateway objects, and refuses `{_dotted(path)}`: it makes none"
        hint = "declare the route in the Model, or pass --chart-version v0.2.16"
        return warning("I805", message, node.key_span, hint)
    message = (
        f"the chart's documentation has `{_dotted(path)}` but its schema refuses it: taken over"
    )
    hint = "compare with `helm get manifest`: Helm takes it with --skip-schema-validation only"
    return warning("I805", message, node.key_span, hint)


def _hint(path: Path, shape: Shape) -> str:
    key = str(path[-1])
    words = tuple(str(each) for each in path)
    for last, hint in HINTS.items():
        if words[-len(last) :] == last or (len(last) == 1 and last[0] in words[-2:-1]):
            return hint
    if path[0] == "routing" and key in GATEWAY:
        return "chart v0.2 had it: pass --chart-version v0.2.16 if that is what runs"
    if key in MEANT and MEANT[key] in shape.keys:
        return f"did you mean `{MEANT[key]}`?"
    if len(path) == 2 and key in POD_FIELDS:
        return _extra(path)
    if "containers" in path and key in CONTAINER_FIELDS:
        return f"put it into `extraConfig` of the container: `extraConfig: {{{key}: …}}`"
    unless = ", unless your templates refer to it: they are written out" if len(path) == 1 else ""
    return did_you_mean(key, shape.keys) or f"delete it{unless}"


def _extra(path: Path) -> str:
    return f"put it into `{path[0]}.extraConfig`"


def _is(value: Any, kind: Kind) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in ("port", "number"):
        number = value.isdigit() if isinstance(value, str) else isinstance(value, int)
        return number and not isinstance(value, bool)
    if kind == "text":
        return isinstance(value, str)
    if kind == "scalar":
        return not isinstance(value, dict | list)
    if kind == "map":
        return isinstance(value, dict)
    if kind == "list":
        return isinstance(value, list)
    return kind == "any" or isinstance(value, dict | list | str)


def _dotted(path: Path) -> str:
    text = ""
    for each in path:
        text += f"[{each}]" if isinstance(each, int) else f".{each}" if text else str(each)
    return text
