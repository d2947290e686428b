"""The language of layers: what becomes of a value when another layer says something about it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill.merge import merge
from modelmill.shapes import Shape
from modelmill.spec.documents import Spec
from modelmill.tree import Node, plant
from support import tree, with_nulls

SPEC = Spec.shape()


def assert_merge(base: str, override: str, want: str, shape: Shape | None = SPEC) -> None:
    """The override laid over the base says what is wanted, in that order of keys, and neither of
    the two is changed by it."""
    lower, upper = tree(base, "base.yaml"), tree(override, "override.yaml")
    before = frozen(lower), frozen(upper)
    merged = with_nulls(merge(lower, upper, shape))
    assert merged == with_nulls(tree(want))
    assert ordered(merged) == ordered(with_nulls(tree(want)))
    assert (frozen(lower), frozen(upper)) == before


def frozen(node: Node) -> Any:
    """Everything a node says, in a form that does not change with it."""
    value = node.value
    if isinstance(value, dict):
        value = tuple((key, frozen(child)) for key, child in value.items())
    elif isinstance(value, list):
        value = tuple(frozen(child) for child in value)
    return value, node.place, node.key, node.under and frozen(node.under), node.source


def ordered(value: Any) -> Any:
    """A mapping with the order of its keys."""
    if isinstance(value, dict):
        return [(key, ordered(child)) for key, child in value.items()]
    return value


RULES = {
    "mappings-merge-by-key": (
        "engine: {args: {a: 1, b: 2}}",
        "engine: {args: {b: 3, c: 4}}",
        "engine: {args: {a: 1, b: 3, c: 4}}",
    ),
    "what-is-new-stands-last": (
        "engine: {env: {A: 1, B: 2}}",
        "engine: {env: {C: 3, A: 4}}",
        "engine: {env: {A: 4, B: 2, C: 3}}",
    ),
    "lists-replace": (
        "engine: {command: [a, b]}",
        "engine: {command: [c]}",
        "engine: {command: [c]}",
    ),
    "an-empty-list-replaces": (
        "engine: {command: [a]}",
        "engine: {command: []}",
        "engine: {command: []}",
    ),
    "an-empty-mapping-adds-nothing": (
        "engine: {args: {a: 1}}",
        "engine: {args: {}}",
        "engine: {args: {a: 1}}",
    ),
    "zero-wins": (
        "roles: {a: {replicas: 3}}",
        "roles: {a: {replicas: 0}}",
        "roles: {a: {replicas: 0}}",
    ),
    "false-wins": (
        "engine: {args: {a: true}}",
        "engine: {args: {a: false}}",
        "engine: {args: {a: false}}",
    ),
    "empty-text-wins": (
        "engine: {env: {A: b}}",
        'engine: {env: {A: ""}}',
        'engine: {env: {A: ""}}',
    ),
    "null-unsets": (
        "engine: {args: {a: 1, b: 2}}",
        "engine: {args: {a: null}}",
        "engine: {args: {a: null, b: 2}}",
    ),
    "null-unsets-a-whole-mapping": (
        "routing: {scheduler: {replicas: 2}}",
        "routing: {scheduler: null}",
        "routing: {scheduler: null}",
    ),
    "what-was-unset-is-set-afresh": (
        "routing: {scheduler: null}",
        "routing: {scheduler: {replicas: 2}}",
        "routing: {scheduler: {replicas: 2}}",
    ),
    "a-scalar-gives-way-to-a-mapping": (
        "engine: {args: {a: 1}}",
        "engine: {args: {a: {b: 2}}}",
        "engine: {args: {a: {b: 2}}}",
    ),
    "a-mapping-gives-way-to-a-scalar": (
        "engine: {args: {a: {b: 2}}}",
        "engine: {args: {a: 1}}",
        "engine: {args: {a: 1}}",
    ),
    "free-data-merges-by-key-too": (
        "extraObjects: {x: {spec: {a: 1, b: [1]}}}",
        "extraObjects: {x: {spec: {b: [2], c: {d: 3}}}}",
        "extraObjects: {x: {spec: {a: 1, b: [2], c: {d: 3}}}}",
    ),
    "an-unknown-key-is-kept-for-decode-to-refuse": ("x: {a: 1}", "x: {b: 2}", "x: {a: 1, b: 2}"),
}

ONE_OF = {
    "a-probe-handler-replaces-another": (
        "probes: {startup: {httpGet: {path: /a}, periodSeconds: 5}}",
        "probes: {startup: {exec: {command: [b]}}}",
        "probes: {startup: {periodSeconds: 5, exec: {command: [b]}}}",
    ),
    "the-same-handler-merges": (
        "probes: {startup: {httpGet: {path: /a}}}",
        "probes: {startup: {httpGet: {port: 1}}}",
        "probes: {startup: {httpGet: {path: /a, port: 1}}}",
    ),
    "a-null-member-replaces-no-other": (
        "probes: {startup: {httpGet: {path: /a}}}",
        "probes: {startup: {exec: null}}",
        "probes: {startup: {httpGet: {path: /a}, exec: null}}",
    ),
    "a-budget-counts-one-way": (
        "podDisruptionBudget: {minAvailable: 1}",
        "podDisruptionBudget: {maxUnavailable: 0}",
        "podDisruptionBudget: {maxUnavailable: 0}",
    ),
    "a-volume-source-replaces-another": (
        "pod: {volumes: {v: {emptyDir: {sizeLimit: 1Gi}}}}",
        "pod: {volumes: {v: {configMap: {name: c}}}}",
        "pod: {volumes: {v: {configMap: {name: c}}}}",
    ),
    "the-same-volume-source-merges": (
        "pod: {volumes: {v: {emptyDir: {sizeLimit: 1Gi}}}}",
        "pod: {volumes: {v: {emptyDir: {medium: Memory}}}}",
        "pod: {volumes: {v: {emptyDir: {sizeLimit: 1Gi, medium: Memory}}}}",
    ),
    "a-null-source-leaves-the-other": (
        "pod: {volumes: {v: {configMap: {name: c}}}}",
        "pod: {volumes: {v: {emptyDir: null}}}",
        "pod: {volumes: {v: {configMap: {name: c}, emptyDir: null}}}",
    ),
    "a-source-that-was-unset-comes-back-alone": (
        "pod: {volumes: {v: {emptyDir: null, configMap: {name: c}}}}",
        "pod: {volumes: {v: {emptyDir: {}}}}",
        "pod: {volumes: {v: {emptyDir: {}}}}",
    ),
    "a-reference-replaces-an-env-value": (
        "engine: {env: {A: b}}",
        "engine: {env: {A: {valueFrom: {secretKeyRef: {name: s, key: k}}}}}",
        "engine: {env: {A: {valueFrom: {secretKeyRef: {name: s, key: k}}}}}",
    ),
    "an-env-value-replaces-a-reference": (
        "engine: {env: {A: {valueFrom: {fieldRef: {fieldPath: p}}}}}",
        "engine: {env: {A: b}}",
        "engine: {env: {A: b}}",
    ),
    "one-source-of-an-env-value-replaces-another": (
        "engine: {env: {A: {valueFrom: {fieldRef: {fieldPath: p}}}}}",
        "engine: {env: {A: {valueFrom: {configMapKeyRef: {name: c, key: k}}}}}",
        "engine: {env: {A: {valueFrom: {configMapKeyRef: {name: c, key: k}}}}}",
    ),
}

TAGGED = {
    "another-engine-leaves-nothing-of-the-first": (
        "engine: {type: vllm, version: v1, args: {a: 1}, env: {A: 1}}",
        "engine: {type: sglang, version: v2}",
        "engine: {type: sglang, version: v2}",
    ),
    "the-same-engine-merges": (
        "engine: {type: vllm, args: {a: 1}}",
        "engine: {type: vllm, args: {b: 2}}",
        "engine: {type: vllm, args: {a: 1, b: 2}}",
    ),
    "no-type-keeps-the-engine": (
        "engine: {type: vllm, args: {a: 1}}",
        "engine: {args: {b: 2}}",
        "engine: {type: vllm, args: {a: 1, b: 2}}",
    ),
    "args-may-come-before-the-engine": (
        "engine: {args: {a: 1}}",
        "engine: {type: vllm}",
        "engine: {args: {a: 1}, type: vllm}",
    ),
    "another-accelerator-leaves-nothing-of-the-first": (
        "accelerator: {name: h100, resource: nvidia.com/gpu, env: {A: 1}}",
        "accelerator: {name: cpu}",
        "accelerator: {name: cpu}",
    ),
    "another-plugin-type-drops-its-parameters": (
        "routing: {scheduler: {config: {plugins: {p: {type: a, parameters: {x: 1}}}}}}",
        "routing: {scheduler: {config: {plugins: {p: {type: b}}}}}",
        "routing: {scheduler: {config: {plugins: {p: {type: b}}}}}",
    ),
    "another-routing-profile-leaves-nothing-of-the-first": (
        "routing: {scheduler: {replicas: 2, config: {name: a, plugins: {p: {}}}}}",
        "routing: {scheduler: {config: {name: b, plugins: {q: {}}}}}",
        "routing: {scheduler: {replicas: 2, config: {name: b, plugins: {q: {}}}}}",
    ),
}


@pytest.mark.parametrize(("base", "override", "want"), RULES.values(), ids=RULES)
def test_rule(base: str, override: str, want: str) -> None:
    assert_merge(base, override, want)


@pytest.mark.parametrize(("base", "override", "want"), ONE_OF.values(), ids=ONE_OF)
def test_one_of(base: str, override: str, want: str) -> None:
    assert_merge(base, override, want)


@pytest.mark.parametrize(("base", "override", "want"), TAGGED.values(), ids=TAGGED)
def test_tagged(base: str, override: str, want: str) -> None:
    assert_merge(base, override, want)


def test_every_value_knows_where_it_came_from_and_what_it_replaced() -> None:
    layers = [
        tree(f"engine:\n  args:\n    a: {value}", f"{name}.yaml")
        for name, value in (("one", 1), ("two", "null"), ("three", 3))
    ]
    merged = merge(merge(layers[0], layers[1], SPEC), layers[2], SPEC)
    value = merged.nearest("engine", "args", "a")
    assert [(str(node.span), node.value) for node in value.history()] == [
        ("three.yaml:3:8", 3),
        ("two.yaml:3:8", None),
        ("one.yaml:3:8", 1),
    ]
    assert str(value.key_span) == "three.yaml:3:5"


def test_a_replaced_engine_remembers_the_one_it_replaced() -> None:
    lower = tree("engine: {type: vllm}", "lower.yaml")
    merged = merge(lower, tree("engine: {type: sglang}", "upper.yaml"), SPEC)
    assert [node.place[0] for node in merged.nearest("engine").history()] == [
        "upper.yaml",
        "lower.yaml",
    ]


def test_what_only_one_layer_has_is_shared() -> None:
    lower, upper = tree("engine: {args: {a: {b: 1}}}"), tree("routing: {port: 1}")
    merged = merge(lower, upper, SPEC)
    assert merged.nearest("engine") is lower.nearest("engine")
    assert merged.nearest("routing") is upper.nearest("routing")


# Laws

PLACE = ("law.yaml", 1, 1, 1)
KEYS = st.sampled_from(["a", "b", "c", "d"])
LEAVES = st.sampled_from([0, 1, False, True, "", "x", 1.5]) | st.lists(
    st.integers(0, 3), max_size=2
)


def mappings(depth: int = 3) -> st.SearchStrategy[Any]:
    """Mappings in which a key holds a mapping at one depth and a leaf at another, never either: as
    typed fields do."""
    inner = st.dictionaries(KEYS, LEAVES, max_size=4)
    for _ in range(depth):
        inner = st.fixed_dictionaries(
            {}, optional={"a": LEAVES, "b": inner, "c": LEAVES, "d": inner}
        )
    return inner


ANYTHING = st.recursive(
    LEAVES | st.none(), lambda child: st.dictionaries(KEYS, child, max_size=3), max_leaves=12
)
TREES = st.dictionaries(KEYS, ANYTHING, max_size=4)
PROBES = st.dictionaries(
    st.sampled_from(["httpGet", "exec", "grpc", "periodSeconds"]),
    st.dictionaries(st.sampled_from("pq"), st.integers(0, 2), max_size=2),
    max_size=1,
)
ENGINES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["vllm", "sglang"]),
        "args": st.dictionaries(KEYS, st.integers(0, 3) | st.none(), max_size=2),
    },
)
TYPED = st.fixed_dictionaries(
    {}, optional={"engine": ENGINES, "probes": st.fixed_dictionaries({"startup": PROBES})}
)
UNHURRIED = settings(max_examples=200, deadline=None)


def laid(lower: Any, upper: Any, shape: Shape | None = None) -> Any:
    return with_nulls(merge(plant(lower, PLACE), plant(upper, PLACE), shape))


@UNHURRIED
@given(TREES)
def test_nothing_laid_over_changes_nothing(layer: Any) -> None:
    assert ordered(laid(layer, {})) == ordered(layer)
    assert ordered(laid({}, layer)) == ordered(layer)


@UNHURRIED
@given(TREES | TYPED, TREES | TYPED)
def test_the_same_layer_twice_is_as_good_as_once(lower: Any, upper: Any) -> None:
    once = laid(lower, upper, SPEC)
    assert ordered(laid(once, upper, SPEC)) == ordered(once)


@UNHURRIED
@given(mappings(), mappings(), mappings())
def test_layers_may_be_folded_in_groups(a: Any, b: Any, c: Any) -> None:
    """Associative wherever no layer unsets, changes a tag or chooses another member of a one-of."""
    assert laid(laid(a, b), c) == laid(a, laid(b, c))


@UNHURRIED
@given(TREES, TREES)
def test_what_a_layer_says_is_what_holds(lower: Any, upper: Any) -> None:
    """Every value of the upper layer stands in the result; every other one is the lower layer's."""
    assert_holds(upper, lower, laid(lower, upper))


def assert_holds(upper: Any, lower: Any, result: Any) -> None:
    if not isinstance(upper, dict) or not isinstance(lower, dict):
        assert result == upper
        return
    assert result.keys() == lower.keys() | upper.keys()
    for key, value in result.items():
        if key not in upper:
            assert value == lower[key]
        elif key not in lower:
            assert value == upper[key]
        else:
            assert_holds(upper[key], lower[key], value)


GROUPS = {
    "null": (
        {"engine": {"args": {"a": {"p": 1}}}},
        {"engine": {"args": {"a": None}}},
        {"engine": {"args": {"a": {"q": 2}}}},
        ({"q": 2}, {"p": 1, "q": 2}),
        ("engine", "args", "a"),
    ),
    "tag": (
        {"engine": {"type": "vllm", "args": {"a": 1}}},
        {"engine": {"type": "sglang"}},
        {"engine": {"type": "vllm", "args": {"b": 2}}},
        ({"b": 2}, {"a": 1, "b": 2}),
        ("engine", "args"),
    ),
    "one-of": (
        {"probes": {"startup": {"exec": {"p": 1}}}},
        {"probes": {"startup": {"grpc": {}}}},
        {"probes": {"startup": {"exec": {"q": 2}}}},
        ({"q": 2}, {"p": 1, "q": 2}),
        ("probes", "startup", "exec"),
    ),
}


@pytest.mark.parametrize(("a", "b", "c", "want", "path"), GROUPS.values(), ids=GROUPS)
def test_layers_fold_from_the_lowest(a: Any, b: Any, c: Any, want: Any, path: Any) -> None:
    """Where a middle layer takes something away, groups do not hold: the order is the meaning."""
    results = laid(laid(a, b, SPEC), c, SPEC), laid(a, laid(b, c, SPEC), SPEC)
    for result, expected in zip(results, want, strict=True):
        for segment in path:
            result = result[segment]
        assert result == expected
