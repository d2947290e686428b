"""Objects of built-in kinds against the newest Kubernetes schemas, unknown fields refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from modelmill import yamltext
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
}
REPOSITORIES = {
    "ours": inputs_of(ROOT),
    "every-field": {name: yamltext.dump(document) for name, document in DOCUMENTS.items()},
}


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_built_in_kinds(tmp_path: Path, texts: dict[str, str]) -> None:
    objects = [o for o in every_object(write_files(tmp_path, texts)) if o["apiVersion"] in BUILT_IN]
    assert {o["kind"] for o in objects} >= {"ServiceAccount", "Deployment", "Service"}
    for body in objects:
        assert_valid(body)


def assert_valid(body: Any) -> None:
    version = kubernetes_validate.latest_version()
    try:
        kubernetes_validate.validate(body, version, strict=True)
    except kubernetes_validate.ValidationError as fault:
        pytest.fail(f"{body['kind']} {body['metadata']['name']}: {fault.message} at {fault.path}")
