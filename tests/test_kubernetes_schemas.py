"""Objects of built-in kinds against the newest Kubernetes schemas, unknown fields refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from modelmill import yamltext
from stories import GOOD, stories
from support import ROOT, every_object, inputs_of, write_files
from test_hostile import DOCUMENTS

BUILT_IN = {
    "v1",
    "apps/v1",
    "autoscaling/v2",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "networking.k8s.io/v1",
    "batch/v1",
    "resource.k8s.io/v1",
}
REPOSITORIES = {
    "ours": inputs_of(ROOT),
    "every-field": {name: yamltext.dump(document) for name, document in DOCUMENTS.items()},
}


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_built_in_kinds(tmp_path: Path, texts: dict[str, str]) -> None:
    objects = every_object(write_files(tmp_path, texts))
    kinds = {o["kind"] for o in objects}
    assert kinds >= {"ServiceAccount", "Deployment", "Service", "LeaderWorkerSet"}
    assert_all_valid(objects)


@pytest.mark.parametrize("story", stories(GOOD))
def test_stories(tmp_path: Path, story: str) -> None:
    assert_all_valid(every_object(write_files(tmp_path, inputs_of(GOOD / story))))


def assert_all_valid(objects: list[Any]) -> None:
    """Objects of built-in kinds, and the pods of groups, which are PodTemplates."""
    for body in objects:
        if body["apiVersion"] in BUILT_IN:
            assert_valid(body)
        elif body["kind"] == "LeaderWorkerSet":
            group, name = body["spec"]["leaderWorkerTemplate"], body["metadata"]["name"]
            for part in ("leaderTemplate", "workerTemplate"):
                kind = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": name}}
                if part in group:
                    assert_valid({**kind, "template": group[part]})


def assert_valid(body: Any) -> None:
    version = kubernetes_validate.latest_version()
    try:
        kubernetes_validate.validate(body, version, strict=True)
    except kubernetes_validate.ValidationError as fault:
        pytest.fail(f"{body['kind']} {body['metadata']['name']}: {fault.message} at {fault.path}")
