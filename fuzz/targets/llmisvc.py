"""KServe's LLMInferenceServices with their configurations, made Models of.

In: choices that bend a service and a configuration; or bytes, as a service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import yaml

from fuzz.corpus import choices, documents_of
from fuzz.draw import Draw, bent
from fuzz.holds import readable, twice
from modelmill.importers.llmisvc_import import Request, import_services
from modelmill.importers.writing import Imported
from modelmill.spec.documents import Paths

TINY = """
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: tiny, namespace: prod}
spec:
  model: {uri: "hf://org/m", name: org/m, lora: {adapters: [{name: a, uri: "hf://org/a"}]}}
  replicas: 2
  parallelism: {tensor: 2, data: 4, dataLocal: 2}
  baseRefs: [{name: shared}]
  template:
    containers:
      - {name: main, image: "x:v1", args: ["--port=8000"], env: [{name: A, value: b}]}
  worker: {containers: [{name: main}]}
  prefill: {replicas: 1, template: {containers: [{name: main, image: "y:v1"}]}}
  router: {route: {http: {}}, gateway: {refs: [{name: g, namespace: i}]}, scheduler: {}}
"""
CONFIG = """
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceServiceConfig
metadata: {name: shared, namespace: prod}
spec:
  template:
    nodeSelector: {pool: gpu}
    containers:
      - {name: main, command: [vllm, serve], args: ["{{ .Spec.Model.Name }}"]}
"""


@cache
def _known() -> tuple[Sequence[Any], Sequence[Any]]:
    found = [*documents_of("kserve/samples/**/*.yaml"), *documents_of("kserve/e2e-fixtures/*.yaml")]
    services = [each for each in found if each.get("kind") == "LLMInferenceService"]
    configs = [
        *(each for each in found if each.get("kind") == "LLMInferenceServiceConfig"),
        *documents_of("kserve/presets/*.yaml"),
    ]
    return [yaml.safe_load(TINY), *services], [yaml.safe_load(CONFIG), *configs]


def seeds() -> Iterator[bytes]:
    yield from (b"\0" + each for each in choices(len(_known()[0])))
    yield b"\xff" + TINY.encode()


def check(data: bytes) -> None:
    draw = Draw(data)
    mode = draw.byte()
    services, configs = _known()
    config = _dumped(bent(draw.pick(configs), draw, 3))
    service = draw.rest() if mode == 255 else _dumped(bent(draw.pick(services), draw))
    files = [("service.yaml", service)]
    beside = [("beside.yaml", config)]
    request = Request(files, beside, "prod", Paths(), mode % 2 == 1, "prod" if mode < 128 else None)
    found = twice(lambda: import_services(request))
    if isinstance(found, Imported):
        readable(found.findings, {"service.yaml": service.decode("utf-8", "replace")})


def _dumped(document: Any) -> bytes:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode()
