"""What modelmill emits, on a real API server. Run by `make test-cluster`."""

from __future__ import annotations

import re

import pytest
from api_server import Answer, Api
from deployed import deployed
from kept import Kept, added, apply_all, changed
from told import Told

from modelmill import yamltext
from stories import GOOD, stories
from support import ROOT, inputs_of, write_files
from test_hostile import DOCUMENTS
from test_kubernetes_schemas import BUILT_IN

REPOSITORIES = {
    "ours": inputs_of(ROOT),
    "every-field": {name: yamltext.dump(document) for name, document in DOCUMENTS.items()},
    **{story: inputs_of(GOOD / story) for story in stories(GOOD)},
}
WARNINGS = re.compile(
    # The story exempts it, which the label that warns does not know.
    r"would violate PodSecurity \"restricted:latest\": runAsNonRoot != true .*"
    # As Argo CD has named it since before Kubernetes asked for a path.
    r"|metadata\.finalizers: \"resources-finalizer\.argocd\.argoproj\.io\": prefer a domain-.*"
    # The repository of every field gives several containers one.
    r"|spec\.template\.spec\.containers\[\d\]\.ports\[\d\]: duplicate port .*"
)
AS_GOOD = re.compile(r".*\.env\[\d+\]\.value is gone")
"""A variable without a value has the empty one that was sent."""
COMPLETED = {
    # A scaler's, or not said by who wrote the workload that was adopted.
    ("LeaderWorkerSet", "spec.replicas"),
    ("LeaderWorkerSet", "spec.startupPolicy"),
    ("LeaderWorkerSet", "spec.leaderWorkerTemplate.restartPolicy"),
    ("LeaderWorkerSet", "spec.leaderWorkerTemplate.subGroupPolicy.subGroupPolicyType"),
    # Releases of Envoy Gateway before this field would refuse it.
    ("ClientTrafficPolicy", "spec.connection.maxAcceptPerSocketEvent"),
}
"""Fields of custom resources that the server sets."""


@pytest.fixture(scope="module", params=REPOSITORIES)
def kept(
    request: pytest.FixtureRequest,
    api: Api,
    told: Told,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Kept]:
    """Every object of a repository, applied environment by environment."""
    place = write_files(tmp_path_factory.mktemp("cluster"), REPOSITORIES[request.param])
    found: list[Kept] = []
    for each in deployed(place):
        here = apply_all(api, [body for body in each.objects if api.serves(body)])
        told.hear(here, [body for body in each.objects if not api.serves(body)])
        found += here
    assert found
    return found


def test_every_object_is_accepted(kept: list[Kept]) -> None:
    answers = [(each.name, told) for each in kept for told in (each.dry, each.applied)]
    assert not [f"{name}: {told.refusal}" for name, told in answers if told.refusal]


def test_every_pod_is_admitted(kept: list[Kept]) -> None:
    answers = [(each.name, told) for each in kept for told in each.pods]
    assert not [f"{name}: {told.refusal}" for name, told in answers if told.refusal]


def test_nothing_is_warned_about(kept: list[Kept]) -> None:
    told = {(each.name, text) for each in kept for text in each.applied.warnings}
    assert not [f"{name}: {text}" for name, text in sorted(told) if not WARNINGS.fullmatch(text)]


def test_every_field_is_as_sent(kept: list[Kept]) -> None:
    """What a server takes away or spells otherwise, Argo CD would apply for ever."""
    faults = [(each.name, f) for each in kept for f in changed(each.sent, each.applied.body)]
    assert not [f"{name}: {fault}" for name, fault in faults if not AS_GOOD.fullmatch(fault)]


def test_another_apply_changes_nothing(kept: list[Kept]) -> None:
    """A server may write once more what it makes itself: a status that its schema completes."""
    assert not [e.name for e in kept if _without_status(e.again) != _without_status(e.applied)]
    assert not [each.name for each in kept if _version(each.settled) != _version(each.again)]


def test_a_server_completes_no_custom_resource(kept: list[Kept]) -> None:
    """In a list of one, Argo CD takes what was added for a change."""
    own = [each for each in kept if each.sent["apiVersion"] not in BUILT_IN]
    found = {(e.sent["kind"], field) for e in own for field in added(e.sent, e.applied.body)}
    assert found <= COMPLETED


def _without_status(answer: Answer) -> object:
    metadata = {**answer.body.get("metadata", {}), "resourceVersion": ""}
    return {**answer.body, "metadata": metadata, "status": None}


def _version(answer: Answer) -> object:
    return answer.body.get("metadata", {}).get("resourceVersion")
