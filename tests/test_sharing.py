"""What environments of a model share: only what is the same in all of them, and all of that."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import modelmill
from modelmill import kinds
from modelmill.diagnostics import CompileError
from modelmill.record import Record
from modelmill.repository import Repository
from modelmill.resolve import Resolver, environments_of
from modelmill.resource import Resource
from modelmill.sharing import READ, VARIABLES, changes, differences
from modelmill.spec.documents import OverlayDocument, Spec
from modelmill.spec.engine import Engine
from modelmill.spec.pod import ContainerFields, Pod
from modelmill.spec.role import Role
from modelmill.spec.routing import Routing, Scheduler
from modelmill.variant import Variant, decode
from stories import GOOD, copy, stories
from support import PROJECT, inputs_of, model, overlay, repository

FURTHER = "a-further-environment"
# What environments change most, all at once, for every role of whatever model it is.
CHANGED = """
engine: {env: {A_VARIABLE: "1"}}
resources: {requests: {cpu: 3}}
"""
WATCHED: Mapping[type, Mapping[str, str]] = {
    Spec: {f: f for f in ("prometheus", "alerts", "dashboard")},
    Role: {
        f: f"roles.{f}"
        for f in (
            "replicas",
            "autoscaling",
            "resources",
            "pod",
            "container",
            "pod_monitor",
            "pod_disruption_budget",
        )
    },
    Pod: {"security_context": "roles.pod.security_context"},
    ContainerFields: {"security_context": "roles.container.security_context"},
    Engine: {f: f"roles.engine.{f}" for f in ("env", "args")},
    Routing: {"gateway": "routing.gateway"},
    Scheduler: {f: f"routing.scheduler.{f}" for f in ("pod_monitor", "pod_disruption_budget")},
    OverlayDocument: {f: f for f in ("namespace", "registries", "gateways")},
}
"""Of records, the fields that a function may ignore, by the name it says so with."""


def variants_of(made: Repository, name: str, resolver: Resolver) -> Iterator[Variant]:
    """The variants of a model that can be read, its base first."""
    document = made.catalog.models[name]
    for place in (None, *environments_of(made.catalog, document)):
        try:
            found = resolver.variant(document, place) if place else resolver.base(document)
            yield decode(found, made.versions)
        except CompileError:
            continue


def emitted(variant: Variant) -> tuple[Resource, ...] | str:
    """The objects, or why there are none."""
    try:
        return kinds.emit(variant)
    except Exception as fault:  # what is refused before is not to be emitted at all
        return repr(fault)


def with_another_environment(story: str, place: Path) -> Repository:
    root, further = copy(GOOD / story, place), overlay(FURTHER, CHANGED, more="cluster: further\n")
    texts = {**inputs_of(root), f"overlays/{FURTHER}/environment.yaml": further}
    return repository(place / "further", texts)


@pytest.mark.parametrize("story", stories(GOOD))
def test_an_environment_is_what_it_would_be_alone(story: str, tmp_path: Path) -> None:
    made = with_another_environment(story, tmp_path)
    for name in made.catalog.models:
        resolver = Resolver(made.catalog)
        for together in list(variants_of(made, name, resolver)):
            (alone,) = (
                each
                for each in variants_of(made, name, Resolver(made.catalog))
                if each.environment == together.environment
            )
            alone.made.clear()
            assert repr(emitted(together)) == repr(emitted(alone)), together.environment


class Unkept(dict[object, object]):
    """A memory that keeps nothing, so that everything is made again, and all its reads are seen."""

    def get(self, key: object, default: Any = None) -> Any:
        return default

    def setdefault(self, key: object, default: Any = None) -> Any:
        return default


class Variables(Mapping[str, Any]):
    """The variables of an engine, as they are read."""

    def __init__(self, own: Mapping[str, Any], note: Callable[[str], None]) -> None:
        self.own, self.note = own, note

    def __getitem__(self, name: str) -> Any:
        self.note(f"{VARIABLES[0]}.{name}" if name in READ else VARIABLES[0])
        return self.own[name]

    def __iter__(self) -> Iterator[str]:
        self.note(VARIABLES[0])
        return iter(self.own)

    def __len__(self) -> int:
        self.note(VARIABLES[0])
        return len(self.own)


def ignoring() -> dict[CodeType, frozenset[str]]:
    """What each function that is shared says it never looks at."""
    found = {}
    for each in pkgutil.walk_packages(modelmill.__path__, "modelmill."):
        if each.name.endswith("__main__"):
            continue
        for function in vars(importlib.import_module(each.name)).values():
            made = getattr(function, "__wrapped__", None)
            if made is not None and inspect.isfunction(function):
                kept = inspect.getclosurevars(function).nonlocals
                found[made.__code__] = kept.get("ignores", frozenset())
    return found


IGNORING = ignoring()


def note(name: str) -> None:
    """One of these is looked at: no function that is running may have said it never does."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code is not differences.__code__:
        ignored = IGNORING.get(frame.f_code, frozenset())
        assert name not in ignored, f"{frame.f_code.co_qualname} looks at `{name}`"
        frame = frame.f_back  # type: ignore[assignment]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(self: Record, name: str) -> Any:
        value = object.__getattribute__(self, name)
        said = WATCHED.get(type(self), {}).get(name)
        if said == VARIABLES[0]:
            return Variables(value, note)
        if said is not None:
            note(said)
        return value

    def read_of_variant(self: Variant, name: str) -> Any:
        if name in ("namespace", "environment"):
            note(name)
        if name in ("gateway", "managed_gateway", "gateway_provider"):  # known, once asked for
            note("routing.gateway")
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Record, "__getattribute__", read)
    monkeypatch.setattr(Variant, "__getattribute__", read_of_variant)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("story", stories(GOOD))
def test_no_function_looks_at_what_it_says_it_ignores(story: str, tmp_path: Path) -> None:
    made = repository(tmp_path / "own", inputs_of(copy(GOOD / story, tmp_path)))
    for name in made.catalog.models:
        for variant in variants_of(made, name, Resolver(made.catalog)):
            variant.made = Unkept()
            kinds.emit(variant)


def bodies(root: Path, spec: str, **overlays: str) -> list[dict[str, Any]]:
    """The bodies of a model's objects by name, of its base and of each environment."""
    texts = {f"overlays/{n}/environment.yaml": overlay(n, each) for n, each in overlays.items()}
    made = repository(
        root, {**texts, "modelmill.yaml": PROJECT, "models/tiny.yaml": model("tiny", spec)}
    )
    every = variants_of(made, "tiny", Resolver(made.catalog))
    return [{each.name: each.body for each in kinds.emit(variant)} for variant in every]


TWO = """
engine: {type: vllm, version: v0.26.0, image: "vllm:v0.26.0"}
roles: {decode: {replicas: 1}, prefill: {replicas: 1}}
"""


def test_what_no_environment_changes_is_one_object(tmp_path: Path) -> None:
    base, dev = bodies(tmp_path, TWO, dev="roles: {decode: {replicas: 2}}")
    assert dev["tiny-prefill"] is base["tiny-prefill"]
    assert dev["tiny"] is base["tiny"]
    assert dev["tiny-decode"]["spec"]["replicas"] == 2
    assert dev["tiny-decode"]["spec"]["template"] is base["tiny-decode"]["spec"]["template"]


def test_a_change_of_one_environment_shows_only_there(tmp_path: Path) -> None:
    _, dev, prod = bodies(tmp_path, TWO, dev="engine: {env: {A: x}}", prod="")
    (changed, plain) = (
        each["tiny-decode"]["spec"]["template"]["spec"]["containers"][0] for each in (dev, prod)
    )
    assert {"name": "A", "value": "x"} in changed["env"]
    assert not any(each["name"] == "A" for each in plain.get("env", []))
    assert changed["args"] is plain["args"]


def test_what_two_environments_add_alike_is_one_object(tmp_path: Path) -> None:
    added = "podMonitor: {name: watched}\nrouting: {gateway: {name: front}}\n"
    base, *others = bodies(
        tmp_path,
        TWO + "routing: {port: 8000}",
        dev="prometheus: {serverAddress: 'http://here:9090'}",
        prod=added,
        staging=added + "engine: {env: {A: x}}",
        test=added.replace("front", "back"),
    )
    dev, prod, staging, test = others
    assert dev["tiny-prefill"] is base["tiny-prefill"] is prod["tiny-prefill"]
    assert prod["tiny"] is staging["tiny"]
    assert prod["tiny"]["kind"] == "HTTPRoute"
    parents = [each["tiny"]["spec"]["parentRefs"][0]["name"] for each in (prod, staging, test)]
    assert parents == ["front", "front", "back"]
    assert prod["tiny"]["spec"]["rules"] is test["tiny"]["spec"]["rules"]


def test_what_one_environment_hardens_is_hardened_only_there(tmp_path: Path) -> None:
    hard = """
pod: {securityContext: {runAsUser: 1000}}
container: {securityContext: {readOnlyRootFilesystem: true}}
"""
    spec = TWO + "pod: {labels: {team: red}}\ncontainer: {imagePullPolicy: Always}\n"
    base, dev, prod = bodies(tmp_path, spec, dev="", prod=hard)
    assert dev["tiny-decode"] is base["tiny-decode"]
    pods = [each["tiny-decode"]["spec"]["template"] for each in (base, prod)]
    assert [each["spec"]["securityContext"].get("runAsUser") for each in pods] == [None, 1000]
    engines = [each["spec"]["containers"][0] for each in pods]
    assert "readOnlyRootFilesystem" not in engines[0]["securityContext"]
    assert engines[1]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pods[0]["metadata"] is pods[1]["metadata"]
    assert engines[0]["args"] is engines[1]["args"]


def test_numbers_words_and_truth_are_told_apart(tmp_path: Path) -> None:
    given = {"number": "1", "truth": "true", "word": "'1'"}
    texts = {n: f"engine: {{args: {{a-flag: {value}}}}}" for n, value in given.items()}
    made = repository(
        tmp_path,
        {
            **{f"overlays/{n}/environment.yaml": overlay(n, text) for n, text in texts.items()},
            "modelmill.yaml": PROJECT,
            "models/tiny.yaml": model("tiny", TWO),
        },
    )
    base, *others = variants_of(made, "tiny", Resolver(made.catalog))
    assert changes(base) == frozenset()
    for each in others:
        assert "roles.engine.args" in changes(each)
    words = [each.roles["decode"].engine for each in others]
    assert len({str(each and each.args["a-flag"]) for each in words}) == 2
