"""The Pod Security Standards, and which of them an environment holds its models to.

In: objects as they are emitted. Out: the templates of their pods, and what a standard refuses of
one, each with its place in the pod: the path of fields; entries of lists stand under their names.

Source: kubernetes/kubernetes, staging/src/k8s.io/pod-security-admission/policy/check_*.go, as of
Kubernetes 1.37, which the label `latest` of a namespace stands for. What it lets pods with a user
namespace of their own do is refused as older clusters refuse it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from modelmill.registries import POD_SPECS
from modelmill.resource import Resource
from modelmill.spec.documents import OverlayDocument
from modelmill.tuples import NamedTuple

Level = Literal["restricted", "baseline", "privileged"]
LEVELS: tuple[Level, ...] = ("restricted", "baseline", "privileged")
"""The standards, the strictest one first."""
Path = tuple[str, ...]

CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
ALLOWED = {"baseline": CAPABILITIES, "restricted": frozenset({"NET_BIND_SERVICE"})}
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
    }
)  # fmt: skip
VOLUMES = frozenset(
    {
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image",
        "persistentVolumeClaim", "projected", "secret",
    }
)  # fmt: skip
SELINUX = {
    "type": frozenset(
        {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
    ),
    "user": frozenset({""}),
    "role": frozenset({""}),
}
PROFILES = ("RuntimeDefault", "Localhost")
NOT_ROOT = "runAsNonRoot: true"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
# Annotation of a requester of dual pods: what its controller makes the pod that serves of.
SERVER_PATCH = "/server-patch"
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
HANDLERS = (
    ("startupProbe",),
    ("readinessProbe",),
    ("livenessProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


class Refusal(NamedTuple):
    """What is refused, and where in the pod. `is_missing`: because it is not said there."""

    path: Path
    what: str
    is_missing: bool = False


def held_to(record: OverlayDocument, model: str) -> Level:
    """The standard that a model of the environment is held to."""
    exempt = record.pod_security_exemptions.get(model)
    own = record.pod_security or "privileged"
    return own if exempt is None else weakest([own, exempt.level])


def enforced(record: OverlayDocument) -> Level:
    """What the environment's namespace enforces: enough for every model that is exempt."""
    exempt = (each.level for each in record.pod_security_exemptions.values())
    return weakest([record.pod_security or "privileged", *exempt])


def weakest(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index, default="restricted")


def templates_of(resource: Resource) -> Iterator[tuple[str, Any]]:
    """The templates of an object's pods, by what each is of: `leaderTemplate` and `workerTemplate`
    of a group, `server` of what dual pods make of a requester, "" of any other."""
    for *path, _ in POD_SPECS.get(resource.kind, ()):
        template: Any = resource.body
        for key in path:
            template = _mapping(template).get(key)
        part = path[-1] if path and path[-1] != "template" else ""
        if template is not None:
            yield part, template
        metadata = _mapping(_mapping(template).get("metadata"))
        for key, text in _mapping(metadata.get("annotations")).items():
            if key.endswith(SERVER_PATCH):
                yield "server", _unpatched(str(text))


def _unpatched(text: str) -> Any:
    """The pod in a requester's annotation: YAML, whose braces are those of a Go template."""
    from modelmill.gotypes.yaml_data import read_yaml

    try:
        return read_yaml(text.replace('{{"{{"}}', "{{"))
    except ValueError:
        return None


def needed(templates: Sequence[Any]) -> Level:
    """The strictest standard that refuses none of the pods."""
    return next(level for level in LEVELS if not any(any(refusals(t, level)) for t in templates))


def refusals(template: Any, level: Level) -> Iterator[Refusal]:
    """Everything that a standard refuses of a pod."""
    if level == "privileged":
        return
    spec = _mapping(_mapping(template).get("spec"))
    security = _mapping(spec.get("securityContext"))
    strict = level == "restricted"
    is_windows = _mapping(spec.get("os")).get("name") == "windows"
    yield from _shared(spec)
    yield from _volumes(spec, strict=strict)
    yield from _annotations(_mapping(_mapping(template).get("metadata")))
    yield from _profiles(("securityContext",), security)
    yield from _sysctls(security)
    if strict:
        yield from _own_process(("securityContext",), security)
    for kind in CONTAINERS:
        for container in _entries(spec.get(kind)):
            path = (kind, str(container.get("name")))
            yield from _container(path, container, ALLOWED[level])
            if strict:
                yield from _own_process((*path, "securityContext"), _security(container))
                yield from _unset(path, _security(container), security, is_windows=is_windows)


def told(refusal: Refusal, level: Level) -> str:
    """A refusal as messages have it."""
    wants = "wants" if refusal.is_missing else "refuses"
    return f"{refusal.what}, which the Pod Security Standard {level} {wants}"


def _shared(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    for field in ("hostNetwork", "hostIPC", "hostPID"):
        if spec.get(field):
            yield Refusal((field,), f"`{field}` shares a namespace of the node")


def _volumes(spec: Mapping[str, Any], *, strict: bool) -> Iterator[Refusal]:
    for volume in _entries(spec.get("volumes")):
        name = str(volume.get("name"))
        sources = [key for key in volume if key != "name" and volume[key] is not None]
        if "hostPath" in sources:
            what = f"the volume `{name}` is a folder of the node"
            yield Refusal(("volumes", name), what)
        elif strict and VOLUMES.isdisjoint(sources):
            kind = f"of the type `{min(sources)}`" if sources else "of no type"
            yield Refusal(("volumes", name), f"the volume `{name}` is {kind}")


def _annotations(metadata: Mapping[str, Any]) -> Iterator[Refusal]:
    for key, value in _mapping(metadata.get("annotations")).items():
        profile = str(value or "")
        fits = profile in ("", "runtime/default") or profile.startswith("localhost/")
        if key.startswith(APPARMOR) and not fits:
            what = f"the AppArmor profile is `{profile}`"
            yield Refusal(("annotations", key), what)


def _sysctls(security: Mapping[str, Any]) -> Iterator[Refusal]:
    for entry in _entries(security.get("sysctls")):
        if str(entry.get("name")) not in SYSCTLS:
            what = f"the sysctl `{entry.get('name')}` is not one of the safe ones"
            yield Refusal(("securityContext", "sysctls"), what)


def _profiles(path: Path, security: Mapping[str, Any]) -> Iterator[Refusal]:
    """What a pod's and a container's security context are told alike."""
    if _mapping(security.get("windowsOptions")).get("hostProcess"):
        place = (*path, "windowsOptions", "hostProcess")
        yield Refusal(place, "the process is one of the node")
    selinux = _mapping(security.get("seLinuxOptions"))
    for field, allowed in SELINUX.items() if selinux else ():
        value = selinux.get(field)
        if value is not None and str(value) not in allowed:
            what = f"the SELinux {field} is `{value}`"
            yield Refusal((*path, "seLinuxOptions", field), what)
    seccomp = _mapping(security.get("seccompProfile")).get("type")
    if seccomp == "Unconfined":
        what = "the seccomp profile is `Unconfined`"
        yield Refusal((*path, "seccompProfile", "type"), what)
    apparmor = security.get("appArmorProfile")
    if apparmor is not None and _mapping(apparmor).get("type") not in PROFILES:
        what = f"the AppArmor profile is `{_mapping(apparmor).get('type')}`"
        yield Refusal((*path, "appArmorProfile", "type"), what)


def _own_process(path: Path, security: Mapping[str, Any]) -> Iterator[Refusal]:
    cgroups = _mapping(security.get("cgroupOptions")).get("mountMode")
    if cgroups not in (None, "ReadOnly"):
        what = "the container may write to its cgroup"
        yield Refusal((*path, "cgroupOptions", "mountMode"), what)
    if security.get("runAsNonRoot") is False:
        yield Refusal((*path, "runAsNonRoot"), "the process may be root")
    if security.get("runAsUser") == 0:
        yield Refusal((*path, "runAsUser"), "the process is root")


def _container(
    path: Path, container: Mapping[str, Any], capabilities: Collection[str]
) -> Iterator[Refusal]:
    security, inside = _security(container), (*path, "securityContext")
    if security.get("privileged"):
        yield Refusal((*inside, "privileged"), "the container is privileged")
    if security.get("procMount") not in (None, "Default"):
        what = f"`procMount` is `{security.get('procMount')}`"
        yield Refusal((*inside, "procMount"), what)
    added = _list(_mapping(security.get("capabilities")).get("add"))
    refused = [f"`{each}`" for each in added if str(each) not in capabilities]
    if refused:
        what = f"the container adds {' and '.join(refused)}"
        yield Refusal((*inside, "capabilities", "add"), what)
    yield from _profiles(inside, security)
    yield from _node_ports(path, container)
    yield from _hosts(path, container)


def _node_ports(path: Path, container: Mapping[str, Any]) -> Iterator[Refusal]:
    for port in _entries(container.get("ports")):
        if port.get("hostPort"):
            name = str(port.get("name") or port.get("containerPort"))
            what = f"the port `{name}` is one of the node"
            yield Refusal((*path, "ports", name), what)


def _hosts(path: Path, container: Mapping[str, Any]) -> Iterator[Refusal]:
    """Probes and hooks may ask their own pod alone."""
    for handler in HANDLERS:
        if handler[0] not in container:
            continue
        found: Any = container
        for key in handler:
            found = _mapping(found).get(key)
        for action in ("httpGet", "tcpSocket") if found else ():
            if _mapping(_mapping(found).get(action)).get("host"):
                what = f"`{handler[-1]}` asks another host"
                yield Refusal((*path, *handler, action, "host"), what)


def _unset(
    path: Path, security: Mapping[str, Any], of_pod: Mapping[str, Any], *, is_windows: bool
) -> Iterator[Refusal]:
    """What the restricted standard wants to be said, of a container or of its pod; of one for
    Windows without what Linux alone knows."""
    dropped = _list(_mapping(security.get("capabilities")).get("drop"))
    users = [each.get("runAsNonRoot") for each in (security, of_pod)]
    own, theirs = (_mapping(each.get("seccompProfile")).get("type") for each in (security, of_pod))
    wanted = {
        "allowPrivilegeEscalation: false": security.get("allowPrivilegeEscalation") is False,
        "capabilities: {drop: [ALL]}": "ALL" in dropped,
        NOT_ROOT: users != [None, None],
        "seccompProfile: {type: RuntimeDefault}": (own or theirs) in (*PROFILES, "Unconfined"),
    }
    for what in [what for what, is_said in wanted.items() if not is_said]:
        if not (is_windows and what != NOT_ROOT):
            field, _, _ = what.partition(":")
            place = (*path, "securityContext", field)
            yield Refusal(place, f"`{path[-1]}` does not set `{what}`", is_missing=True)


def _security(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(container.get("securityContext"))


# Objects are of plain dicts and lists: to ask for these is several times as fast as for a Mapping.


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
