"""The patch of dual pods: an annotation whose value is YAML text.

In: a release with dual pods. Out: the text. It is part of the requester's pod template, so that one
that leaves nothing out is spelt as the chart spells it, blanks and all; else pods are replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

import yaml

from modelmill.gotypes.yaml_scalars import resolved
from modelmill.importers.modelservice_chart import accelerator, containers, sidecar, weights
from modelmill.importers.modelservice_chart.pods import init_containers, pod_annotations, pod_spec
from modelmill.importers.modelservice_chart.release import Release, role_labels


def whole(release: Release) -> str:
    """The patch with everything that the serving pod needs."""
    metadata: dict[str, Any] = {"labels": {**role_labels(release, "decode"), **_model(release)}}
    annotations = pod_annotations(release, "decode")
    if annotations:
        metadata["annotations"] = annotations
    return _yaml({"metadata": metadata, "spec": pod_spec(release, "decode")})


def _model(release: Release) -> dict[str, str | None]:
    parts = str(release.get("modelArtifacts", "name")).split("/")
    return {
        "model-reg": parts[1] if len(parts) > 1 else "",
        "model-repo": parts[0],
        "app": None,
    }


def text(release: Release) -> str:
    """The patch as the chart spells it."""
    model = _model(release)
    lines = [
        "metadata:",
        f'  labels: {{"model-reg": {dumps(model["model-reg"])},',
        f'    "model-repo": {dumps(model["model-repo"])},',
        '    "app": null}',
        "spec:",
    ]
    if init_containers(release, "decode"):
        lines += ["  initContainers:", *_indented(_init_containers(release), 2)]
    lines.append("  containers:")
    for given in release.get("decode", "containers") or []:
        lines += _indented(_container(release, given), 4)
    return "\n".join(lines) + "\n"


def _init_containers(release: Release) -> Iterator[str]:
    if sidecar.has_sidecar(release):
        yield from _sidecar(release)
    own = release.get("decode", "initContainers")
    if own:
        yield from _lines(own)


def _sidecar(release: Release) -> Iterator[str]:
    found = sidecar.sidecar(release)
    yield f"- name: {found['name']}"
    yield "  args:"
    yield from (f"    - {word}" for word in found["args"])
    yield f"  image: {found['image']}"
    yield f"  imagePullPolicy: {found['imagePullPolicy']}"
    yield "  env:"
    yield from _indented(_entries(found.get("env", [])), 4)
    yield "  ports:"
    yield f"    - containerPort: {found['ports'][0]['containerPort']}"
    yield "  resources: {}"
    yield "  restartPolicy: Always"
    yield "  securityContext:"
    yield "    allowPrivilegeEscalation: false"
    yield "    runAsNonRoot: true"


def _container(release: Release, given: dict[str, Any]) -> Iterator[str]:
    found = containers.container(release, "decode", given)
    yield f"- name: {found['name']}"
    yield f"  image: {found['image']}"
    yield "  "
    for key in given.get("extraConfig") or {}:
        yield from _indented(_lines({key: found[key]}), 2)
    for key in ("securityContext", "imagePullPolicy"):
        if key in found:
            yield from _indented(_lines({key: found[key]}), 2)
    yield from _indented(_command(release, given, found), 2)
    yield from _indented(_environment(release, given), 2)
    for key in ("ports", "livenessProbe", "readinessProbe", "startupProbe"):
        if key in found:
            yield from _indented(_lines({key: found[key]}), 2)
    yield from _indented(_resources(release, given), 2)
    yield "  "
    if "volumeMounts" in found:
        yield "  volumeMounts:"
        yield from _indented(_mounts(release, given), 4)


def _command(release: Release, given: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    if containers.model_command(given) == "custom":
        yield from _lines({key: found[key] for key in ("command", "args") if key in found})
        return
    if "command" in found:
        yield 'command: ["vllm", "serve"]'
    yield "args:"
    own = given.get("args") or []
    words = found["args"][: len(found["args"]) - len(own)]
    quoted = release.user.get("modelArtifacts", "uri")
    asked = str(quoted.value) if quoted else ""
    for at, word in enumerate(words):
        named = at and words[at - 1] == "--served-model-name"
        model = word == weights.argument(release) and asked.endswith('"')
        yield f"  - {dumps(word) if named or model or word.isdigit() else word}"
    yield "  "
    if own:
        yield "  "
        yield from _indented(_lines(own), 2)


def _environment(release: Release, given: dict[str, Any]) -> Iterator[str]:
    yield "env:"
    own = given.get("env") or []
    if own:
        yield from _lines(own)
    chart = containers.chart_environment(release, "decode", given)
    taken = {each.get("name") for each in own}
    sizes = [each for each in chart if each["name"] in ("DP_SIZE", "TP_SIZE", "DP_SIZE_LOCAL")]
    yield from _entries([each for each in sizes if each["name"] not in taken])
    yield ""
    rest = [each for each in chart[len(sizes) :] if each["name"] not in taken]
    yield from _entries(rest, plain=("HF_HOME", "HF_HUB_CACHE"))
    yield ""


def _entries(entries: list[dict[str, Any]], plain: tuple[str, ...] = ()) -> Iterator[str]:
    for each in entries:
        if "value" in each:
            value = each["value"] if each["name"] in plain else dumps(each["value"])
            yield f"- name: {each['name']}"
            yield f"  value: {value}"
        else:
            yield from _lines([each])


def _resources(release: Release, given: dict[str, Any]) -> Iterator[str]:
    found = accelerator.resources(release, "decode", given)
    yield "resources:"
    for key in ("limits", "requests"):
        yield f"  {key}:"
        yield from _indented(_lines(found.get(key) or {}), 4)
    if "claims" in found:
        yield "  claims:"
        yield from _indented(_lines(found["claims"]), 4)


def _mounts(release: Release, given: dict[str, Any]) -> Iterator[str]:
    own = given.get("volumeMounts") or []
    if own:
        yield from _lines(own)
    if weights.mounts(release, given):
        mount = weights.mount(release)
        yield f"- name: {mount['name']}"
        yield f"  mountPath: {mount['mountPath']}"
        if "readOnly" in mount:
            yield f"  readOnly: {str(mount['readOnly']).lower()}"


def _lines(value: Any) -> list[str]:
    return _yaml(value).rstrip("\n").split("\n")


def _yaml(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, width=1 << 20, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """Go's spelling of YAML: what another type would be read from has double quotes."""


def _spelt(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    ambiguous = not isinstance(resolved(value), str)
    style = "|" if "\n" in value else '"' if ambiguous else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _spelt)


def _indented(lines: Any, by: int) -> list[str]:
    return [" " * by + line for line in lines]
