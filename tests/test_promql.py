"""Every PromQL that is emitted, against a parser: Prometheus and KEDA tell a fault much later."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from modelmill import yamltext
from modelmill.promql import quoted, time_range
from stories import GOOD, stories
from support import ROOT, every_object, inputs_of, write_files
from test_hostile import DOCUMENTS

REPOSITORIES = {
    "ours": inputs_of(ROOT),
    "every-field": {name: yamltext.dump(document) for name, document in DOCUMENTS.items()},
}
ASKING = [
    story
    for story in stories(GOOD)
    if re.search(
        r"autoscaling:|alerts:|dashboard:", "".join(map(str, inputs_of(GOOD / story).values()))
    )
]
OF_GRAFANA = re.compile(r"\$\w+")


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_what_is_asked_is_promql(tmp_path: Path, texts: dict[str, str]) -> None:
    assert not list(faults(tmp_path, texts))


@pytest.mark.parametrize("story", ASKING)
def test_what_is_asked_in_stories_is_promql(tmp_path: Path, story: str) -> None:
    assert not list(faults(tmp_path, inputs_of(GOOD / story)))


def test_scalers_of_this_repository_look_at_one_namespace(tmp_path: Path) -> None:
    """A Prometheus may be shared: what is asked without a namespace is of other tenants too."""
    objects = every_object(write_files(tmp_path, inputs_of(ROOT)))
    scalers = [o for o in objects if o["kind"] == "ScaledObject" and "namespace" in o["metadata"]]
    assert scalers
    for body in scalers:
        for query in queries_of(body):
            inside = re.findall(r"\{(.*?)\}", query)
            assert inside
            assert all(f'namespace="{body["metadata"]["namespace"]}"' in each for each in inside)


def faults(root: Path, texts: dict[str, str]) -> Iterator[str]:
    for body in every_object(write_files(root, texts)):
        for query in queries_of(body):
            try:
                promql_parser.parse(OF_GRAFANA.sub("5m", query))
            except ValueError as fault:
                yield f"{body['kind']} {body['metadata']['name']}: {fault} in {query}"


def queries_of(body: Any) -> Iterator[str]:
    """All PromQL in an object."""
    if body["kind"] == "ScaledObject":
        triggers = [each for each in body["spec"]["triggers"] if each["type"] == "prometheus"]
        yield from (each["metadata"]["query"] for each in triggers)
    elif body["kind"] == "PrometheusRule":
        yield from (r["expr"] for group in body["spec"]["groups"] for r in group["rules"])
    elif body["kind"] == "ConfigMap":
        for name, text in body.get("data", {}).items():
            if name.endswith(".json"):
                yield from _expressions(json.loads(text))


def _expressions(value: Any) -> Iterator[str]:
    """What a dashboard's panels ask."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from _expressions(each)
    if isinstance(value, dict) and isinstance(value.get("expr"), str):
        yield value["expr"]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("5m", "5m"), ("90s", "90s"), ("30m1h", "90m"), ("500ms", "500ms"), ("0s", "1ms")],
)
def test_durations_are_as_prometheus_reads_them(duration: str, expected: str) -> None:
    assert time_range(duration) == expected
    promql_parser.parse(f"rate(up[{time_range(duration)}])")


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "å{}"])
def test_strings_are_quoted(text: str) -> None:
    promql_parser.parse(f"up{{a={quoted(text)}}}")
