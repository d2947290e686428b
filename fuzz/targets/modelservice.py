"""ModelServices of the llm-d operator and their BaseConfigs, made Models of.

In: choices that bend both; or bytes, as a ModelService.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import yaml

from fuzz.corpus import choices, documents_of
from fuzz.draw import Draw, bent
from fuzz.holds import readable, twice
from modelmill.importers.modelservice import Request, import_modelservices
from modelmill.importers.modelservice_operator import Settings
from modelmill.importers.writing import Imported

TINY = """
apiVersion: llm-d.ai/v1alpha1
kind: ModelService
metadata: {name: tiny, namespace: prod, labels: {a: b}}
spec:
  decoupleScaling: false
  baseConfigMapRef: {name: base}
  routing: {modelName: org/m, ports: [{name: app, port: 8000}], gatewayRefs: [{name: g}]}
  modelArtifacts: {uri: "hf://org/m", size: 5Gi}
  decode:
    replicas: 1
    parallelism: {tensor: 2}
    acceleratorTypes: {labelKey: gpu, labelValues: [A100]}
    containers: [{name: vllm, image: "x:v1", args: ["{{ .HFModelName }}"], mountModelVolume: true}]
  prefill: {replicas: 1, containers: [{name: vllm}]}
  endpointPicker: {replicas: 1, containers: [{name: epp, image: "e:v1"}]}
"""
BASE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: base}
data:
  configMap: |
    metadata: {name: "{{ .ModelServiceName }}-cm"}
    data: {a: "{{ .ModelName }}"}
  decodeDeployment: |
    spec:
      template:
        spec:
          containers:
            - {name: vllm, command: [vllm, serve], args: ["--port", '{{ "app" | getPort }}']}
  decodeService: |
    spec: {ports: [{port: 8000}]}
  httpRoute: |
    spec: {rules: [{matches: [{path: {type: PathPrefix, value: /}}]}]}
  inferencePool: |
    spec: {targetPortNumber: 8000}
  inferenceModel: |
    spec: {criticality: Critical}
  eppDeployment: |
    spec:
      template:
        spec: {containers: [{name: epp, args: ["-poolName", "{{ .InferencePoolName }}"]}]}
"""


@cache
def _known() -> tuple[Sequence[Any], Sequence[Any]]:
    found = documents_of("operator/**/*.yaml")
    services = [each for each in found if each.get("kind") == "ModelService"]
    bases = [each for each in found if each.get("kind") == "ConfigMap"]
    return [yaml.safe_load(TINY), *services], [yaml.safe_load(BASE), *bases]


def seeds() -> Iterator[bytes]:
    yield from (b"\0" + each for each in choices(len(_known()[0])))
    yield b"\xff" + TINY.encode()


def check(data: bytes) -> None:
    draw = Draw(data)
    mode = draw.byte()
    services, bases = _known()
    service = draw.rest() if mode == 255 else _dumped(bent(draw.pick(services), draw))
    base = _dumped(_template_bent(draw.pick(bases), draw))
    request = Request([("service.yaml", service)], [("base.yaml", base)], Settings(), mode % 2 == 1)
    found = twice(lambda: import_modelservices(request, ("models", "presets")))
    if isinstance(found, Imported):
        readable(found.findings, {"base.yaml": base.decode()})


def _template_bent(base: Any, draw: Draw) -> Any:
    """The BaseConfig with one of its templates bent inside, and then itself."""
    data = base.get("data")
    if not isinstance(data, dict) or not data or draw.is_spent:
        return base
    key = draw.pick(sorted(data))
    try:
        inner = yaml.load(data[key], yaml.CSafeLoader)
    except yaml.YAMLError:
        return bent(base, draw)
    if not isinstance(inner, dict):
        return bent(base, draw)
    text = _dumped(bent(inner, draw)).decode()
    return bent({**base, "data": {**data, key: text}}, draw, 2)


def _dumped(document: Any) -> bytes:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode()
