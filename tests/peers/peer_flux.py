"""What is published, as Flux's own code takes it. Run by `make test-peers`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from asking import Ask

from controllers import Object, of_kind
from flow import ENVIRONMENTS, MODES, World, by_identity, fleet, world
from modelmill.catalogues import health_expressions
from support import ROOT


def published(place: Path, mode: str) -> World:
    return world(place, mode, fleet(MODES[mode], "flux"))


def source_of(each: Object, known: list[Object]) -> Object:
    wanted = each["spec"]["sourceRef"]
    (found,) = (
        o for o in of_kind(known, wanted["kind"]) if o["metadata"]["name"] == wanted["name"]
    )
    return found


def applied_by(ask: Ask, made: World, known: list[Object]) -> Iterator[tuple[str, list[Object]]]:
    """What source-controller and kustomize-controller make of each Kustomization, and of those that
    come of it."""
    waiting, seen = of_kind(known, "Kustomization"), set()
    while waiting:
        each = waiting.pop(0)
        name = each["metadata"]["name"]
        if name in seen:
            continue
        seen.add(name)
        source = source_of(each, known)
        clone = made.forge.checkout(source["spec"]["url"], source["spec"]["ref"]["branch"])
        artifact = clone.with_name(f"{clone.name}-artifact")
        ask("artifact", [source], str(clone), str(artifact))
        found = ask("built", [each], str(artifact))[name]
        waiting += of_kind(found, "Kustomization")
        yield name, found


@pytest.mark.parametrize("mode", MODES)
def test_it_applies_what_the_flow_plays(tmp_path: Path, ask_flux: Ask, mode: str) -> None:
    made = published(tmp_path, mode)
    for environment in ENVIRONMENTS:
        played = made.synced("flux", environment)
        known = made.applied("flux", environment)
        synced = dict(applied_by(ask_flux, made, known))
        assert synced.keys() == played.keys()
        for name, objects in synced.items():
            assert by_identity(objects) == by_identity(played[name]), name


def test_it_knows_every_field(tmp_path: Path, ask_flux: Ask) -> None:
    made = published(tmp_path, "same-branch")
    synced = made.synced("flux", "prod")
    models = of_kind((each for objects in synced.values() for each in objects), "Kustomization")
    decoded = ask_flux("decoded", [*made.applied("flux", "prod"), *models])
    assert decoded["Kustomizations"]
    assert not decoded["Others"]


STATUSES = yaml.safe_load((ROOT / "tests/flux_statuses.yaml").read_text())
CASES = [(kind, said) for kind, cases in STATUSES.items() for said in cases]


@pytest.mark.parametrize(("kind", "said"), CASES)
def test_it_judges_statuses_as_recorded(ask_flux: Ask, kind: str, said: str) -> None:
    entry, case = health_expressions()[kind], STATUSES[kind][said]
    expressions = {key: value for key, value in entry.items() if key != "group"}
    check = {"apiVersion": f"{entry['group']}/v1", "kind": kind, **expressions}
    judge = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "spec": {"healthCheckExprs": [check]},
    }
    judged = {"apiVersion": check["apiVersion"], "kind": kind, **case["object"]}
    (about,) = ask_flux("health", [judge, judged])
    assert about["health"] == case["is"], about.get("message")
