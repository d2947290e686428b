"""What a pod asks for: devices by claim or as an extended resource, in the number it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support import SMALL, compiled, model, preset, run, write_files

GPU = "accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}\n"
DRA = (
    "accelerator: {name: h100, resource: nvidia.com/gpu, allocation: dra, claims: {gpu: "
    "{requests: {gpu: {deviceClass: gpu.nvidia.com}}}}}\n"
)


def objects(root: Path, spec: str, accept: str = "{}") -> dict[tuple[str, str], Any]:
    text = model("tiny", spec, "[sim]").replace("extends:", f"accept: {accept}\nextends:", 1)
    texts = {**SMALL, "models/tiny.yaml": text}
    ran = run(write_files(root, texts), "render", "tiny")
    assert ran.status == 0, ran.stderr
    return {
        (body["kind"], body["metadata"]["name"]): body
        for body in yaml.load_all(ran.stdout, yaml.CSafeLoader)
    }


def resources(found: dict[tuple[str, str], Any]) -> Any:
    template = found["Deployment", "tiny-decode"]["spec"]["template"]["spec"]
    return template["containers"][0]["resources"]


WRITTEN = {
    "limit": ("{limits: {nvidia.com/gpu: 2}}", "2"),
    "request": ("{requests: {nvidia.com/gpu: 2}}", "2"),
    "both": ("{requests: {nvidia.com/gpu: 2}, limits: {nvidia.com/gpu: 2}}", "2"),
    "more": ("{limits: {nvidia.com/gpu: 16}}", "16"),
    "none": ("{}", "4"),
}


@pytest.mark.parametrize(("written", "count"), WRITTEN.values(), ids=WRITTEN)
def test_an_accepted_number_of_accelerators_wins_on_both_sides(
    tmp_path: Path, written: str, count: str
) -> None:
    role = f"{{decode: {{parallelism: {{tensor: 4}}, resources: {written}}}}}"
    accept = "{C507: one product is several devices}" if count != "4" else "{}"
    found = objects(tmp_path, f"{GPU}roles: {role}", accept)
    want = {"nvidia.com/gpu": count}
    assert resources(found) == {"requests": want, "limits": want}


def test_claims_take_the_place_of_the_resource(tmp_path: Path) -> None:
    found = objects(tmp_path, f"{DRA}roles: {{decode: {{parallelism: {{tensor: 2, data: 2}}}}}}")
    assert resources(found) == {"claims": [{"name": "gpu"}]}
    (request,) = found["ResourceClaimTemplate", "tiny-decode-gpu"]["spec"]["spec"]["devices"][
        "requests"
    ]
    assert request["exactly"]["count"] == 4


def test_a_rollout_waits_for_no_spare_device(tmp_path: Path) -> None:
    found = objects(tmp_path, f"{DRA}roles: {{decode: {{}}}}")
    strategy = found["Deployment", "tiny-decode"]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 0, "maxUnavailable": 1}


def test_roles_share_a_template_by_name_where_both_want_the_same(tmp_path: Path) -> None:
    nic = "{nic: {deviceClass: rdma.example.com}}"
    spec = f"pod: {{resourceClaims: {{rdma: {{requests: {nic}, name: nics}}}}}}\n"
    roles = "roles: {decode: {}, spare: {type: decode}}"
    found = objects(tmp_path, spec + roles)
    assert [name for kind, name in found if kind == "ResourceClaimTemplate"] == ["nics"]
    for role in ("decode", "spare"):
        pod = found["Deployment", f"tiny-{role}"]["spec"]["template"]["spec"]
        assert pod["resourceClaims"] == [{"name": "rdma", "resourceClaimTemplateName": "nics"}]


def test_the_picker_may_claim_devices_too(tmp_path: Path) -> None:
    spec = """
    roles: {decode: {}}
    routing:
      scheduler:
        config:
          name: own
          plugins: {p: {type: max-score-picker}}
          schedulingProfiles: {default: {plugins: {p: {}}}}
        resources: {claims: {nic: {}}}
        pod: {resourceClaims: {nic: {requests: {one: {deviceClass: net.example.com}}}}}
    """
    found = objects(tmp_path, spec)
    pod = found["Deployment", "tiny-epp"]["spec"]["template"]["spec"]
    assert pod["resourceClaims"] == [{"name": "nic", "resourceClaimTemplateName": "tiny-epp-nic"}]
    assert pod["containers"][0]["resources"] == {"claims": [{"name": "nic"}]}
    assert ("ResourceClaimTemplate", "tiny-epp-nic") in found


def test_environments_that_claim_otherwise_share_no_pods(tmp_path: Path) -> None:
    """The pod template of one is not the other's, though the role is the same."""
    plugin = preset("plugin", "accelerator: {allocation: device-plugin}")
    texts = {
        **SMALL,
        "presets/plugin.yaml": plugin,
        "models/tiny.yaml": model("tiny", f"{DRA}roles: {{decode: {{}}}}", "[sim]"),
        "overlays/old/environment.yaml": SMALL["overlays/prod/environment.yaml"]
        .replace("prod", "old")
        .replace("extends: []", "extends: [plugin]"),
    }
    root = write_files(tmp_path, texts)
    compiled(root)
    old, new = (run(root, "render", "tiny", "-e", e).stdout for e in ("old", "prod"))
    assert "nvidia.com/gpu" in old and "resourceClaims" not in old  # noqa: PT018
    assert "nvidia.com/gpu" not in new and "resourceClaims" in new  # noqa: PT018


def test_one_monitor_for_roles_and_pickers(tmp_path: Path) -> None:
    monitor = (
        "{port: metrics-x, path: /m, interval: 5s, scrapeTimeout: 4s, labels: {release: p}, "
        "annotations: {a: b}, relabelings: [{targetLabel: x}], "
        "metricRelabelings: [{action: drop}], name: NAME, fields: {podTargetLabels: [team]}}"
    )
    spec = f"""
    roles: {{decode: {{podMonitor: {monitor.replace("NAME", "mine")}}}}}
    routing:
      scheduler:
        podMonitor: {monitor.replace("NAME", "pickers")}
        config:
          name: own
          plugins: {{p: {{type: max-score-picker}}}}
          schedulingProfiles: {{default: {{plugins: {{p: {{}}}}}}}}
    """
    found = objects(tmp_path, spec)
    for name, component in (("mine", "decode"), ("pickers", "epp")):
        body = found["PodMonitor", name]
        assert body["metadata"]["annotations"] == {"a": "b"}
        assert body["metadata"]["labels"]["release"] == "p"
        assert body["spec"] == {
            "selector": {
                "matchLabels": {
                    "app.kubernetes.io/instance": "tiny",
                    "app.kubernetes.io/component": component,
                }
            },
            "podMetricsEndpoints": [
                {
                    "port": "metrics-x",
                    "path": "/m",
                    "interval": "5s",
                    "scrapeTimeout": "4s",
                    "relabelings": [{"action": "replace", "targetLabel": "x"}],
                    "metricRelabelings": [{"action": "drop"}],
                }
            ],
            "podTargetLabels": ["team"],
        }


def test_a_group_claims_devices_for_each_of_its_pods(tmp_path: Path) -> None:
    """Leader and workers hold the same devices; a claim of workers alone has its own template."""
    disk = "{disk: {requests: {d: {deviceClass: disk.example.com}}}}"
    engine = "engine: {type: vllm, version: v0.26.0, image: 'a/b:v1'}\n"
    role = f"{{parallelism: {{tensor: 16}}, worker: {{size: 2, pod: {{resourceClaims: {disk}}}}}}}"
    found = objects(tmp_path, f"{engine}{DRA}roles: {{decode: {role}}}")
    group = found["LeaderWorkerSet", "tiny-decode"]["spec"]["leaderWorkerTemplate"]
    claims = {
        name: {
            each["name"]: each["resourceClaimTemplateName"]
            for each in group[name]["spec"]["resourceClaims"]
        }
        for name in ("leaderTemplate", "workerTemplate")
    }
    gpu = {"gpu": "tiny-decode-gpu"}
    assert claims == {
        "leaderTemplate": gpu,
        "workerTemplate": {**gpu, "disk": "tiny-decode-worker-disk"},
    }
    devices = found["ResourceClaimTemplate", "tiny-decode-gpu"]["spec"]["spec"]["devices"]
    assert devices["requests"][0]["exactly"]["count"] == 8
    assert ("ResourceClaimTemplate", "tiny-decode-worker-disk") in found
