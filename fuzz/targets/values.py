"""Values of Helm releases: read, rendered as the chart would, and made Models of.

In: choices that bend a values file; or bytes, as a values file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import yaml

from fuzz.corpus import choices, documents_of
from fuzz.draw import Draw, bent
from fuzz.holds import readable, twice
from modelmill.importers.helm_release import Release, import_releases
from modelmill.importers.modelservice_chart import CURRENT, FORMER, generation
from modelmill.importers.writing import Imported

TINY = """
modelArtifacts: {name: org/m, uri: "hf://org/m", size: 5Gi, labels: {llm-d.ai/model: m}}
accelerator: {type: nvidia}
routing: {servicePort: 8000, proxy: {enabled: true, targetPort: 8200}}
decode:
  create: true
  replicas: 2
  parallelism: {tensor: 2, data: 1}
  containers:
    - name: vllm
      image: "vllm/vllm-openai:{{ .Values.tag | default \\"v0.10.0\\" }}"
      modelCommand: vllmServe
      args: ["--max-model-len=4096", "--enable-prefix-caching"]
      ports: [{containerPort: 8200}]
      env: [{name: A, value: "b"}]
      resources: {limits: {memory: 16Gi, cpu: "4"}, requests: {cpu: "4"}}
      mountModelVolume: true
      volumeMounts: [{name: cache, mountPath: /cache}]
  volumes: [{name: cache, emptyDir: {}}]
  monitoring: {podmonitor: {enabled: true}}
prefill:
  create: true
  containers: [{name: vllm, image: "x:v1", modelCommand: custom, command: [a]}]
"""


@cache
def _known() -> Sequence[Any]:
    return (yaml.safe_load(TINY), *documents_of("modelservice/*.values.yaml"))


def seeds() -> Iterator[bytes]:
    yield from (b"\0" + each for each in choices(min(len(_known()), 40)))
    yield b"\xff" + TINY.encode()


def check(data: bytes) -> None:
    draw = Draw(data)
    mode = draw.byte()
    text = draw.rest() if mode == 255 else _dumped(bent(draw.pick(_known()), draw))
    chosen, _ = generation(FORMER if mode == 1 else CURRENT)
    assert chosen is not None
    files = [("values.yaml", text)] if mode != 2 else [("values.yaml", text), ("b.yaml", text)]
    release = Release(files, "ms", "prod", chosen)
    found = twice(lambda: import_releases([release], ("models", "presets"), "helm-values"))
    if isinstance(found, Imported):
        readable(found.findings, {name: each.decode("utf-8", "replace") for name, each in files})


def _dumped(document: Any) -> bytes:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode()
