"""Argo CD: what its objects let it do, and what of them changes with what."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmill.compilation import compile_repository
from modelmill.delivery.git_rules import holds_credentials
from modelmill.layout import CLUSTER_SCOPED
from modelmill.repository import index
from modelmill.sources import read_sources
from stories import GOOD
from support import SIM, SMALL, built, compiled, model, overlay, run, texts_below, write_files

STORIES = ("argo-cd-application-set", "argo-cd-applications", "argo-cd-branch-per-environment")
OPTIONS = "argocd.argoproj.io/sync-options"
PATHS = "argocd.argoproj.io/manifest-generate-paths"
PROJECT = """\
apiVersion: modelmill.dev/v1alpha1
kind: Project
metadata: {name: fleet}
versions: {set: llm-d-v0.9}
delivery:
  git: {url: https://github.com/acme/models.git}
  argoCD: {}
"""
FLEET = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "models/tiny.yaml": model("tiny", "roles: {decode: {replicas: 2}}", "[sim]"),
    "overlays/prod/environment.yaml": overlay("prod", more="cluster: gpu-prod\n"),
    "overlays/lab/environment.yaml": overlay("lab", more="cluster: lab\n"),
}
CLAIM = """\
roles: {decode: {replicas: 2}}
extraObjects:
  scratch:
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: scratch, annotations: {NOTED}}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


SCALER = """\
  scaler:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: tiny}
    spec:
      maxReplicas: 3
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: tiny-decode}
"""


def documents(folder: Path) -> dict[str, Any]:
    """Every object below a folder, by the path of its file."""
    read = {path: yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yaml"))}
    kept = {path: each for path, each in read.items() if isinstance(each, dict)}
    return {path.relative_to(folder).as_posix(): each for path, each in kept.items()}


def of_kind(folder: Path, kind: str) -> list[Any]:
    return [each for each in documents(folder).values() if each.get("kind") == kind]


def applications(root: Path) -> list[Any]:
    """The Application of each model in each environment that is delivered."""
    catalog = index(read_sources(root)).catalog
    found = []
    for name in catalog.models:
        for environment in catalog.overlays:
            ran = run(root, "render", name, "-e", environment, "--delivery")
            found += yaml.safe_load_all(ran.stdout) if ran.status == 0 else []
    return found


def commit(root: Path, *branches: str) -> None:
    """All there is, on these branches."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    steps = [("init", "-qb", "trunk"), ("add", "-A"), ("commit", "-qm", "x")]
    for words in (*steps, *(("branch", each) for each in branches)):
        subprocess.run(["git", *who, *words], cwd=root, check=True)


@pytest.mark.parametrize("story", STORIES)
def test_an_application_is_refreshed_by_what_it_builds_from_and_by_nothing_else(
    story: str, tmp_path: Path
) -> None:
    repository = Path(shutil.copytree(GOOD / story, tmp_path / "r"))
    compiled(repository)
    alone = "{environment}" in (repository / "modelmill.yaml").read_text()
    for each in applications(repository):
        _, _, below = each["spec"]["source"]["path"].rpartition("generated/")
        folder = repository / "generated" / below
        paths = [folder / part for part in each["metadata"]["annotations"][PATHS].split(";")]
        read = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
        bases = {part for part in read if not part.endswith(".yaml")}
        assert {p.resolve() for p in paths} == {
            (folder / part).resolve() for part in (".", *(() if alone else bases))
        }


@pytest.mark.parametrize("story", STORIES)
def test_what_is_ignored_is_a_workload_that_something_scales(story: str, tmp_path: Path) -> None:
    repository = Path(shutil.copytree(GOOD / story, tmp_path / "r"))
    compiled(repository)
    for each in applications(repository):
        spec = each["spec"]
        ignored = [e for e in spec.get("ignoreDifferences", []) if "name" in e]
        _, _, below = spec["source"]["path"].rpartition("generated/")
        objects = {
            (o["kind"], o["metadata"]["name"]): o for o in built(repository / "generated" / below)
        }
        for entry in ignored:
            found = objects[entry["kind"], entry["name"]]
            assert entry["jsonPointers"] == ["/spec/replicas"]
            assert found["apiVersion"].rpartition("/")[0] == entry["group"]
            assert "replicas" not in found["spec"]
        scaled = {
            o["spec"]["scaleTargetRef"]["name"]
            for o in objects.values()
            if "scaleTargetRef" in o.get("spec", {})
        }
        assert scaled <= {entry["name"] for entry in ignored}
        if ignored:
            assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]


@pytest.mark.parametrize("story", STORIES)
def test_a_project_lets_in_what_is_delivered(story: str) -> None:
    generated = GOOD / story / "expected"
    for project in of_kind(generated / "_environments", "AppProject"):
        spec = project["spec"]
        assert {"namespace", *spec["destinations"][0]} <= {"namespace", "name", "server"}
        kinds = spec["namespaceResourceWhitelist"]
        if kinds != [{"group": "*", "kind": "*"}]:
            assert {each["group"] for each in kinds} == {"argoproj.io"}
            continue
        environment = project["metadata"]["labels"]["modelmill.dev/environment"]
        allowed = {each["namespace"] for each in spec["destinations"]}
        whole = {each["kind"] for each in spec.get("clusterResourceWhitelist", [])}
        folders = [
            generated / "_environments" / environment,
            *generated.glob(f"*/overlays/{environment}"),
        ]
        for each in (o for folder in folders for o in built(folder)):
            if each["kind"] in CLUSTER_SCOPED:
                assert each["kind"] in whole
            else:
                assert each["metadata"]["namespace"] in allowed
        assert project["metadata"]["namespace"] not in allowed


def test_no_model_may_make_applications(tmp_path: Path) -> None:
    """An Application of its own could be of another project."""
    compiled(write_files(tmp_path, FLEET))
    found = {
        p["metadata"]["name"]: p["spec"] for p in of_kind(tmp_path / "generated", "AppProject")
    }
    assert {d["namespace"] for d in found["fleet-prod"]["destinations"]} == {"llm-prod"}
    assert {d["namespace"] for d in found["fleet-prod-delivery"]["destinations"]} == {"argocd"}


def test_a_file_of_a_model_says_nothing_of_its_rights(tmp_path: Path) -> None:
    compiled(write_files(tmp_path, FLEET))
    (made,) = [
        s
        for s in of_kind(tmp_path / "generated", "ApplicationSet")
        if s["metadata"]["name"] == "fleet-prod"
    ]
    template, patch = made["spec"]["template"], made["spec"]["templatePatch"]
    fixed = {key: value for key, value in template["spec"].items() if key != "source"}
    assert "{{" not in json.dumps([fixed, template["spec"]["source"]["repoURL"]])
    assert template["spec"]["source"]["path"] == "{{ dir .path.path }}/overlays/prod"
    patched = yaml.safe_load(patch.replace("{{ ", "'{{ ").replace(" }}", " }}'"))
    assert patched["spec"].keys() == {"ignoreDifferences"}
    assert patched["metadata"].keys() == {"annotations", "labels"}
    parameters = yaml.safe_load((tmp_path / "generated/tiny/argo-cd/prod.yaml").read_text())
    assert parameters.keys() == {"name", "annotations", "labels", "ignoreDifferences"}


def test_a_further_model_changes_no_file_that_is_there(tmp_path: Path) -> None:
    root = write_files(tmp_path, FLEET)
    compiled(root)
    before = texts_below(root, "generated")
    other = model("other", "roles: {decode: {replicas: 1}}", "[sim]")
    compiled(write_files(root, {"models/other.yaml": other}))
    after = texts_below(root, "generated")
    assert {path: after[path] for path in before} == before
    assert {path.split("/")[0] for path in after.keys() - before.keys()} == {"other"}


def test_without_delivery_nothing_of_it_is_written(tmp_path: Path) -> None:
    compiled(write_files(tmp_path, SMALL))
    assert not [p for p in texts_below(tmp_path, "generated") if "argo" in p or "_delivery" in p]


def test_overlays_do_not_patch_what_all_environments_share(tmp_path: Path) -> None:
    noted = CLAIM.replace("NOTED", "")
    compiled(write_files(tmp_path, FLEET | {"models/tiny.yaml": model("tiny", noted, "[sim]")}))
    claim = documents(tmp_path / "generated/tiny/base")["persistentvolumeclaim-scratch.yaml"]
    assert claim["metadata"]["annotations"][OPTIONS] == "Prune=confirm,Delete=confirm"
    assert not list((tmp_path / "generated/tiny/overlays").rglob("*.patch.yaml"))


def test_an_environment_that_asks_for_no_consent_takes_the_rest_from_the_base(
    tmp_path: Path,
) -> None:
    more = "cluster: lab\ndelivery: {argoCD: {confirm: false}}\n"
    files = FLEET | {
        "models/tiny.yaml": model("tiny", CLAIM.replace("NOTED", ""), "[sim]"),
        "overlays/lab/environment.yaml": overlay("lab", more=more),
    }
    compiled(write_files(tmp_path, files))
    for environment, expected in (("prod", "Prune=confirm,Delete=confirm"), ("lab", None)):
        objects = built(tmp_path / "generated/tiny/overlays" / environment)
        (claim,) = [o for o in objects if o["kind"] == "PersistentVolumeClaim"]
        assert claim["metadata"].get("annotations", {}).get(OPTIONS) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Prune=false", "Prune=false,Delete=confirm"),
        ("Delete=false, Prune=false", None),
        ("Replace=true", "Replace=true,Prune=confirm,Delete=confirm"),
    ],
)
def test_options_that_people_give_stand(said: str, expected: str | None, tmp_path: Path) -> None:
    noted = CLAIM.replace("NOTED", f'{OPTIONS}: "{said}"')
    root = write_files(tmp_path, FLEET | {"models/tiny.yaml": model("tiny", noted, "[sim]")})
    ran = run(root, "render", "tiny", "-e", "prod")
    (claim,) = [o for o in yaml.safe_load_all(ran.stdout) if o["kind"] == "PersistentVolumeClaim"]
    assert claim["metadata"]["annotations"][OPTIONS] == (expected or said)


def test_a_patch_of_all_annotations_takes_no_consent_away(tmp_path: Path) -> None:
    """And the wave it gives an object is one that others go by."""
    both = CLAIM.replace("NOTED", "") + SCALER
    said = '{op: add, path: /metadata/annotations, value: {argocd.argoproj.io/sync-wave: "4"}}'
    more = "cluster: prod\npatches:\n"
    for name, kind in (("claim", "PersistentVolumeClaim"), ("server", "Deployment")):
        more += f"  {name}: {{target: {{kind: {kind}}}, operations: [{said}]}}\n"
    files = FLEET | {
        "models/tiny.yaml": model("tiny", both, "[sim]"),
        "overlays/prod/environment.yaml": overlay("prod", more=more),
    }
    compiled(write_files(tmp_path, files))
    found = {o["kind"]: o["metadata"] for o in built(tmp_path / "generated/tiny/overlays/prod")}
    assert found["PersistentVolumeClaim"]["annotations"] == {
        OPTIONS: "Prune=confirm,Delete=confirm",
        "argocd.argoproj.io/sync-wave": "4",
    }
    scaler = found["HorizontalPodAutoscaler"]["annotations"]
    assert scaler["argocd.argoproj.io/sync-wave"] == "5"


@pytest.mark.parametrize("story", STORIES)
def test_an_environment_alone_builds_to_the_same(story: str, tmp_path: Path) -> None:
    repository = index(read_sources(Path(shutil.copytree(GOOD / story, tmp_path / "r"))))
    environments = tuple(repository.catalog.overlays)
    made = compile_repository(repository, alone=environments)
    for environment in environments:
        root = write_files(tmp_path / environment, made.alone[environment])
        assert not list(root.rglob("modelmill.json"))
        assert not list(root.rglob("*.patch.yaml"))
        units = {path.split("/")[1] for path in made.alone[environment] if path.startswith("_env")}
        assert units == {environment}
        for folder in sorted(root.glob(f"*/overlays/{environment}")):
            below = folder.relative_to(root)
            written = write_files(tmp_path / f"{environment}-whole", made.units["llama"].files)
            kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
            assert kustomization.keys() == {"apiVersion", "kind", "resources", "sortOptions"}
            whole = built(written / Path(*below.parts[1:]))
            assert sorted(built(folder), key=repr) == sorted(whole, key=repr)


def test_a_change_of_the_delivery_is_shown_by_diff(tmp_path: Path) -> None:
    root = write_files(tmp_path, FLEET)
    commit(root)
    write_files(root, {"modelmill.yaml": PROJECT.replace("{}", "{prune: false}")})
    said = run(root, "diff").stdout
    assert "Application tiny-prod" in said
    assert "ApplicationSet fleet-prod" in said
    assert "spec.syncPolicy.automated.prune" in said


def test_a_fault_of_the_project_is_told_with_any_file(tmp_path: Path) -> None:
    root = write_files(tmp_path, FLEET | {"modelmill.yaml": PROJECT.replace("https:", "https: ")})
    bad = PROJECT.replace("git: {url: https://github.com/acme/models.git}", "git: {url: ''}")
    write_files(root, {"modelmill.yaml": bad})
    said = run(root, "lint", "models/tiny.yaml")
    assert said.status == 1
    assert said.stdout.count("G902") + said.stderr.count("G902") == 1


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("https://github.com/acme/models.git", False),
        ("git@github.com:acme/models.git", False),
        ("ssh://git@github.com/acme/models.git", False),
        ("ssh://git:secret@github.com/acme/models.git", True),
        ("https://token@github.com/acme/models.git", True),
        ("https://user:token@github.com/acme/models.git", True),
        ("https://github.com/acme/models@v2.git", False),
        ("file:///srv/models.git", False),
    ],
)
def test_credentials_are_told_from_names(url: str, holds: bool) -> None:
    assert holds_credentials(url) == holds


# argocd-source-lint evaluates no Go templates, and cannot see projects kept elsewhere. That several
# overlays read one base is what a base is for: they are of different namespaces or clusters. The
# Secret that an ExternalSecret makes is not in Git, and so not Argo CD's to reset.
EXCUSED = {
    ("unresolvable-generator", "info"): "goTemplate",
    ("missing-ignore-diff", "warning"): "`Secret` `hf-token`",
    ("project-scope-violation", "info"): "laboratory",
    ("double-coverage", "error"): "/base/",
}


@pytest.mark.parametrize("story", STORIES)
def test_argocd_source_lint_finds_nothing(story: str, tmp_path: Path) -> None:
    repository = Path(shutil.copytree(GOOD / story, tmp_path / "r"))
    compiled(repository)
    written = applications(repository)
    source = written[0]["spec"]["source"]
    checkout = tmp_path / "checkout"
    target = checkout / source["path"].partition("generated/")[0] / "generated"
    shutil.copytree(repository / "generated", target)
    for path in target.glob("*/argo-cd/*.yaml"):
        if path.parents[1].name[0] != "_":
            path.unlink()
    (checkout / "applications.yaml").write_text(yaml.safe_dump_all(written))
    branches = {each["spec"]["source"]["targetRevision"][len("refs/heads/") :] for each in written}
    commit(checkout, *branches)
    subprocess.run(["git", "remote", "add", "origin", source["repoURL"]], cwd=checkout, check=True)
    tool = Path(sys.executable).with_name("argocd-source-lint")
    ran = subprocess.run(
        [tool, "-f", "json", checkout], capture_output=True, encoding="utf-8", check=False
    )
    findings = json.loads(ran.stdout)["findings"]
    assert [f for f in findings if not excused(f)] == []


def excused(finding: dict[str, str]) -> bool:
    needed = EXCUSED.get((finding["rule_id"], finding["severity"]))
    return needed is not None and needed in finding["message"] + finding["file"]
