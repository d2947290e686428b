"""modelmill.lock: what it does to manifests, what is said of one that lacks something, and how its
entries are looked up, against a server in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from registry_server import digest
from support import HEAD, PROJECT, Ran, built, compiled, model, overlay, preset, run, write_files

VLLM = preset(
    "vllm",
    """
    engine: {type: vllm, version: v0.26.0, image: "vllm/vllm-openai:${engine.version}"}
    accelerator: {name: h100, vendor: nvidia, resource: nvidia.com/gpu}
    """,
)
IMAGE = "docker.io/vllm/vllm-openai:v0.26.0"
ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
COMMIT, OTHER = "a" * 40, "b" * 40
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/vllm.yaml": VLLM,
    "models/big.yaml": model("big", "roles: {decode: {replicas: 1}}", "[vllm]"),
    "overlays/prod/environment.yaml": overlay("prod"),
}


def lock(images: dict[str, str] | None = None, **more: Any) -> str:
    content = {"apiVersion": "modelmill.dev/v1alpha1", "kind": "Lock", **more}
    return yaml.safe_dump({**content, "images": images or {}})


def pods_of(root: Path, name: str, environment: str = "prod") -> list[Any]:
    ran = run(root, "render", name, "-e", environment)
    assert ran.status == 0, ran.stderr
    objects = list(yaml.safe_load_all(ran.stdout))
    templates = [each["spec"]["template"] for each in objects if "template" in each.get("spec", {})]
    return [template["spec"] for template in templates]


def images_of(root: Path, name: str, environment: str = "prod") -> set[str]:
    parts = ("initContainers", "containers")
    pods = pods_of(root, name, environment)
    return {each["image"] for pod in pods for part in parts for each in pod.get(part, ())}


def words_of(root: Path, name: str) -> list[str]:
    return [word for pod in pods_of(root, name) for word in pod["containers"][0].get("args", ())]


def test_an_image_gets_its_digest_and_keeps_its_name(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**FILES, "modelmill.lock": lock({IMAGE: ONE})})
    assert images_of(root, "big") == {f"vllm/vllm-openai:v0.26.0@{ONE}"}
    compiled(root)
    (deployment,) = (
        each for each in built(root / "generated/big/overlays/prod") if each["kind"] == "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"vllm/vllm-openai:v0.26.0@{ONE}"


def test_a_mirror_is_asked_for_the_same_digest(tmp_path: Path) -> None:
    mirrored = overlay("prod", more="registries: {docker.io: mirror.test/hub}\n")
    files = {**FILES, "overlays/prod/environment.yaml": mirrored}
    root = write_files(tmp_path, {**files, "modelmill.lock": lock({IMAGE: ONE})})
    assert images_of(root, "big") == {f"mirror.test/hub/vllm/vllm-openai:v0.26.0@{ONE}"}


def test_every_image_of_every_pod_is_pinned(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**FILES, "models/big.yaml": EVERYTHING})
    wanted = images_of(root, "big")
    assert len(wanted) > 3
    whole = {f"docker.io/{i}" if i.startswith("vllm/") else i: ONE for i in wanted}
    (root / "modelmill.lock").write_text(lock({**whole, "ghcr.io/acme/sql:1": TWO}))
    pinned = images_of(root, "big")
    assert pinned == {f"{image}@{ONE}" for image in wanted}
    pods = pods_of(root, "big")
    volumes = [volume for pod in pods for volume in pod.get("volumes", ()) if "image" in volume]
    assert {each["image"]["reference"] for each in volumes} == {f"ghcr.io/acme/sql:1@{TWO}"}


EVERYTHING = model(
    "big",
    """
    model:
      name: acme/big
      uri: hf://acme/big
      revision: main
      adapters: {sql: {uri: "oci://ghcr.io/acme/sql:1::lora"}}
    kvTransfer: {connector: nixl}
    roles: {decode: {}, prefill: {}}
    pod: {containers: {beside: {image: "ghcr.io/acme/beside:1"}}}
    extraObjects:
      extra:
        apiVersion: batch/v1
        kind: Job
        metadata: {name: extra}
        spec:
          template:
            spec:
              restartPolicy: Never
              containers: [{name: a, image: "ghcr.io/acme/extra:1"}]
    routing:
      scheduler:
        config:
          name: own
          plugins: {p: {type: max-score-picker}}
          schedulingProfiles: {default: {plugins: {p: {}}}}
    """,
    "[vllm]",
)


def test_a_branch_becomes_a_commit_and_a_commit_stays(tmp_path: Path) -> None:
    spec = 'model: {{name: m, uri: "hf://acme/m"{}}}\nroles: {{decode: {{}}}}'
    models = {
        "none": spec.format(""),
        "branch": spec.format(", revision: v2"),
        "commit": spec.format(f', revision: "{OTHER}"'),
    }
    files = {f"models/{n}.yaml": model(n, text, "[vllm]") for n, text in models.items()}
    entries = {"hf://acme/m": COMMIT, "hf://acme/m@v2": "c" * 40}
    files["modelmill.lock"] = lock({IMAGE: ONE}, models=entries)
    root = write_files(tmp_path, {**FILES, **files})
    assert f"--revision={COMMIT}" in words_of(root, "none")
    assert f"--revision={'c' * 40}" in words_of(root, "branch")
    assert f"--revision={OTHER}" in words_of(root, "commit")


def test_a_reference_to_the_revision_has_the_commit(tmp_path: Path) -> None:
    spec = """
    model: {name: m, uri: "hf://acme/${slug(metadata.name)}", revision: v2}
    engine: {env: {REVISION: "${model.revision}"}}
    roles: {decode: {}}
    """
    files = {
        **FILES,
        "models/big.yaml": model("big", spec.replace("${slug(metadata.name)}", "big"), "[vllm]"),
    }
    files["modelmill.lock"] = lock({}, models={"hf://acme/big@v2": COMMIT})
    root = write_files(tmp_path, files)
    (pod,) = pods_of(root, "big")
    assert {"name": "REVISION", "value": COMMIT} in pod["containers"][0]["env"]
    (root / "models/big.yaml").write_text(model("big", spec, "[vllm]"))
    assert f"--revision={COMMIT}" in words_of(root, "big")


def test_an_adapter_and_a_cache_have_the_commit(tmp_path: Path) -> None:
    spec = """
    model:
      name: m
      uri: hf://acme/m
      size: 1Gi
      cache: {claim: {}}
      adapters: {sql: {uri: "hf://acme/sql"}}
    roles: {decode: {}}
    """
    files = {**FILES, "models/big.yaml": model("big", spec, "[vllm]")}
    root = write_files(tmp_path, files)
    assert "C547" in run(root, "lint").stderr
    (root / "modelmill.lock").write_text(
        lock({IMAGE: ONE}, models={"hf://acme/m": COMMIT, "hf://acme/sql": OTHER})
    )
    assert run(root, "lint").stderr == ""
    before = run(root, "render", "big", "-e", "prod").stdout
    assert f"hf download acme/m --revision {COMMIT}" in before
    assert f"hf download acme/sql --revision {OTHER}" in before
    # Another commit, or another image of the same tag, is another Job.
    names = {job_name(root)}
    (root / "modelmill.lock").write_text(
        lock({IMAGE: ONE}, models={"hf://acme/m": "c" * 40, "hf://acme/sql": OTHER})
    )
    names.add(job_name(root))
    (root / "modelmill.lock").write_text(
        lock({IMAGE: TWO}, models={"hf://acme/m": "c" * 40, "hf://acme/sql": OTHER})
    )
    names.add(job_name(root))
    assert len(names) == 3


def job_name(root: Path) -> str:
    ran = run(root, "render", "big", "-e", "prod")
    (name,) = (
        each["metadata"]["name"] for each in yaml.safe_load_all(ran.stdout) if each["kind"] == "Job"
    )
    return str(name)


def test_weights_on_a_claim_are_nobodys_to_pin(tmp_path: Path) -> None:
    spec = """
    model: {name: m, uri: "pvc+hf://models/hub/acme/m"}
    roles: {decode: {}}
    """
    files = {**FILES, "models/big.yaml": model("big", spec, "[vllm]")}
    files["modelmill.lock"] = lock({IMAGE: ONE}, models={"hf://acme/m": COMMIT})
    root = write_files(tmp_path, files)
    assert "revision" not in " ".join(words_of(root, "big"))
    assert "nothing names it" in run(root, "lint").stderr


def test_kserve_is_told_digest_and_commit(tmp_path: Path) -> None:
    held = 'model: {name: m, uri: "oci://ghcr.io/acme/m:1"}\nroles: {decode: {}}'
    files = {
        **FILES,
        "models/image.yaml": model("image", held, "[vllm]"),
        "overlays/prod/environment.yaml": overlay("prod", more="target: kserve\n"),
    }
    entries = {IMAGE: ONE, "ghcr.io/acme/m:1": TWO}
    files["modelmill.lock"] = lock(entries, models={"hf://acme/big": COMMIT})
    root = write_files(tmp_path, files)
    rendered = run(root, "render", "big", "-e", "prod").stdout
    assert f"uri: hf://acme/big:{COMMIT}" in rendered
    assert f"vllm/vllm-openai:v0.26.0@{ONE}" in rendered
    assert f"oci://ghcr.io/acme/m:1@{TWO}" in run(root, "render", "image", "-e", "prod").stdout
    assert run(root, "lint", "--locked").stderr == ""


def test_a_thin_resource_and_its_configurations_agree(tmp_path: Path) -> None:
    more = "target: kserve\nkserve: {mode: thin}\n"
    files = {**FILES, "overlays/prod/environment.yaml": overlay("prod", more=more)}
    files["modelmill.lock"] = lock({IMAGE: ONE}, models={"hf://acme/big": COMMIT})
    root = write_files(tmp_path, files)
    compiled(root)
    folder = root / "generated/_environments/prod"
    texts = "".join(each.read_text() for each in folder.glob("*.yaml"))
    assert f"vllm/vllm-openai:v0.26.0@{ONE}" in texts
    assert "modelmill.lock" in (folder / "modelmill.json").read_text()
    assert "image:" not in run(root, "render", "big", "-e", "prod").stdout


def test_dual_pods_have_the_digest_in_their_patch(tmp_path: Path) -> None:
    spec = """
    roles:
      decode: {dualPods: {image: "ghcr.io/acme/requester:1"}}
    """
    files = {**FILES, "models/big.yaml": model("big", spec, "[vllm]")}
    entries = {IMAGE: ONE, "ghcr.io/acme/requester:1": TWO}
    files["modelmill.lock"] = lock(entries, models={"hf://acme/big": COMMIT})
    root = write_files(tmp_path, files)
    rendered = run(root, "render", "big", "-e", "prod").stdout
    assert f"vllm/vllm-openai:v0.26.0@{ONE}" in rendered
    assert f"ghcr.io/acme/requester:1@{TWO}" in rendered
    assert run(root, "lint", "--locked").stderr == ""


def test_another_models_pin_leaves_a_unit_alone(tmp_path: Path) -> None:
    other = VLLM.replace("name: vllm", "name: other").replace("v0.26.0", "v0.25.0")
    files = {
        **FILES,
        "presets/other.yaml": other,
        "models/two.yaml": model("two", "roles: {decode: {}}", "[other]"),
    }
    entries = {IMAGE: ONE, IMAGE.replace("26", "25"): ONE}
    root = write_files(tmp_path, {**files, "modelmill.lock": lock(entries)})
    compiled(root)
    (root / "modelmill.lock").write_text(lock({**entries, IMAGE: TWO}))
    before = (root / "generated/two/modelmill.json").read_text()
    assert run(root, "compile").stderr.endswith("2 changed in 3 units\n")
    assert (root / "generated/two/modelmill.json").read_text() == before


def test_without_a_lock_nothing_is_said_and_nothing_pinned(tmp_path: Path) -> None:
    root = write_files(tmp_path, FILES)
    assert run(root, "lint") == Ran(0, "", "")
    assert images_of(root, "big") == {"vllm/vllm-openai:v0.26.0"}
    library = f"{HEAD}Lock\nlibrary: {{version: 0.1.0, presets: {{vllm: {ONE}}}}}\n"
    (root / "modelmill.lock").write_text(library)
    assert run(root, "lint") == Ran(0, "", "")


def test_locked_wants_everything_in_the_lock(tmp_path: Path) -> None:
    root = write_files(tmp_path, FILES)
    for command in (["lint", "--locked"], ["compile", "--locked"], ["lock", "--check"]):
        ran = run(root, *command)
        assert ran.status == 1
        assert f"error[G950]: `{IMAGE}` is not in modelmill.lock" in ran.stderr
        assert "error[G950]: `hf://acme/big` is not in modelmill.lock" in ran.stderr
    assert not (root / "generated").exists()


def test_a_lock_makes_a_tag_that_moves_one_that_does_not(tmp_path: Path) -> None:
    files = {**FILES, "presets/vllm.yaml": VLLM.replace("v0.26.0", "nightly", 1)}
    files["presets/vllm.yaml"] = VLLM.replace(
        '"vllm/vllm-openai:${engine.version}"', "vllm/vllm-openai:nightly"
    )
    root = write_files(tmp_path, files)
    assert "error[C504]" in run(root, "lint").stderr
    entries = {"docker.io/vllm/vllm-openai:nightly": ONE}
    (root / "modelmill.lock").write_text(lock(entries, models={"hf://acme/big": COMMIT}))
    assert run(root, "lint") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lock({IMAGE: "sha256:1234"}), "error[S405]"),
        (lock({IMAGE: ONE}, models={"hf://a/b": "main"}), "error[S405]"),
        (lock({"vllm": ONE}), "error[S405]"),
        (lock({IMAGE: ONE}) + f"  {IMAGE}: {TWO}\n", "error[Y"),
        ("<<<<<<< ours\n" + lock({IMAGE: ONE}), "error[Y117]"),
        (lock({IMAGE: ONE}, digests={}), "error[S401]"),
        (PROJECT, "error[N201]"),
    ],
)
def test_a_lock_that_cannot_be_read_ends_the_run(tmp_path: Path, text: str, said: str) -> None:
    root = write_files(tmp_path, {**FILES, "modelmill.lock": text})
    for command in ("lint", "compile", "lock"):
        ran = run(root, command)
        assert ran.status == 1
        assert said in ran.stderr
        assert "modelmill.lock:" in ran.stderr
    assert (root / "modelmill.lock").read_text() == text


def test_explain_shows_the_lock_over_what_was_written(tmp_path: Path) -> None:
    files = {**FILES, "modelmill.lock": lock({IMAGE: ONE}, models={"hf://acme/big": COMMIT})}
    root = write_files(tmp_path, files)
    image = run(root, "explain", "big", "roles.decode.engine.image").stdout
    assert image.startswith(f"roles.decode.engine.image = vllm/vllm-openai:v0.26.0@{ONE}")
    assert "lock `modelmill.lock`" in image
    assert "preset `vllm`" in image
    revision = run(root, "explain", "big", "model.revision").stdout
    assert COMMIT in revision
    assert "lock `modelmill.lock`" in revision


def test_lint_of_the_lock_alone_is_lint_of_everything(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**FILES, "modelmill.lock": lock({})})
    assert "G950" in run(root, "lint", str(root / "modelmill.lock")).stderr


# Looking up.


class Server(NamedTuple):
    """A running server and what it was asked."""

    port: int
    log: Path

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def asked(self) -> list[dict[str, Any]]:
        text = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def begin(**told: Any) -> Server:
        log = tmp_path / f"requests-{len(running)}"
        script = Path(__file__).parent / "registry_server.py"
        process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(told), str(log)],
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return Server(int(process.stdout.readline()), log)

    yield begin
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody's credentials but a test's own."""
    own = tmp_path / "home"
    own.mkdir()
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:1")
    return own


def repository_of(tmp_path: Path, *images: str, uri: str = "pvc://models/m") -> Path:
    """A model whose pods have these images beside the engine."""
    beside = "".join(f'  c{n}: {{image: "{image}"}}\n' for n, image in enumerate(images))
    containers = "pod:\n  containers:\n" + beside.replace("  c", "    c") if images else ""
    engine = 'engine: {image: "localhost:1/never/asked@' + ONE + '"}'
    spec = f'model: {{name: m, uri: "{uri}"}}\nroles: {{decode: {{}}}}\n{engine}\n{containers}'
    files = {**FILES, "models/big.yaml": model("big", spec, "[vllm]")}
    return write_files(tmp_path / "repository", files)


def locked(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((root / "modelmill.lock").read_text())
    return found


def docker(home: Path, config: dict[str, Any]) -> None:
    (home / ".docker").mkdir()
    (home / ".docker/config.json").write_text(json.dumps(config))


def test_lock_looks_up_images_and_models(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(images=["acme/a:1", "acme/b:2"], models={"acme/m@main": COMMIT})
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    images = [f"{server.host}/acme/a:1", f"{server.host}/acme/b:2"]
    root = repository_of(tmp_path, *images, uri="hf://acme/m")
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr
    assert ran.stderr.endswith("modelmill.lock pins 2 images and 1 model\n")
    found = locked(root)
    assert found["images"] == {i: digest(i.partition("/")[2]) for i in images}
    assert found["models"] == {"hf://acme/m": COMMIT}
    assert found["versions"] == "llm-d-v0.9"
    assert all("image.index" in e["accept"] for e in server.asked() if "/v2/" in e["path"])
    assert run(root, "lint", "--locked") == Ran(0, "", "")
    text = (root / "modelmill.lock").read_text()
    asked = len(server.asked())
    assert "nothing changed" in run(root, "lock").stderr
    assert (root / "modelmill.lock").read_text() == text
    assert len(server.asked()) == asked


def test_a_version_set_change_is_said(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1"])
    root = repository_of(tmp_path, f"{server.host}/acme/a:1")
    assert run(root, "lock").status == 0
    (root / "modelmill.yaml").write_text(PROJECT.replace("v0.9", "v0.8"))
    assert "warning[G952]" in run(root, "lint").stderr
    assert run(root, "lock").status == 0
    assert run(root, "lint") == Ran(0, "", "")


def test_update_renews_all_or_what_is_named(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1", "acme/b:2"])
    images = [f"{server.host}/acme/a:1", f"{server.host}/acme/b:2"]
    root = repository_of(tmp_path, *images)
    old = lock(dict.fromkeys(images, ONE))
    (root / "modelmill.lock").write_text(old)
    assert "nothing changed" in run(root, "lock").stderr
    assert run(root, "lock", "--update", "acme/b").status == 0
    assert locked(root)["images"] == {images[0]: ONE, images[1]: digest("acme/b:2")}
    assert run(root, "lock", "--update").status == 0
    assert locked(root)["images"][images[0]] == digest("acme/a:1")
    unknown = run(root, "lock", "--update", "acme/c")
    assert unknown.status == 2
    assert "no image and no model of the hub is named `acme/c`" in unknown.stderr
    assert run(root, "lock", "acme/b").status == 2


def test_what_nothing_names_is_taken_out(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1"])
    root = repository_of(tmp_path, f"{server.host}/acme/a:1")
    (root / "modelmill.lock").write_text(
        lock({IMAGE: ONE, f"{server.host}/acme/a:0": TWO}, library={"presets": {"vllm": ONE}})
    )
    said = run(root, "lint").stderr
    assert f"warning[G951]: `{IMAGE}` is in modelmill.lock, and nothing names it" in said
    assert f"the lock has `{server.host}/acme/a:0`" in said
    assert run(root, "lock").status == 0
    assert list(locked(root)["images"]) == [f"{server.host}/acme/a:1"]
    assert locked(root)["library"] == {"presets": {"vllm": ONE}}


def test_one_that_fails_does_not_lose_the_others(tmp_path: Path, start: Start) -> None:
    faults = {
        "acme/forbidden:1": "status 403",
        "acme/many:1": "status 429",
        "acme/odd:1": "status 418",
        "acme/busy:1": "busy for ever",
        "acme/wrong:1": "wrong digest",
        "acme/flood:1": "floods",
        "acme/cut:1": "cut",
    }
    server = start(images=["acme/a:1", "acme/wrong:1", "acme/flood:1"], faults=faults)
    names = ["acme/a:1", "acme/absent:1", *faults]
    root = repository_of(tmp_path, *(f"{server.host}/{name}" for name in names))
    ran = run(root, "lock")
    assert ran.status == 1
    assert ran.stderr.count("error[G953]") == len(names) - 1
    for said in (
        "has no such image",
        "be seen",
        "has had enough of questions",
        "HTTP 418",
        "HTTP 503",
        "a manifest that has not the digest it tells",
        "larger than 8 MiB",
        "did not answer",
    ):
        assert said in ran.stderr
    assert locked(root)["images"] == {f"{server.host}/acme/a:1": digest("acme/a:1")}


def test_what_is_there_stays_where_it_cannot_be_renewed(tmp_path: Path, start: Start) -> None:
    server = start(images=[])
    image = f"{server.host}/acme/a:1"
    root = repository_of(tmp_path, image)
    (root / "modelmill.lock").write_text(lock({image: ONE}))
    assert run(root, "lock", "--update").status == 1
    assert locked(root)["images"] == {image: ONE}


@pytest.mark.parametrize("fault", ["no digest", "no head", "busy"])
def test_a_registry_in_its_own_way(tmp_path: Path, start: Start, fault: str) -> None:
    server = start(images=["acme/a:1"], faults={"acme/a:1": fault})
    image = f"{server.host}/acme/a:1"
    root = repository_of(tmp_path, image)
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr
    assert locked(root)["images"] == {image: digest("acme/a:1")}


def test_a_token_is_asked_for_with_the_users_credentials(
    tmp_path: Path, start: Start, home: Path
) -> None:
    server = start(images=["acme/a:1"], auth=True, credentials="me:secret")
    image = f"{server.host}/acme/a:1"
    root = repository_of(tmp_path, image)
    refused = run(root, "lock")
    assert refused.status == 1
    assert "gives no token" in refused.stderr
    auth = base64.b64encode(b"me:wrong").decode()
    docker(home, {"auths": {server.host: {"auth": auth}}})
    wrong = run(root, "lock")
    assert "refuses the credentials" in wrong.stderr
    assert "wrong" not in wrong.stderr.replace("wrong digest", "")
    auth = base64.b64encode(b"me:secret").decode()
    (home / ".docker/config.json").write_text(json.dumps({"auths": {server.host: {"auth": auth}}}))
    assert run(root, "lock").status == 0
    assert locked(root)["images"] == {image: digest("acme/a:1")}
    assert "scope=repository%3Aacme%2Fa%3Apull" in server.asked()[-2]["path"]
    assert "secret" not in (root / "modelmill.lock").read_text()


def test_an_identity_token_is_exchanged(tmp_path: Path, start: Start, home: Path) -> None:
    server = start(images=["acme/a:1"], auth=True, refresh="refresh_token=lasting")
    root = repository_of(tmp_path, f"{server.host}/acme/a:1")
    docker(home, {"auths": {server.host: {"identitytoken": "lasting"}}})
    assert run(root, "lock").status == 0
    assert server.asked()[-2]["method"] == "POST"


def test_a_helper_of_the_user_is_asked(
    tmp_path: Path, start: Start, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(images=["acme/a:1"], auth=True, credentials="me:secret")
    programs = tmp_path / "bin"
    programs.mkdir()
    helper = programs / "docker-credential-own"
    answer = '{"ServerURL":"x","Username":"me","Secret":"secret"}'
    helper.write_text(f"#!/bin/sh\nread host\n[ \"$host\" = {server.host} ] && echo '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    docker(home, {"credHelpers": {server.host: "own"}})
    root = repository_of(tmp_path, f"{server.host}/acme/a:1")
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr


@pytest.mark.parametrize("helper", ["../../bin/sh", "no-such-helper", "a b"])
def test_a_helper_that_cannot_be_is_said(
    tmp_path: Path, start: Start, home: Path, helper: str
) -> None:
    server = start(images=["acme/a:1"])
    docker(home, {"credHelpers": {server.host: helper}})
    ran = run(repository_of(tmp_path, f"{server.host}/acme/a:1"), "lock")
    assert ran.status == 1
    assert "cannot be" in ran.stderr


def test_a_redirect_does_not_carry_the_token_away(tmp_path: Path, start: Start, home: Path) -> None:
    elsewhere = start(images=[])
    place = f"http://127.0.0.1:{elsewhere.port}"
    server = start(images=["acme/a:1"], auth=True, faults={"acme/a:1": "moved"}, elsewhere=place)
    image = f"{server.host}/acme/a:1"
    root = repository_of(tmp_path, image)
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr
    assert locked(root)["images"] == {image: digest("moved/acme/a:1")}
    assert [each["authorization"] for each in elsewhere.asked()] == [None]


def test_no_token_is_asked_for_over_plain_http(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1"], auth=True, realm="http://tokens.test/token")
    ran = run(repository_of(tmp_path, f"{server.host}/acme/a:1"), "lock")
    assert ran.status == 1
    assert "tokens.test is not asked without https" in ran.stderr


def test_the_hub_gets_its_token_and_nobody_else(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = start(models={"acme/m@v2": OTHER})
    place = f"http://127.0.0.1:{elsewhere.port}"
    server = start(hub_token="hf_secret", models={"acme/m@v2": COMMIT}, moved={"acme/old": place})
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    root = repository_of(tmp_path, uri="hf://acme/m")
    text = (root / "models/big.yaml").read_text()
    (root / "models/big.yaml").write_text(
        text.replace('"hf://acme/m"', '"hf://acme/m", revision: v2')
    )
    refused = run(root, "lock")
    assert "set HF_TOKEN" in refused.stderr
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr
    assert locked(root)["models"] == {"hf://acme/m@v2": COMMIT}
    assert "hf_secret" not in ran.stderr
    (root / "models/big.yaml").write_text(text.replace("hf://acme/m", "hf://acme/old"))
    assert run(root, "lock").status == 1
    assert [each["authorization"] for each in elsewhere.asked()] == [None]


def test_an_absent_model_and_a_revision_with_a_slash(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(models={"acme/m@refs/pr/1": COMMIT})
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    root = repository_of(tmp_path, uri="hf://acme/m")
    ran = run(root, "lock")
    assert "the hub has no model `acme/m`" in ran.stderr
    file = root / "models/big.yaml"
    file.write_text(file.read_text().replace('acme/m"', 'acme/m", revision: refs/pr/1'))
    assert run(root, "lock").status == 0
    assert locked(root)["models"] == {"hf://acme/m@refs/pr/1": COMMIT}


def test_a_mirror_can_be_asked_instead(tmp_path: Path, start: Start) -> None:
    server = start(images=["hub/acme/a:1"])
    root = repository_of(tmp_path, "registry.invalid/acme/a:1")
    more = f"registries: {{registry.invalid: {server.host}/hub}}\n"
    (root / "overlays/prod/environment.yaml").write_text(overlay("prod", more=more))
    ran = run(root, "lock", "--mirror", "prod")
    assert ran.status == 0, ran.stderr
    assert locked(root)["images"] == {"registry.invalid/acme/a:1": digest("hub/acme/a:1")}


def test_a_repository_that_does_not_compile_asks_nobody(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1"])
    root = repository_of(tmp_path, f"{server.host}/acme/a:1")
    (root / "models/broken.yaml").write_text(model("broken", "roles: {}", "[absent]"))
    ran = run(root, "lock")
    assert ran.status == 1
    assert "R301" in ran.stderr
    assert server.asked() == []


def test_a_simulator_asks_nothing_of_the_hub(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/sim:1"])
    sim = f'engine: {{type: inference-sim, version: v0.10.2, image: "{server.host}/acme/sim:1"}}'
    spec = f"{sim}\naccelerator: {{name: cpu}}\nroles: {{decode: {{}}}}"
    files = {**FILES, "models/big.yaml": model("big", spec)}
    root = write_files(tmp_path / "repository", files)
    ran = run(root, "lock")
    assert ran.status == 0, ran.stderr
    assert locked(root)["models"] == {}
    assert run(root, "lint", "--locked") == Ran(0, "", "")


def test_an_interrupt_writes_nothing(tmp_path: Path, start: Start) -> None:
    server = start(images=["acme/a:1"], faults={"acme/b:1": "hangs"})
    root = repository_of(tmp_path, f"{server.host}/acme/a:1", f"{server.host}/acme/b:1")
    before = lock({IMAGE: ONE})
    (root / "modelmill.lock").write_text(before)
    process = subprocess.Popen(
        [sys.executable, "-m", "modelmill", "-C", str(root), "lock"], stderr=subprocess.PIPE
    )
    while len(server.asked()) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert (root / "modelmill.lock").read_text() == before
    assert sorted(each.name for each in root.glob("modelmill.*")) == [
        "modelmill.lock",
        "modelmill.yaml",
    ]
