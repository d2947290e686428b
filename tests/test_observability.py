"""Monitors, alerts and dashboards: of what, and that other programs can read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stories import GOOD
from support import ROOT, SMALL, every_object, inputs_of, model, overlay, run, write_files

PICKER = """
routing:
  scheduler:
    config:
      name: own
      plugins: {queue-scorer: {}, max-score-picker: {}, single-profile-handler: {}}
      schedulingProfiles: {default: {plugins: {queue-scorer: {}, max-score-picker: {}}}}
"""
REPOSITORIES = {
    "ours": inputs_of(ROOT),
    **{name: inputs_of(GOOD / name) for name in ("alerts", "dashboard")},
}


def rendered(root: Path, spec: str, name: str = "tiny", more: str = "") -> dict[Any, Any]:
    """Objects of a model in the environment `prod`, by kind and name."""
    files = {
        f"models/{name}.yaml": model(name, spec, "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", more),
    }
    ran = run(write_files(root, {**SMALL, **files}), "render", name, "-e", "prod")
    assert ran.status == 0, ran.stderr
    objects = yaml.load_all(ran.stdout, yaml.CSafeLoader)
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def rules(objects: dict[Any, Any]) -> list[Any]:
    (group,) = objects["PrometheusRule", "tiny"]["spec"]["groups"]
    return list(group["rules"])


def dashboards(objects: list[Any]) -> list[tuple[str, Any]]:
    """Namespace and dashboard of each ConfigMap that Grafana's sidecar would load."""
    return [
        (body["metadata"].get("namespace", ""), json.loads(text))
        for body in objects
        if body["kind"] == "ConfigMap" and "grafana_dashboard" in body["metadata"]["labels"]
        for text in body["data"].values()
    ]


def graphs(dashboard: Any) -> list[Any]:
    return [each for each in dashboard["panels"] if each["type"] != "row"]


def titles(dashboard: Any) -> set[str]:
    return {each["title"] for each in dashboard["panels"] if each["type"] == "row"}


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_panels_lie_side_by_side(tmp_path: Path, texts: dict[str, str]) -> None:
    for _, dashboard in dashboards(every_object(write_files(tmp_path, texts))):
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_dashboard_shows_one_namespace_of_a_shared_prometheus(
    tmp_path: Path, texts: dict[str, str]
) -> None:
    found = dashboards(every_object(write_files(tmp_path, texts)))
    assert found or "dashboard" not in str(texts)
    for namespace, dashboard in found:
        for panel in graphs(dashboard):
            for target in panel["targets"]:
                series = len(re.findall(r"\{[^}]*pod=~", target["expr"]))
                assert series >= 1
                assert not namespace or target["expr"].count(f'namespace="{namespace}"') == series


@pytest.mark.parametrize("texts", REPOSITORIES.values(), ids=REPOSITORIES)
def test_every_dashboard_can_stand_beside_the_others(tmp_path: Path, texts: dict[str, str]) -> None:
    """One Grafana holds all of a cluster: by file in its folder, by uid in its links."""
    objects = every_object(write_files(tmp_path, texts))
    placed = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"].get("namespace")]
    files = [file for o in placed for file in o["data"] if file.endswith(".json")]
    uids = [dashboard["uid"] for namespace, dashboard in dashboards(objects) if namespace]
    assert len(set(files)) == len(files) == len(uids) == len(set(uids))
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,40}", uid) for uid in uids)


def test_flux_has_nothing_to_substitute(tmp_path: Path) -> None:
    for body in every_object(write_files(tmp_path, inputs_of(GOOD / "dashboard"))):
        if body["kind"] == "ConfigMap":
            assert "${" not in str(body["data"])


def test_only_what_something_measures_is_shown(tmp_path: Path) -> None:
    plain = "roles: {decode: {}}\ndashboard: {}\n"
    custom = plain + "engine: {type: custom, version: null, image: 'ghcr.io/acme/own:v1'}\n"

    def shown(spec: str) -> set[str]:
        objects = rendered(tmp_path, spec)
        return titles(
            json.loads(objects["ConfigMap", "tiny-dashboard"]["data"]["llm-prod-tiny.json"])
        )

    assert shown(plain) == {"Requests", "Latency", "Engines", "Pods"}
    assert shown(custom) == {"Pods"}
    assert shown(custom + PICKER) == {"Requests", "Latency", "Pods"}


def test_panels_keep_their_ids_when_others_come(tmp_path: Path) -> None:
    """Links to a panel, and alerts that show one, hold its id."""
    plain = "roles: {decode: {}}\ndashboard: {}\n"
    more = (
        plain + "model: {name: acme/tiny, uri: pvc://m/tiny, adapters: {sql: {uri: pvc://m/sql}}}\n"
    )

    def ids(spec: str) -> dict[str, int]:
        objects = rendered(tmp_path, spec)
        dashboard = json.loads(objects["ConfigMap", "tiny-dashboard"]["data"]["llm-prod-tiny.json"])
        return {panel["title"]: panel["id"] for panel in dashboard["panels"]}

    before, after = ids(plain), ids(more)
    assert set(before) < set(after)
    assert {title: after[title] for title in before} == before


def test_alerts_reach_who_is_asked_in_their_namespace(tmp_path: Path) -> None:
    spec = "roles: {decode: {}}\nalerts: {rules: {restarts: {above: 3, labels: {page: 'no'}}}}\n"
    (rule,) = rules(rendered(tmp_path, spec))
    assert rule["alert"] == "Restarts"
    assert rule["labels"] == {
        "model": "tiny",
        "namespace": "llm-prod",
        "page": "no",
        "role": "decode",
        "severity": "warning",
    }
    assert rule["annotations"]["summary"] == (
        "tiny decode in prod: more than 3 restarts of containers in 5m"
    )


def test_one_rule_for_all_that_a_picker_sees(tmp_path: Path) -> None:
    spec = "roles: {decode: {}, more: {type: decode}}\nalerts: {rules: {ttft-p90: {above: 0.5}}}\n"
    engines = rules(rendered(tmp_path, spec))
    assert [rule["labels"]["role"] for rule in engines] == ["decode", "more"]
    (picker,) = rules(rendered(tmp_path, spec + PICKER))
    assert "role" not in picker["labels"]
    assert "llm_d_epp_request_ttft_seconds_bucket" in picker["expr"]
    assert picker["annotations"]["summary"].endswith("time to first token (p90) is above 0.5 s")


def test_several_pickers_are_not_all_expected_to_be_ready(tmp_path: Path) -> None:
    """Only the one that leads is."""
    spec = "roles: {decode: {}}\nalerts: {rules: {pods-not-ready: {above: 0}}}\n" + PICKER
    roles = [rule["labels"]["role"] for rule in rules(rendered(tmp_path, spec))]
    assert roles == ["decode", "epp"]
    several = spec.replace("scheduler:\n", "scheduler:\n    replicas: 2\n")
    assert [r["labels"]["role"] for r in rules(rendered(tmp_path, several))] == ["decode"]


def test_durations_are_spelt_as_prometheus_reads_them(tmp_path: Path) -> None:
    spec = """
    roles: {decode: {}}
    alerts: {rules: {restarts: {above: 1, window: 30m1h, duration: 0s}}}
    """
    (rule,) = rules(rendered(tmp_path, spec))
    assert "[90m]" in rule["expr"]
    assert rule["for"] == "0s"


def test_a_label_prometheus_would_refuse_is_an_error(tmp_path: Path) -> None:
    spec = "roles: {decode: {}}\nalerts: {rules: {restarts: {above: 1, labels: {a/b: c}}}}\n"
    files = {**SMALL, "models/tiny.yaml": model("tiny", spec, "[sim]")}
    ran = run(write_files(tmp_path, files), "lint")
    assert "error[S405]" in ran.stderr
    assert "the name of a Prometheus label" in ran.stderr


def test_a_service_monitor_finds_its_service(tmp_path: Path) -> None:
    objects = rendered(
        tmp_path,
        "roles: {decode: {}}" + PICKER + "    serviceMonitor: {}\n  service: {monitor: {}}\n",
    )
    for name in ("tiny", "tiny-epp"):
        monitor, service = objects["ServiceMonitor", name], objects["Service", name]
        wanted = monitor["spec"]["selector"]["matchLabels"]
        selected = [
            key
            for key, body in objects.items()
            if key[0] == "Service" and wanted.items() <= body["metadata"]["labels"].items()
        ]
        assert selected == [("Service", name)]
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= ports
    (container,) = objects["Deployment", "tiny-epp"]["spec"]["template"]["spec"]["containers"]
    assert "--metrics-endpoint-auth=false" in container["args"]
