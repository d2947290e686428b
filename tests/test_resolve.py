"""Which layer wins: presets, model, the overlay's presets, the overlay, the model's own entry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.resolve import Resolved, Resolver, environments_of
from modelmill.tree import plain
from support import HEAD, PROJECT, model, overlay, preset, repository

SIM = "engine: {type: inference-sim, version: v1, image: sim:v1}\naccelerator: {name: cpu}"


def resolved(root: Path, texts: Mapping[str, str], environment: str | None = None) -> Resolved:
    """The model `m` in an environment."""
    catalog = repository(root, {"modelmill.yaml": PROJECT, **texts}).catalog
    resolver, found = Resolver(catalog), catalog.models["m"]
    if environment is None:
        return resolver.base(found)
    return resolver.variant(found, catalog.overlays[environment])


def value(root: Path, texts: Mapping[str, str], path: str, environment: str | None = None) -> Any:
    node = resolved(root, texts, environment).tree.get(*path.split("."))
    return None if node is None else plain(node)


def refused(root: Path, texts: Mapping[str, str], environment: str | None = None) -> Diagnostic:
    """The one problem of resolving."""
    with pytest.raises(CompileError) as caught:
        resolved(root, texts, environment)
    (problem,) = caught.value.diagnostics
    return problem


def layer(name: str) -> str:
    """A layer that says its name, and says it for every layer above it to replace or to keep."""
    return f"metadata: {{annotations: {{last: {name}, {name}: {name}}}}}"


ALL = {
    "presets/below.yaml": preset("below", layer("below")),
    "presets/left.yaml": preset("left", layer("left"), "[below]"),
    "presets/right.yaml": preset("right", layer("right"), "[below]"),
    "presets/laid.yaml": preset("laid", layer("laid")),
    "presets/laid-too.yaml": preset("laid-too", layer("laid-too"), "[laid, below]"),
    "models/m.yaml": model("m", layer("model"), "[left, right]", f"{{prod: {{{layer('own')}}}}}"),
    "overlays/prod/environment.yaml": overlay("prod", layer("overlay"), "[laid-too]"),
    "overlays/test/environment.yaml": overlay("test", layer("overlay")),
}


def test_layers_in_order(tmp_path: Path) -> None:
    """A later layer replaces, and what it adds stands last."""
    found = value(tmp_path, ALL, "metadata.annotations", "prod")
    assert list(found) == [
        "last",
        "below",
        "left",
        "right",
        "model",
        "laid",
        "laid-too",
        "overlay",
        "own",
    ]
    assert found["last"] == "own"


def test_a_diamond_is_laid_once_parents_first(tmp_path: Path) -> None:
    found = resolved(tmp_path, ALL, "prod")
    assert [document.name for document in found.chain] == [
        "below",
        "left",
        "right",
        "laid",
        "below",
        "laid-too",
    ]


def test_history_names_every_layer(tmp_path: Path) -> None:
    node = resolved(tmp_path, ALL, "prod").tree.nearest("metadata", "annotations", "last")
    assert [each.value for each in node.history()] == [
        "own",
        "overlay",
        "laid-too",
        "below",
        "laid",
        "model",
        "right",
        "left",
        "below",
    ]


def test_the_base_knows_no_environment(tmp_path: Path) -> None:
    assert value(tmp_path, ALL, "metadata.annotations.last") == "model"


def test_another_environment_has_nothing_of_this_one(tmp_path: Path) -> None:
    found = value(tmp_path, ALL, "metadata.annotations", "test")
    assert found["last"] == "overlay"
    assert "own" not in found
    assert "laid" not in found


def test_extends_twice_is_once(tmp_path: Path) -> None:
    texts = {**ALL, "models/m.yaml": model("m", layer("model"), "[left, left, below]")}
    assert [d.name for d in resolved(tmp_path, texts).chain] == ["below", "left"]


def test_a_preset_an_overlay_lays_again_wins_over_the_model(tmp_path: Path) -> None:
    texts = {
        **ALL,
        "models/m.yaml": model("m", layer("model"), "[below]"),
        "overlays/prod/environment.yaml": overlay("prod", "", "[below]"),
    }
    assert value(tmp_path, texts, "metadata.annotations.last", "prod") == "below"


# Roles

ROLES = "roles: {decode: {replicas: 2, sharedMemory: 1Gi}, prefill: {}}"


def test_what_stands_at_the_top_is_in_every_role(tmp_path: Path) -> None:
    texts = {"models/m.yaml": model("m", f"sharedMemory: 2Gi\n{ROLES}")}
    roles = value(tmp_path, texts, "roles")
    assert roles == {
        "decode": {"sharedMemory": "1Gi", "replicas": 2},
        "prefill": {"sharedMemory": "2Gi"},
    }


def test_the_top_is_left_only_in_the_roles(tmp_path: Path) -> None:
    texts = {"models/m.yaml": model("m", f"sharedMemory: 2Gi\n{ROLES}")}
    assert value(tmp_path, texts, "sharedMemory") is None


def test_a_later_general_value_beats_an_earlier_special_one(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", ROLES),
        "models/m.yaml": model("m", "sharedMemory: 3Gi", "[p]"),
    }
    assert value(tmp_path, texts, "roles.decode.sharedMemory") == "3Gi"


def test_a_special_value_beats_a_general_one_of_its_own_layer(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", "roles: {decode: {}}"),
        "models/m.yaml": model(
            "m", "sharedMemory: 3Gi\nroles: {decode: {sharedMemory: 4Gi}}", "[p]"
        ),
    }
    assert value(tmp_path, texts, "roles.decode.sharedMemory") == "4Gi"


def test_a_role_added_later_inherits_what_all_have(tmp_path: Path) -> None:
    texts = {
        "presets/sim.yaml": preset("sim", SIM),
        "models/m.yaml": model("m", "roles: {decode: {}}", "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", "roles: {more: {type: decode}}"),
    }
    more = value(tmp_path, texts, "roles.more", "prod")
    assert more["engine"]["version"] == "v1"
    assert more["type"] == "decode"
    assert value(tmp_path, texts, "roles.more") is None


def test_a_role_lays_its_own_presets_under_itself_only(tmp_path: Path) -> None:
    texts = {
        "presets/big.yaml": preset("big", "sharedMemory: 9Gi\naccelerator: {name: b200}", "[base]"),
        "presets/base.yaml": preset("base", "accelerator: {memory: 1Gi}"),
        "models/m.yaml": model(
            "m",
            """
            sharedMemory: 1Gi
            roles:
              decode: {}
              other: {type: decode, extends: [big], sharedMemory: 5Gi}
              third: {type: decode, extends: [big]}
            """,
        ),
    }
    roles = value(tmp_path, texts, "roles")
    assert "accelerator" not in roles["decode"]
    assert roles["decode"]["sharedMemory"] == "1Gi"
    assert roles["other"]["sharedMemory"] == "5Gi"
    assert roles["other"]["accelerator"] == {"memory": "1Gi", "name": "b200"}
    assert roles["third"]["sharedMemory"] == "9Gi"


NULL_ROLES = {
    "gone": ("roles: {prefill: null}", ["decode"]),
    "gone-while-others-change": ("sharedMemory: 7Gi\nroles: {prefill: null}", ["decode"]),
    "all-gone-and-one-new": ("roles: {prefill: null, decode: null, a: {}}", ["a"]),
}


@pytest.mark.parametrize(("spec", "left"), NULL_ROLES.values(), ids=NULL_ROLES)
def test_null_takes_a_role_away(tmp_path: Path, spec: str, left: list[str]) -> None:
    texts = {
        "presets/p.yaml": preset("p", ROLES),
        "models/m.yaml": model("m", spec, "[p]"),
        "overlays/prod/environment.yaml": overlay("prod", "strategy: {type: Recreate}"),
    }
    assert list(value(tmp_path, texts, "roles")) == left
    assert list(value(tmp_path, texts, "roles", "prod")) == left


def test_a_role_that_comes_back_is_new(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", ROLES),
        "models/m.yaml": model("m", "strategy: {type: Recreate}\nroles: {decode: null}", "[p]"),
        "overlays/prod/environment.yaml": overlay("prod", "roles: {decode: {replicas: 5}}"),
    }
    assert value(tmp_path, texts, "roles.decode", "prod") == {
        "strategy": {"type": "Recreate"},
        "replicas": 5,
    }


def test_null_takes_all_roles_away_and_others_may_follow(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", ROLES),
        "models/m.yaml": model("m", "roles: null", "[p]"),
        "overlays/prod/environment.yaml": overlay("prod", "roles: {only: {}}"),
        "overlays/test/environment.yaml": overlay("test", "sharedMemory: 1Gi"),
    }
    assert value(tmp_path, texts, "roles") is None
    assert value(tmp_path, texts, "roles", "test") is None
    assert value(tmp_path, texts, "roles", "prod") == {"only": {}}


def test_null_at_the_top_unsets_in_every_role(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", ROLES),
        "models/m.yaml": model("m", "sharedMemory: null", "[p]"),
    }
    assert value(tmp_path, texts, "roles.decode.sharedMemory") is None


def test_another_engine_replaces_that_of_every_role(tmp_path: Path) -> None:
    texts = {
        "presets/p.yaml": preset("p", "engine: {type: vllm, args: {a: 1}}\nroles: {decode: {}}"),
        "models/m.yaml": model("m", "roles: {decode: {engine: {args: {b: 2}}}}", "[p]"),
        "overlays/prod/environment.yaml": overlay("prod", "engine: {type: sglang}"),
    }
    assert value(tmp_path, texts, "roles.decode.engine", "prod") == {"type": "sglang"}
    assert value(tmp_path, texts, "roles.decode.engine") == {
        "type": "vllm",
        "args": {"a": 1, "b": 2},
    }


# Refusals


def test_a_circle_is_told_whole_wherever_it_is_entered(tmp_path: Path) -> None:
    texts = {
        f"presets/{name}.yaml": preset(name, "{}", f"[{parent}]")
        for name, parent in (("a", "b"), ("b", "c"), ("c", "a"))
    }
    for entry in "ab":
        texts["models/m.yaml"] = model("m", "{}", f"[{entry}]")
        problem = refused(tmp_path, texts)
        assert problem.code == "R302"
        assert problem.message.endswith("circle: a → b → c → a")
        assert str(problem.span).startswith("presets/")


def test_a_preset_may_not_extend_itself(tmp_path: Path) -> None:
    texts = {
        "presets/a.yaml": preset("a", "{}", "[a]"),
        "models/m.yaml": model("m", "{}", "[a]"),
    }
    assert refused(tmp_path, texts).message.endswith("a → a")


UNKNOWN = {
    "of-the-model": {"models/m.yaml": model("m", "{}", "[smi]")},
    "of-a-preset": {
        "presets/p.yaml": preset("p", "{}", "[smi]"),
        "models/m.yaml": model("m", "{}", "[p]"),
    },
    "of-a-role": {"models/m.yaml": model("m", "roles: {decode: {extends: [smi]}}")},
    "of-a-preset-of-a-role": {
        "presets/p.yaml": preset("p", "{}", "[smi]"),
        "models/m.yaml": model("m", "roles: {decode: {extends: [p]}}"),
    },
}


@pytest.mark.parametrize("texts", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_preset(tmp_path: Path, texts: dict[str, str]) -> None:
    problem = refused(tmp_path, {"presets/sim.yaml": preset("sim", SIM), **texts})
    assert (problem.code, problem.message) == ("R301", "there is no preset `smi`")
    assert problem.hint == "did you mean `sim`?"
    line = texts[problem.span.path if problem.span else ""].splitlines()[problem.span.line - 1]  # type: ignore[union-attr]
    assert "smi" in line


WRITTEN_OUT = {
    "roles": "roles: ${model}",
    "role": "roles: {decode: '${model}'}",
    "extends": "roles: {decode: {extends: '${model.name}'}}",
}


@pytest.mark.parametrize("spec", WRITTEN_OUT.values(), ids=WRITTEN_OUT)
def test_no_reference_where_layers_are_merged(tmp_path: Path, spec: str) -> None:
    """References are replaced after merging, so none can decide what is merged."""
    problem = refused(tmp_path, {"models/m.yaml": model("m", spec)})
    assert problem.code == "S402"
    assert problem.message.endswith("a reference cannot stand for it")


# Which models an environment takes

SELECTORS = {
    "all": ("{}", ["a", "b", "none"]),
    "labels": ("{matchLabels: {tier: a}}", ["a"]),
    "in": ("{matchExpressions: [{key: tier, operator: In, values: [a, b]}]}", ["a", "b"]),
    "not-in-takes-the-unlabelled": (
        "{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}",
        ["b", "none"],
    ),
    "exists": ("{matchExpressions: [{key: tier, operator: Exists}]}", ["a", "b"]),
    "does-not-exist": ("{matchExpressions: [{key: tier, operator: DoesNotExist}]}", ["none"]),
    "all-must-hold": (
        "{matchLabels: {tier: a}, matchExpressions: [{key: x, operator: Exists}]}",
        [],
    ),
}


@pytest.mark.parametrize(("selector", "taken"), SELECTORS.values(), ids=SELECTORS)
def test_selector(tmp_path: Path, selector: str, taken: list[str]) -> None:
    texts = {
        "modelmill.yaml": PROJECT,
        "overlays/prod/environment.yaml": overlay("prod", more=f"selector: {selector}\n"),
    }
    for name, labels in (("a", "{tier: a}"), ("b", "{tier: b}"), ("none", "{}")):
        head = f"{HEAD}Model\nmetadata: {{name: {name}, labels: {labels}}}\n"
        texts[f"models/{name}.yaml"] = head + "spec: {}\n"
    catalog = repository(tmp_path, texts).catalog
    found = [m.name for m in catalog.models.values() if environments_of(catalog, m)]
    assert found == taken
