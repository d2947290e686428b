"""C536 and the Pod Security Standards agree: what is refused is what a namespace would refuse.

The judge here is a table: fields of a pod, and the values that a standard allows in each, as the
page of Kubernetes on the standards lists them. It reads emitted pods, whatever made them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelmill import yamltext
from stories import GOOD, stories
from support import inputs_of, run, write_files

Allows = Callable[[Any], bool]
CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
SYSCTLS = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
)  # fmt: skip
SELINUX = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"]
VOLUMES = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim",
    "projected", "secret",
)  # fmt: skip
PROFILES = ["RuntimeDefault", "Localhost"]


def among(*values: Any) -> Allows:
    return lambda value: value in values


EACH = ("containers[*]", "initContainers[*]")
SECURITY = ("securityContext", *(f"{each}.securityContext" for each in EACH))
HOSTS = [
    f"{each}.{probe}.{action}.host"
    for each in EACH
    for probe in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle.preStop")
    for action in ("httpGet", "tcpSocket")
]
BASELINE: dict[str, Allows] = {
    **dict.fromkeys(("hostNetwork", "hostPID", "hostIPC"), among(None, False)),
    **dict.fromkeys([f"{s}.windowsOptions.hostProcess" for s in SECURITY], among(None, False)),
    **dict.fromkeys([f"{each}.securityContext.privileged" for each in EACH], among(None, False)),
    **dict.fromkeys(
        [f"{each}.securityContext.capabilities.add[*]" for each in EACH], among(None, *CAPABILITIES)
    ),
    "volumes[*].hostPath": among(None),
    **dict.fromkeys([f"{each}.ports[*].hostPort" for each in EACH], among(None, 0)),
    **dict.fromkeys(HOSTS, among(None, "")),
    **dict.fromkeys([f"{s}.appArmorProfile.type" for s in SECURITY], among(None, *PROFILES)),
    **dict.fromkeys([f"{s}.seLinuxOptions.type" for s in SECURITY], among(None, "", *SELINUX)),
    **dict.fromkeys([f"{s}.seLinuxOptions.user" for s in SECURITY], among(None, "")),
    **dict.fromkeys([f"{s}.seLinuxOptions.role" for s in SECURITY], among(None, "")),
    **dict.fromkeys([f"{each}.securityContext.procMount" for each in EACH], among(None, "Default")),
    **dict.fromkeys([f"{s}.seccompProfile.type" for s in SECURITY], among(None, *PROFILES)),
    "securityContext.sysctls[*].name": among(None, *SYSCTLS),
}
RESTRICTED: dict[str, Allows] = {
    **BASELINE,
    "volumes[*]": lambda volume: volume is None or any(kind in volume for kind in VOLUMES),
    **dict.fromkeys(
        [f"{each}.securityContext.allowPrivilegeEscalation" for each in EACH], among(False)
    ),
    **dict.fromkeys([f"{s}.runAsUser" for s in SECURITY], lambda user: user != 0),
    **dict.fromkeys([f"{s}.runAsNonRoot" for s in SECURITY], among(None, True)),
    **dict.fromkeys(
        [f"{each}.securityContext.capabilities.drop" for each in EACH],
        lambda dropped: "ALL" in (dropped or []),
    ),
    **dict.fromkeys(
        [f"{each}.securityContext.capabilities.add[*]" for each in EACH],
        among(None, "NET_BIND_SERVICE"),
    ),
}
# What a container may leave to its pod, and one of both must say.
SAID_BY_EITHER = ("runAsNonRoot", "seccompProfile")


def found(node: Any, path: str) -> Iterator[Any]:
    """What stands at a path; None where nothing does."""
    head, _, rest = path.partition(".")
    key = head.removesuffix("[*]")
    value = node.get(key) if isinstance(node, dict) else None
    for each in (value or []) if head.endswith("[*]") else [value]:
        yield from found(each, rest) if rest else [each]


def takes(spec: Any, level: str) -> bool:
    table = {"baseline": BASELINE, "restricted": RESTRICTED}[level]
    fits = all(allows(each) for path, allows in table.items() for each in found(spec, path))
    if level == "baseline":
        return fits
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    return fits and all(
        any((of.get("securityContext") or {}).get(field) is not None for of in (container, spec))
        for container in containers
        for field in SAID_BY_EITHER
    )


def pods(objects: Iterable[Any]) -> Iterator[Any]:
    """The specs of the pods that workloads and Jobs make."""
    for body in objects:
        spec = body.get("spec")
        if body["kind"] == "LeaderWorkerSet":
            templates = spec["leaderWorkerTemplate"]
            yield from (t["spec"] for k, t in templates.items() if k.endswith("Template"))
        elif isinstance(spec, dict) and isinstance(spec.get("template"), dict):
            yield spec["template"]["spec"]
            notes = spec["template"].get("metadata", {}).get("annotations", {})
            for text in (t for key, t in notes.items() if key.endswith("/server-patch")):
                yield yaml.safe_load(text)["spec"]


def pods_of(root: Path, model: str, environment: str) -> list[Any]:
    ran = run(root, "render", model, "-e", environment)
    assert ran.status == 0, ran.stderr
    return list(pods(yaml.load_all(ran.stdout, yaml.CSafeLoader)))


BOOL = st.sampled_from([None, True, False])
CONTEXT: dict[str, Any] = {
    "privileged": BOOL,
    "allowPrivilegeEscalation": BOOL,
    "runAsNonRoot": BOOL,
    "runAsUser": st.sampled_from([None, 0, 1000]),
    "procMount": st.sampled_from([None, "Default", "Unmasked"]),
    "capabilities": st.sampled_from(
        [
            None,
            {"add": ["NET_BIND_SERVICE"]},
            {"add": ["CHOWN"]},
            {"add": ["SYS_ADMIN"]},
            {"drop": ["NET_RAW"]},
        ]
    ),
    "seccompProfile": st.sampled_from(
        [None, *({"type": each} for each in ("RuntimeDefault", "Unconfined"))]
    ),
    "appArmorProfile": st.sampled_from(
        [None, *({"type": each} for each in ("RuntimeDefault", "Unconfined"))]
    ),
    "seLinuxOptions": st.sampled_from(
        [None, {"type": "container_t"}, {"type": "spc_t"}, {"user": "root"}, {"level": "s0:c1,c2"}]
    ),
    "windowsOptions": st.sampled_from([None, {"hostProcess": True}, {"hostProcess": False}]),
}
POD_CONTEXT = {k: v for k, v in CONTEXT.items() if k in (
    "runAsNonRoot", "runAsUser", "seccompProfile", "appArmorProfile", "seLinuxOptions",
    "windowsOptions",
)}  # fmt: skip
SYSCTL = st.sampled_from([None, [{"name": "net.ipv4.tcp_rmem"}], [{"name": "kernel.msgmax"}]])


def some(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A few of the fields, and those that are not null."""
    few = st.lists(st.sampled_from(sorted(fields)), max_size=2, unique=True)
    chosen = few.flatmap(lambda keys: st.fixed_dictionaries({key: fields[key] for key in keys}))
    return chosen.map(lambda each: {k: v for k, v in each.items() if v is not None})


CONTAINER = st.fixed_dictionaries(
    {"securityContext": some(CONTEXT)},
    optional={
        "ports": st.sampled_from(
            [{"x": {"containerPort": 9}}, {"x": {"containerPort": 9, "hostPort": 9}}]
        ),
        "lifecycle": st.sampled_from([{"preStop": {"httpGet": {"host": "a.example", "port": 80}}}]),
    },
)
BESIDE = CONTAINER.map(lambda fields: {"image": "ghcr.io/acme/side:v1", **fields})
POD = st.fixed_dictionaries(
    {"securityContext": some({**POD_CONTEXT, "sysctls": SYSCTL})},
    optional={
        "hostIPC": st.booleans(),
        "volumes": st.sampled_from(
            [
                {"v": {"emptyDir": {}}},
                {"v": {"hostPath": {"path": "/x"}}},
                {"v": {"nfs": {"server": "a", "path": "/"}}},
                {"v": {"image": {"reference": "ghcr.io/acme/data:v1"}}},
            ]
        ),
        "containers": st.fixed_dictionaries({"beside": BESIDE}),
        "initContainers": st.fixed_dictionaries({"first": BESIDE}),
    },
)
ROLE = st.fixed_dictionaries(
    {},
    optional={
        "pod": POD,
        "container": CONTAINER,
        "worker": st.fixed_dictionaries({"size": st.just(2)}, optional={"pod": POD}),
        "defaults": st.just("none"),
    },
)
MODEL = {
    "apiVersion": "modelmill.dev/v1alpha1",
    "kind": "Model",
    "metadata": {"name": "llama"},
}


def repository(spec: dict[str, Any]) -> dict[str, str]:
    """A model in an environment of each standard, and in one without."""
    head = "apiVersion: modelmill.dev/v1alpha1\nkind: "
    texts = {"modelmill.yaml": head + "Project\nversions: {set: llm-d-v0.9}\n"}
    texts["models/llama.yaml"] = yamltext.dump({**MODEL, "spec": spec})
    for name in ("free", "baseline", "restricted"):
        own = "" if name == "free" else f"podSecurity: {name}\n"
        texts[f"overlays/{name}/environment.yaml"] = (
            f"{head}Overlay\nmetadata: {{name: {name}}}\nnamespace: llm-{name}\n{own}"
        )
    return texts


def spec_of(role: dict[str, Any], picker: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": {"name": "llama", "uri": "hf://acme/llama"},
        "engine": {"type": "vllm", "version": "v0.26.0", "image": "docker.io/vllm/vllm-openai:v1"},
        "accelerator": {"name": "h100", "resource": "nvidia.com/gpu", "perNode": 8},
        "roles": {"decode": {"parallelism": {"tensor": 2}, **role}},
        "routing": {
            "service": {"create": False},
            "scheduler": {
                "pod": picker,
                "config": {
                    "name": "queue",
                    "plugins": {"queue-scorer": {}, "max-score-picker": {}},
                    "schedulingProfiles": {"default": {"plugins": {"queue-scorer": {"weight": 1}}}},
                },
            },
        },
    }


@settings(max_examples=120, deadline=None)
@given(ROLE, POD)
def test_what_is_refused_is_what_the_namespace_would_refuse(
    role: dict[str, Any], picker: dict[str, Any]
) -> None:
    if role.get("defaults") == "none":
        # Pods that no pool knows are refused for another reason.
        role = {**role, "selector": {"app": "llama"}, "name": "llama"}
    with TemporaryDirectory() as folder:
        root = write_files(Path(folder), repository(spec_of(role, picker)))
        said = run(root, "render", "llama", "-e", "free")
        assume(not said.status)
        free = list(pods(yaml.load_all(said.stdout, yaml.CSafeLoader)))
        for level in ("baseline", "restricted"):
            ran = run(root, "render", "llama", "-e", level)
            wanted = all(takes(pod, level) for pod in free)
            assert ("[C536]" not in ran.stderr) == wanted, (level, ran.stderr, free)


@pytest.mark.parametrize("story", stories(GOOD))
def test_stories_whose_namespace_enforces_a_standard(story: str, tmp_path: Path) -> None:
    """Every pod that is emitted for it gets in, but for those of models that are exempt."""
    root = write_files(tmp_path, inputs_of(GOOD / story))
    for file in sorted((root / "overlays").glob("*/environment.yaml")):
        overlay = yaml.safe_load(file.read_text())
        level = overlay.get("podSecurity", "privileged")
        if level == "privileged":
            continue
        for path in sorted((root / "models").glob("*.yaml")):
            name = yaml.safe_load(path.read_text())["metadata"]["name"]
            exempt = overlay.get("podSecurityExemptions", {}).get(name)
            held = exempt["level"] if exempt else level
            for pod in pods_of(root, name, overlay["metadata"]["name"]):
                assert takes(pod, held), (name, pod)
                assert exempt is None or not takes(pod, level)


def test_a_namespace_enforces_what_its_exempt_models_need(tmp_path: Path) -> None:
    """All others are held to the environment's own standard."""
    texts = repository(spec_of({"pod": {"hostIPC": True}}, {}))
    path = "overlays/restricted/environment.yaml"
    exempt = "podSecurityExemptions:\n"
    exempt += '  llama: {level: privileged, reason: NVSHMEM, until: "2099-01-01"}\n'
    other = {**MODEL, "metadata": {"name": "qwen"}, "spec": spec_of({"pod": {"hostIPC": True}}, {})}
    texts |= {path: texts[path] + exempt, "models/qwen.yaml": yamltext.dump(other)}
    write_files(tmp_path, texts)
    assert run(tmp_path, "render", "llama", "-e", "restricted").status == 0
    assert "[C536]" in run(tmp_path, "render", "qwen", "-e", "restricted").stderr
