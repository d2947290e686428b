"""This repository's models compiled for KServe, for several tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from modelmill.importers.llmisvc import read
from modelmill.importers.llmisvc.composing import Config
from modelmill.kserve.thin import configs_used, environment_configs
from modelmill.repository import index
from modelmill.resolve import Resolver
from modelmill.sources import read_sources
from support import ROOT, every_object, inputs_of, write_files

PRESETS = ROOT.parent / "shared" / "conformance" / "kserve" / "presets"
REFUSED = {"mistral-small-3-2": "C582"}
"""Models that KServe cannot serve, by the code that says why."""
OVERLAY = """\
apiVersion: modelmill.dev/v1alpha1
kind: Overlay
metadata: {name: prod}
namespace: llm-kserve
target: kserve
kserve: {mode: MODE}
extends: [monitoring, hardening]
spec:
  prometheus: {serverAddress: "http://prometheus.monitoring:9090"}
  model: {cache: null}
  routing: {gateway: {namespace: gateway-system}}
"""
INTERNAL = """\
environments:
  prod:
    roles:
      decode: {parallelism: {loadBalancing: internal}}
      prefill: {parallelism: {loadBalancing: internal}}
"""


def texts(mode: str) -> dict[str, str]:
    """The input files, with one environment whose target is KServe."""
    found = {
        path: text
        for path, text in inputs_of(ROOT).items()
        if not path.startswith("overlays/") and Path(path).stem not in REFUSED
    }
    found["models/deepseek-r1.yaml"] += INTERNAL
    return {**found, "overlays/prod/environment.yaml": OVERLAY.replace("MODE", mode)}


def everything(folder: Path, files: Mapping[str, str]) -> list[Any]:
    """All objects of a repository, those of its environments included."""
    found = every_object(write_files(folder, files))
    known = index(read_sources(folder))
    resolver = Resolver(known.catalog)
    for overlay in known.catalog.overlays.values():
        used = configs_used(resolver, known.versions, overlay)
        configs = environment_configs(known.versions, overlay, used)
        found += [each.body for each in configs]
    return found


def objects(folder: Path, mode: str) -> list[Any]:
    """Everything this repository's models compile to."""
    return everything(folder, texts(mode))


def of_kind(found: list[Any], kind: str) -> list[Any]:
    """Objects of environments, which have a namespace."""
    return [each for each in found if each["kind"] == kind and "namespace" in each["metadata"]]


def as_config(body: Mapping[str, Any]) -> Config:
    return Config(body["metadata"]["name"], body["metadata"]["namespace"], body["spec"])


def upstream_presets() -> list[Config]:
    """KServe's own."""
    files = [(path.name, path.read_bytes()) for path in sorted(PRESETS.glob("config*.yaml"))]
    return [config._replace(namespace="kserve") for config in read((), files).layers]


def crd(path: Path) -> dict[str, Any]:
    """The schema of v1alpha2."""
    (document,) = yaml.load_all(path.read_text(), yaml.CSafeLoader)
    versions = {each["name"]: each for each in document["spec"]["versions"]}
    schema: dict[str, Any] = versions["v1alpha2"]["schema"]["openAPIV3Schema"]
    return schema
