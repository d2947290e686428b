"""The endpoint picker: its releases' catalogues are sound, and every routing preset fits them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.catalogues import picker_catalogue, version_set, version_sets
from support import ROOT, compiled, model, overlay, run, write_files

KINDS = {
    *("parser", "profile-handler", "request-header", "decider", "filter", "scorer", "picker"),
    *("producer", "prefix-cache-producer", "admitter", "screener", "data-source", "extractor"),
    *("discovery", "fairness-policy", "ordering-policy", "usage-limit-policy"),
    *("saturation-detector", "eviction", "reporter"),
}
TYPES = {
    *("boolean", "integer", "number", "string", "duration", "list", "map"),
    *("plugin", "profile"),
}
RELEASES = sorted({version_set(name).picker for name in version_sets()})
PROJECT = "apiVersion: modelmill.dev/v1alpha1\nkind: Project\nversions: {set: %s}\n"
PROFILES = (
    "load-aware",
    "lora-aware",
    "precise-prefix-cache-aware",
    "predicted-latency",
    "predicted-latency-slo",
    "prefix-cache-aware",
    "tiered-prefix-cache-aware",
)
STAGED = ("prefill-decode-routing", "prefill-decode-routing, lora-affinity")


def written(root: Path, extends: str, spec: str, versions: str = "llm-d-v0.9") -> Path:
    """A repository whose one model extends this repository's presets."""
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in (ROOT / "presets").rglob("*.yaml")
    }
    return write_files(
        root,
        {
            **texts,
            "modelmill.yaml": PROJECT % versions,
            "models/tiny.yaml": model("tiny", spec, f"[vllm, nvidia-h100, {extends}]"),
            "overlays/prod/environment.yaml": overlay("prod"),
        },
    )


WHOLE = "roles: {decode: {engine: {args: {block-size: 64}}}}"
PAIR = "kvTransfer: {connector: nixl}\nroles: {prefill: {}, decode: {}}"


def picker_config(root: Path) -> Any:
    """The picker's configuration, as a compile writes it."""
    compiled(root)
    text = (root / "generated/tiny/base/configmap-tiny-epp.yaml").read_text()
    return yaml.safe_load(yaml.safe_load(text)["data"]["config.yaml"])


@pytest.mark.parametrize("release", RELEASES)
def test_a_catalogue_is_sound(release: str) -> None:
    catalogue = picker_catalogue(release)
    for name, plugin in catalogue.plugins.items():
        assert plugin.kinds, name
        assert set(plugin.kinds) <= KINDS, name
        assert plugin.stability in ("alpha", "beta", "stable"), name
        assert bool(plugin.use) == bool(plugin.deprecated or plugin.removed), name
        assert not plugin.use or plugin.use in catalogue.plugins, name
        for path, parameter in plugin.parameters.items():
            assert parameter.type in TYPES, (name, path)
            assert set(parameter.kinds) <= KINDS, (name, path)
            assert not parameter.use or parameter.use in plugin.parameters, (name, path)
            assert bool(parameter.kinds) == (parameter.type == "plugin"), (name, path)


@pytest.mark.parametrize("versions", version_sets())
@pytest.mark.parametrize("flow_control", ["", ", flow-control"])
@pytest.mark.parametrize("profile", [*PROFILES, *STAGED])
def test_every_routing_preset_starts(
    profile: str, flow_control: str, versions: str, tmp_path: Path
) -> None:
    spec = PAIR if profile in STAGED else WHOLE
    root = written(tmp_path, profile + flow_control, spec, versions)
    ran = run(root, "lint")
    assert (ran.status, ran.stdout + ran.stderr) == (0, "")


def test_every_routing_preset_is_tried() -> None:
    folder = ROOT / "presets" / "routing"
    kinds = {path.stem: yaml.safe_load(path.read_text())["spec"] for path in folder.glob("*.yaml")}
    named = {
        name for name, spec in kinds.items() if "config" in spec["routing"].get("scheduler", {})
    }
    tried = {*PROFILES, *(each for names in STAGED for each in names.split(", "))}
    # Experimental plugins, which only one release has.
    assert named == {*tried, "flow-control", "session-affinity"}


def test_an_add_on_leaves_the_profile_as_it_is(tmp_path: Path) -> None:
    alone = picker_config(written(tmp_path / "a", "load-aware", WHOLE))
    queued = picker_config(written(tmp_path / "b", "load-aware, flow-control", WHOLE))
    assert queued["schedulingProfiles"] == alone["schedulingProfiles"]
    assert queued["plugins"][: len(alone["plugins"])] == alone["plugins"]
    assert [band["priority"] for band in queued["flowControl"]["priorityBands"]] == [100, 0, -10]


def test_what_is_set_wins_over_what_follows(tmp_path: Path) -> None:
    spec = """
        kvEvents: {}
        engine: {args: {block-size: 64}}
        roles: {decode: {}}
        routing:
          scheduler:
            config:
              plugins:
                precise-prefix-cache-producer:
                  parameters: {kvEventsConfig: {concurrency: 8, discoverPods: false}}
    """
    config = picker_config(written(tmp_path, "precise-prefix-cache-aware", spec))
    (producer,) = (p for p in config["plugins"] if p["type"] == "precise-prefix-cache-producer")
    events = producer["parameters"]["kvEventsConfig"]
    assert (events["concurrency"], events["discoverPods"]) == (8, False)
    assert events["podDiscoveryConfig"]["socketPort"] == 5556


def test_a_change_of_the_engines_blocks_reaches_the_picker(tmp_path: Path) -> None:
    sizes = []
    for size in (32, 64):
        spec = f"roles: {{decode: {{engine: {{args: {{block-size: {size}}}}}}}}}"
        config = picker_config(written(tmp_path / str(size), "precise-prefix-cache-aware", spec))
        (tokens,) = (
            plugin["parameters"]["tokenProcessorConfig"]
            for plugin in config["plugins"]
            if plugin["type"] == "precise-prefix-cache-producer"
        )
        sizes.append(tokens["blockSizeTokens"])
    assert sizes == [32, 64]


def test_servers_of_one_pod_have_a_port_each(tmp_path: Path) -> None:
    spec = """
        engine: {args: {block-size: 64}}
        roles: {decode: {}}
        routing:
          scheduler:
            latencyPredictor: {predictionServers: 3}
            config: {plugins: {latency-scorer: {}}}
    """
    root = written(tmp_path, "precise-prefix-cache-aware", spec)
    compiled(root)
    text = (root / "generated/tiny/base/deployment-tiny-epp.yaml").read_text()
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    ports = [port["containerPort"] for c in pod["containers"] for port in c["ports"]]
    assert len(ports) == len(set(ports)) == 3 + 1 + 1 + 3
    mounted = {m["name"] for c in pod["containers"] for m in c.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
