"""What Flux is given: what each source keeps, what each Kustomization applies and waits for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

from support import PROJECT, SIM, built, compiled, model, overlay, preset, run, write_files

PICKER = preset(
    "picker",
    """
    routing:
      scheduler:
        config:
          name: own
          plugins: {queue-scorer: {}, max-score-picker: {}, single-profile-handler: {}}
          schedulingProfiles:
            default: {plugins: {queue-scorer: {weight: 1}, max-score-picker: {}}}
    """,
)
VLLM = preset(
    "vllm",
    """
    engine: {type: vllm, version: v0.26.0, image: "docker.io/vllm/vllm-openai:v0.26.0"}
    accelerator: {name: h100, resource: nvidia.com/gpu, perNode: 8}
    """,
)
ROUTED = "roles: {decode: {}}\nrouting: {gateway: {name: g}}"
REVISION = "6f6073b423013f6a7d4d9f39144961bfbfbc386b"


def delivered(git: str = "", flux: str = "") -> str:
    url = "url: https://github.com/acme/models.git"
    return f"{PROJECT}delivery:\n  git: {{{url}{', ' if git else ''}{git}}}\n  flux: {{{flux}}}\n"


def tiny(name: str = "tiny", spec: str = "roles: {decode: {}}", extends: str = "[sim]") -> str:
    return model(name, spec, extends)


def texts(*models: str, git: str = "", flux: str = "") -> dict[str, str]:
    """A repository with an environment that Flux delivers."""
    return {
        "modelmill.yaml": delivered(git, flux),
        "presets/sim.yaml": SIM,
        "presets/picker.yaml": PICKER,
        "presets/vllm.yaml": VLLM,
        "overlays/prod/environment.yaml": overlay("prod"),
        **{f"models/{place}.yaml": text for place, text in enumerate(models or [tiny()])},
    }


def document(path: Path) -> Any:
    return yaml.load(path.read_text(), yaml.CSafeLoader)


def of_model(root: Path, name: str = "tiny", environment: str = "prod") -> Any:
    return document(root / "generated" / name / "flux" / f"{environment}.yaml")["spec"]


def of_environment(
    root: Path, generated: str = "generated", environment: str = "prod"
) -> dict[tuple[str, str], Any]:
    """What is applied once, by kind and name."""
    folder = root / generated / "_environments" / environment / "flux"
    found = [
        document(folder / name) for name in document(folder / "kustomization.yaml")["resources"]
    ]
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in found}


def kept(repository: Path, patterns: str) -> set[str]:
    """Files that are left of a repository, by git's own reading of the patterns."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", repository], env=environ, check=True)
    (repository / ".git/info/exclude").write_text(patterns)
    done = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "-z"],
        cwd=repository,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split("\0")) - {""}


@pytest.mark.parametrize(
    ("path", "generated"),
    [
        ("", "generated"),
        ("deploy/llm.d", "generated"),
        ("generated", "generated"),
        ("a", "out/#![b] *"),
    ],
)
def test_sources_keep_what_they_are_for_and_nothing_else(
    tmp_path: Path, path: str, generated: str
) -> None:
    """With a model and an environment that are named like Flux's folders."""
    top = tmp_path / path
    repository = texts(tiny(), tiny("flux"), git=f'path: "{path}"')
    repository["modelmill.yaml"] += f"paths: {{generated: '{generated}'}}\n"
    repository["overlays/flux/environment.yaml"] = overlay("flux")
    compiled(write_files(top, repository))
    below = f"{path}/" if path else ""
    write_files(
        tmp_path, {"README.md": "", ".github/x.yaml": "", "other/generated/a/flux/prod.yaml": ""}
    )

    sources = of_environment(top, generated)
    every = {each.relative_to(tmp_path).as_posix() for each in (top / generated).rglob("*.*")}
    assert kept(tmp_path, sources["GitRepository", "modelmill-prod"]["ignore"]) == every
    for environment in ("prod", "flux"):
        known = of_environment(top, generated, environment)
        patterns = known["GitRepository", f"modelmill-{environment}-delivery"]["ignore"]
        own = f"{below}{generated}/_environments/{environment}/flux/"
        assert kept(tmp_path, patterns) == {
            *(f"{below}{generated}/{name}/flux/{environment}.yaml" for name in ("flux", "tiny")),
            *(each for each in every if each.startswith(own)),
        }


def brought_in(root: Path, place: Path) -> set[tuple[str, str]]:
    """Kind and name of what the Kustomization of the delivery applies. kustomize-controller makes a
    kustomization of all YAML files it finds, and of folders that have one (fluxcd/pkg, kustomize,
    scanManifests)."""
    found = of_environment(root)
    delivery = found["Kustomization", "modelmill-prod-delivery"]
    source = found[delivery["sourceRef"]["kind"], delivery["sourceRef"]["name"]]
    for name in kept(root, source["ignore"]):
        write_files(place, {name: (root / name).read_text()})
    folder = place / delivery["path"]
    own = [each.parent for each in folder.rglob("kustomization.yaml")]
    files = [each for each in folder.rglob("*.yaml") if each.parent not in own]
    listed = sorted(each.relative_to(folder).as_posix() for each in (*own, *files))
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": listed}))
    return {(o["kind"], o["metadata"]["name"]) for o in built(folder)}


def test_one_kustomization_brings_in_models_that_no_file_lists_and_itself(tmp_path: Path) -> None:
    root = compiled_at(tmp_path / "repository", texts(tiny(), tiny("other")))
    assert brought_in(root, tmp_path / "artifact") == {
        ("Kustomization", "other-prod"),
        ("Kustomization", "tiny-prod"),
        *of_environment(root),
    }


def test_an_environment_without_models_is_no_error_to_flux(tmp_path: Path) -> None:
    """A path that is not in the artifact would be one, and the last model would stay for ever."""
    repository = texts()
    repository["overlays/prod/environment.yaml"] = overlay(
        "prod", more="selector: {matchLabels: {tier: gold}}\n"
    )
    root = compiled_at(tmp_path / "repository", repository)
    assert brought_in(root, tmp_path / "artifact") == set(of_environment(root))


def test_paths_lead_to_what_is_to_be_applied(tmp_path: Path) -> None:
    root = compiled_at(tmp_path, texts())
    rendered = yaml.safe_load_all(run(root, "render", "tiny", "-e", "prod").stdout)
    assert by_name(built(root / of_model(root)["path"])) == by_name(rendered)
    found = of_environment(root)
    environment = root / found["Kustomization", "modelmill-prod-environment"]["path"]
    assert {o["kind"] for o in built(environment)} == {"Namespace"}
    paths = [spec["path"] for (kind, _), spec in found.items() if kind == "Kustomization"]
    assert all((root / path).is_dir() for path in paths)


def by_name(objects: Any) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def compiled_at(root: Path, repository: dict[str, str]) -> Path:
    compiled(write_files(root, repository))
    return root


def test_a_branch_of_its_own_is_read_at_the_same_paths(tmp_path: Path) -> None:
    root = compiled_at(tmp_path, texts(git="branch: 'environments/{environment}'"))
    found = of_environment(root)
    sources = [spec for (kind, _), spec in found.items() if kind == "GitRepository"]
    assert [each["ref"] for each in sources] == [{"branch": "environments/prod"}] * 2
    assert of_model(root)["path"] == "./generated/tiny/overlays/prod"


def test_models_wait_for_their_environment_to_be_applied_not_healthy(tmp_path: Path) -> None:
    root = compiled_at(tmp_path, texts(flux="dependsOn: [platform/lws]"))
    platform, environment = of_model(root)["dependsOn"]
    assert platform == {"name": "lws", "namespace": "platform"}
    assert environment["name"] == "modelmill-prod-environment"
    ready = environment["readyExpr"]
    unhealthy = {"conditions": [{"type": "Ready", "status": "False"}], "inventory": {"entries": []}}
    assert cel.evaluate(ready, {"self": {}, "dep": {"status": unhealthy}}) is True
    assert cel.evaluate(ready, {"self": {}, "dep": {"status": {}}}) is False


@pytest.mark.parametrize(
    ("spec", "timeout"),
    [
        # An image of an engine is gigabytes: a quarter of an hour, whatever the probes say.
        ("roles: {decode: {probes: {startup: {periodSeconds: 1, failureThreshold: 2}}}}", "20m"),
        ("roles: {decode: {}}", "1h20m"),
        (
            "roles: {decode: {probes: {startup: {periodSeconds: 60, failureThreshold: 180}}}}",
            "3h20m",
        ),
        # 150 Gi at 100 Mbit/s are three hours and a half.
        (
            "model: {name: a, uri: hf://acme/a, revision: " + REVISION + ", size: 150Gi, "
            "cache: {claim: {}}}\nroles: {decode: {}}",
            "4h50m",
        ),
        (
            "model: {name: a, uri: hf://acme/a, revision: " + REVISION + ", "
            "cache: {claim: {size: 1Gi}}}\nroles: {decode: {}}",
            "25h20m",
        ),
        ("roles: {decode: {worker: {}, parallelism: {tensor: 16}}}", "1h20m"),
    ],
)
def test_a_timeout_fits_the_start_of_the_model(tmp_path: Path, spec: str, timeout: str) -> None:
    root = compiled_at(tmp_path, texts(tiny("a", spec, "[vllm]")))
    assert of_model(root, "a")["timeout"] == timeout


def test_what_people_write_of_pods_need_make_no_sense(tmp_path: Path) -> None:
    """An object of their own is theirs."""
    own = (
        "{apiVersion: acme.example/v1, kind: Odd, metadata: {name: odd}, spec: "
        "{progressDeadlineSeconds: soon, scaleTargetRef: {name: []}, containers: [1, "
        "{startupProbe: {periodSeconds: x}, readinessProbe: []}], initContainers: 2}}"
    )
    spec = f"roles: {{decode: {{}}}}\nextraObjects: {{own: {own}}}"
    root = compiled_at(tmp_path, texts(tiny(spec=spec)))
    assert of_model(root)["timeout"] == "1h20m"


def test_a_timeout_that_is_given_wins(tmp_path: Path) -> None:
    root = compiled_at(tmp_path, texts(flux="timeout: 3h"))
    assert of_model(root)["timeout"] == "3h"


def test_health_is_told_of_the_kinds_a_model_has(tmp_path: Path) -> None:
    both = (tiny("routed", ROUTED, "[sim, picker]"), tiny("alone", extends="[sim, picker]"))
    root = compiled_at(tmp_path, texts(*both))
    assert {o["kind"] for o in built(root / of_model(root, "alone")["path"])} >= {"InferencePool"}
    assert "healthCheckExprs" not in of_model(root, "alone")
    health = of_model(root, "routed")["healthCheckExprs"]
    assert [each["kind"] for each in health] == ["HTTPRoute", "InferencePool"]


def test_nothing_is_told_of_health_that_is_not_waited_for(tmp_path: Path) -> None:
    routed = tiny(spec=ROUTED, extends="[sim, picker]")
    root = compiled_at(tmp_path, texts(routed, flux="wait: false"))
    assert of_model(root)["wait"] is False
    assert "healthCheckExprs" not in of_model(root)


def test_what_a_patch_brings_is_not_substituted(tmp_path: Path) -> None:
    value = "{acme.example/region: '${REGION}'}"
    operation = f"{{op: add, path: /metadata/annotations, value: {value}}}"
    patch = f"patches: {{region: {{target: {{kind: Deployment}}, operations: [{operation}]}}}}\n"
    repository = texts() | {"overlays/prod/environment.yaml": overlay("prod", more=patch)}
    root = compiled_at(tmp_path, repository)
    (server,) = [o for o in built(root / of_model(root)["path"]) if o["kind"] == "Deployment"]
    assert annotation(server, "substitute") == "disabled"


@pytest.mark.parametrize(
    ("argument", "is_marked"),
    [("${THREADS:-4}", True), ("$$", True), ("$THREADS $(THREADS) {x}", False)],
)
def test_what_looks_like_a_variable_is_not_substituted(
    tmp_path: Path, argument: str, is_marked: bool
) -> None:
    written = argument.replace("${", "$${")
    spec = f"engine: {{env: {{GREETING: '{written}'}}}}\nroles: {{decode: {{}}}}"
    root = compiled_at(tmp_path, texts(tiny("a", spec, "[vllm]")))
    objects = built(root / of_model(root, "a")["path"])
    marked = [o["kind"] for o in objects if annotation(o, "substitute") == "disabled"]
    assert marked == (["Deployment"] if is_marked else [])


@pytest.mark.parametrize(
    ("flux", "kept_kinds"), [("", {"InferencePool"}), ("confirm: false", set())]
)
def test_pools_are_not_pruned(tmp_path: Path, flux: str, kept_kinds: set[str]) -> None:
    routed = tiny(spec=ROUTED, extends="[sim, picker]")
    root = compiled_at(tmp_path, texts(routed, flux=flux))
    objects = built(root / of_model(root)["path"])
    assert {o["kind"] for o in objects if annotation(o, "prune") == "disabled"} == kept_kinds


def test_replicas_are_left_to_a_scaler_that_somebody_adds(tmp_path: Path) -> None:
    """Those of other workloads are not."""
    scaler = (
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: own}, spec: "
        "{scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: tiny-decode}, "
        "minReplicas: 2, maxReplicas: 4}}"
    )
    spec = "roles: {decode: {replicas: 2}, other: {type: prefill-decode, replicas: 1}}\n"
    own = tiny(spec=f"{spec}extraObjects: {{own: {scaler}}}")
    root = compiled_at(tmp_path, texts(own, tiny("plain", spec)))
    target = {"group": "apps", "kind": "Deployment", "name": "tiny-decode"}
    assert of_model(root)["ignore"] == [{"paths": ["/spec/replicas"], "target": target}]
    assert "ignore" not in of_model(root, "plain")


def test_objects_of_an_environment_are_found_by_its_label(tmp_path: Path) -> None:
    root = compiled_at(tmp_path, texts(flux="metadata: {labels: {tenant: search}}"))
    found = document(root / "generated/tiny/flux/prod.yaml")["metadata"]["labels"]
    assert found == {
        "app.kubernetes.io/managed-by": "modelmill",
        "modelmill.dev/environment": "prod",
        "modelmill.dev/model": "tiny",
        "tenant": "search",
    }


def annotation(body: Any, name: str) -> str | None:
    found: dict[str, str] = body["metadata"].get("annotations", {})
    return found.get(f"kustomize.toolkit.fluxcd.io/{name}")


def test_flux_applies_its_own_objects_as_itself(tmp_path: Path) -> None:
    """An account or a kubeconfig is for the cluster that models run in."""
    root = compiled_at(tmp_path, texts(flux="serviceAccountName: models, kubeConfig: gpu"))
    found = of_environment(root)
    assert of_model(root)["serviceAccountName"] == "models"
    delivery = found["Kustomization", "modelmill-prod-delivery"]
    assert delivery["wait"] is False
    assert not {"serviceAccountName", "kubeConfig"} & set(delivery)
    environment = found["Kustomization", "modelmill-prod-environment"]
    assert environment["kubeConfig"]["secretRef"] == {"name": "gpu"}


def test_an_environment_may_be_delivered_otherwise(tmp_path: Path) -> None:
    repository = texts(flux="interval: 2h")
    more = "delivery: {flux: {retryInterval: 5m}}\n"
    repository["overlays/staging/environment.yaml"] = overlay("staging", more=more)
    repository["overlays/local/environment.yaml"] = overlay("local", more="delivery: null\n")
    root = compiled_at(tmp_path, repository)
    staging = of_model(root, environment="staging")
    assert (staging["interval"], staging["retryInterval"]) == ("2h", "5m")
    assert not (root / "generated/tiny/flux/local.yaml").exists()
    assert not (root / "generated/_environments/local/flux").exists()


def test_every_message_of_what_flux_does_not_take_is_at_its_line(tmp_path: Path) -> None:
    repository = texts(flux="interval: 10s")
    more = "delivery: {flux: {dependsOn: [a/b/c]}}\n"
    repository["overlays/prod/environment.yaml"] = overlay("prod", more=more)
    said = run(write_files(tmp_path, repository), "lint").stderr
    assert "modelmill.yaml:6:20: warning[G913]" in said
    assert "overlays/prod/environment.yaml:6:31: error[G915]" in said
