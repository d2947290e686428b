"""TLS: every part of a model speaks it to every other, under names a certificate can have."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import SMALL, model, overlay, run, write_files
from test_kinds import VLLM, objects

TLS = "tls: {issuer: {name: ca}}"
PICKER = """
  scheduler:
    config:
      name: own
      plugins: {queue-scorer: {}%s}
      schedulingProfiles: {default: {plugins: {queue-scorer: {weight: 1}}}}
"""
PAIR = """
kvTransfer: {connector: nixl}
roles: {decode: {}, prefill: {}}
"""


def routing(tls: str = TLS, *, more: str = "") -> str:
    return f"routing:\n  {tls}\n{more}"


def picker(more: str = "") -> str:
    return PICKER % more


def pod_of(found: Any, name: str) -> Any:
    return found["Deployment", name]["spec"]["template"]["spec"]


def schemes(pod: Any) -> set[str]:
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    return {pod["containers"][0][probe]["httpGet"]["scheme"] for probe in probes}


def test_nothing_is_mounted_or_said_without_tls(tmp_path: Path) -> None:
    text = str(objects(tmp_path, VLLM + PAIR + "podMonitor: {}\n"))
    assert "https" not in text.lower()
    assert "/etc/tls" not in text
    assert "secure-proxy=false" in text
    assert '""' not in text


ENGINES = {
    "vllm": VLLM,
    "sglang": "engine: {type: sglang, version: v0.5.16, image: 'a/sglang:v1'}\n",
    "inference-sim": "",
}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_engines_serve_and_are_probed_by_it(tmp_path: Path, engine: str) -> None:
    pod = pod_of(objects(tmp_path, engine + "roles: {decode: {}}\n" + routing()), "tiny-decode")
    (container,) = pod["containers"]
    assert "--ssl-certfile=/etc/tls/tls.crt" in container["args"]
    assert "--ssl-keyfile=/etc/tls/tls.key" in container["args"]
    assert {"name": "tls", "mountPath": "/etc/tls", "readOnly": True} in container["volumeMounts"]
    assert {"name": "tls", "secret": {"secretName": "tiny-tls"}} in pod["volumes"]
    assert schemes(pod) == {"HTTPS"}


def test_a_probe_of_ones_own_keeps_to_the_scheme(tmp_path: Path) -> None:
    own = "probes: {readiness: {httpGet: {path: /mine}}, liveness: {httpGet: {scheme: HTTP}}}\n"
    pod = pod_of(objects(tmp_path, VLLM + own + "roles: {decode: {}}\n" + routing()), "tiny-decode")
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert container["livenessProbe"]["httpGet"]["scheme"] == "HTTP"


def test_the_sidecar_speaks_it_both_ways(tmp_path: Path) -> None:
    pod = pod_of(objects(tmp_path, VLLM + PAIR + routing()), "tiny-decode")
    sidecar = pod["initContainers"][0]
    assert {
        "--secure-proxy=true",
        "--cert-path=/etc/tls",
        "--enable-tls=prefiller,decoder",
        "--tls-insecure-skip-verify=prefiller,decoder",
    } <= set(sidecar["args"])
    assert [mount["name"] for mount in sidecar["volumeMounts"]] == ["tls"]


@pytest.mark.parametrize("declared", ["", ", metrics-data-source: {}"], ids=["implied", "declared"])
def test_the_picker_serves_by_it_and_reads_metrics_by_it(tmp_path: Path, declared: str) -> None:
    spec = VLLM + "roles: {decode: {}}\n" + routing(more=picker(declared))
    found = objects(tmp_path, spec)
    container = pod_of(found, "tiny-epp")["containers"][0]
    assert {"--secure-serving=true", "--cert-path=/etc/tls", "--enable-cert-reload=true"} <= set(
        container["args"]
    )
    config = yaml.safe_load(found["ConfigMap", "tiny-epp"]["data"]["config.yaml"])
    sources = [each for each in config["plugins"] if each["type"] == "metrics-data-source"]
    assert [each["parameters"] for each in sources] == [
        {"scheme": "https", "insecureSkipVerify": True}
    ]


def test_names_are_those_of_services_in_each_namespace(tmp_path: Path) -> None:
    """An address of a pod among them would need a new certificate for every new pod."""
    texts = {
        **SMALL,
        "models/tiny.yaml": model(
            "tiny", "roles: {decode: {}}\n" + routing(more=picker()), "[sim]"
        ),
        "overlays/eu/environment.yaml": overlay("eu"),
    }
    root = write_files(tmp_path, texts)
    for environment in ("prod", "eu"):
        said = run(root, "render", "tiny", "-e", environment).stdout
        (body,) = (
            each for each in yaml.load_all(said, yaml.CSafeLoader) if each["kind"] == "Certificate"
        )
        names = body["spec"]["dnsNames"]
        assert f"tiny.llm-{environment}.svc" in names
        assert f"tiny-epp.llm-{environment}.svc.cluster.local" in names
        assert all(name.split(".")[0] in ("tiny", "tiny-epp") for name in names)


def test_a_secret_that_exists_is_used_as_it_is(tmp_path: Path) -> None:
    found = objects(tmp_path, VLLM + "roles: {decode: {}}\n" + routing("tls: {secretName: own}"))
    assert not [kind for kind, _ in found if kind == "Certificate"]
    assert {"name": "tls", "secret": {"secretName": "own"}} in pod_of(found, "tiny-decode")[
        "volumes"
    ]


def test_prometheus_verifies_what_it_scrapes(tmp_path: Path) -> None:
    spec = VLLM + "podMonitor: {}\nroles: {decode: {}}\n" + routing()
    (endpoint,) = objects(tmp_path, spec)["PodMonitor", "tiny-decode"]["spec"][
        "podMetricsEndpoints"
    ]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"]["ca"] == {"secret": {"name": "tiny-tls", "key": "ca.crt"}}
    assert endpoint["tlsConfig"]["serverName"].startswith("tiny")
    assert "insecureSkipVerify" not in endpoint["tlsConfig"]


def test_istio_is_told_of_picker_and_pool(tmp_path: Path) -> None:
    gateway = "  gateway: {name: g, provider: istio}\n"
    spec = VLLM + "roles: {decode: {}}\n" + routing(more=gateway + picker())
    found = objects(tmp_path, spec)
    hosts = {body["spec"]["host"] for (kind, _), body in found.items() if kind == "DestinationRule"}
    # istio/istio, pilot/pkg/config/kube/gateway: a pool's Service ends in a hash of its name.
    assert hosts == {"tiny-epp", f"tiny-ip-{hashlib.sha256(b'tiny').hexdigest()[:8]}"}


def test_a_gateway_checks_a_service_by_the_issuers_certificate(tmp_path: Path) -> None:
    spec = (
        VLLM
        + "roles: {decode: {}}\n"
        + routing("tls: {issuer: {name: ca}, caConfigMap: ca}", more="  gateway: {name: g}\n")
    )
    policy = objects(tmp_path, spec)["BackendTLSPolicy", "tiny"]["spec"]
    assert policy["targetRefs"] == [{"group": "", "kind": "Service", "name": "tiny"}]
    assert policy["validation"]["caCertificateRefs"][0]["name"] == "ca"
