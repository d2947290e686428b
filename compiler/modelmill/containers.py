"""Typed pod and container fields as the Kubernetes API spells them.

What people merge is a mapping in the input; here it becomes the list Kubernetes wants. Pure, and
decides no value of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.record import EMPTY
from modelmill.spec.pod import Container, ContainerFields, EnvSource, Pod, Probe, Probes, Resources

Manifest = dict[str, Any]

RESTRICTED_POD: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED_CONTAINER: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""What the restricted Pod Security Standard asks for, beside a non-root user."""


def over(base: Mapping[str, Any], extra: Mapping[str, Any] | None) -> Manifest:
    """`extra` laid over `base` by key; lists and scalars replace."""
    result = dict(base)
    for key, value in (extra or {}).items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = over(below, value) if both else value  # type: ignore[arg-type]
    return result


def given(**fields: Any) -> Manifest:
    """The fields that say something: None and empty collections are left out."""
    return {k: v for k, v in fields.items() if v is not None and v != [] and v != {}}


def env_list(env: Mapping[str, Any]) -> list[Manifest]:
    """Environment by name as EnvVar items. Values are text: a number or boolean is spelt out."""
    return [{"name": name, **_env_value(value)} for name, value in env.items() if value is not None]


def _env_value(value: Any) -> Manifest:
    if isinstance(value, EnvSource):
        return {"valueFrom": value.value_from}
    if isinstance(value, Mapping):
        return dict(value)
    return {"value": _spelt(value)}


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def spelt_words(words: Sequence[Any]) -> list[str]:
    """Arguments that people wrote word for word, as text."""
    return [_spelt(word) for word in words]


def flag_words(flags: Mapping[str, Any]) -> list[str]:
    """Flags of a Go program as `--name=value`; null ones are left out."""
    return [f"--{name}={_spelt(value)}" for name, value in flags.items() if value is not None]


def numbered(name: str, count: int) -> list[str]:
    """`name`, `name-1`, …: as many as there are of one kind."""
    return [f"{name}-{number}" if number else name for number in range(count)]


def int_or_string(text: str | None) -> int | str | None:
    """An IntOrString field: "1" is a number, "25%" is not."""
    return int(text) if text is not None and text.isdigit() else text


def keyed(entries: Mapping[str, Any], key: str) -> list[Manifest]:
    """{name: {…}} as [{key: name, …}]. An entry may give the key itself, and "" for none."""
    return [_with_key(dict(entry or {}), key, name) for name, entry in entries.items()]


def _with_key(entry: Manifest, key: str, name: str) -> Manifest:
    value = entry.pop(key, name)
    return {key: value, **entry} if value else entry


def port_list(ports: Mapping[str, Any]) -> list[Manifest]:
    """ContainerPorts by name; one without a name stands under its number."""
    return [
        {"containerPort": int(name), "protocol": "TCP", **entry}
        if name.isdigit()
        else {"name": name, "protocol": "TCP", **entry}
        for name, entry in ports.items()
    ]


def resources(record: Resources | None, accelerators: Mapping[str, str] | None = None) -> Manifest:
    """ResourceRequirements; accelerators go into both, as extended resources must be equal. A
    number of them that is written wins."""
    own = record or Resources()
    extra = {
        name: own.limits.get(name) or own.requests.get(name) or count
        for name, count in (accelerators or {}).items()
    }
    return given(
        requests=dict(sorted({**own.requests, **extra}.items())),
        limits=dict(sorted({**own.limits, **extra}.items())),
        claims=keyed(own.claims, "name"),
    )


def container_fields(record: ContainerFields | None, *, bare: bool = False) -> Manifest:
    """The fields of a container that are not derived. The security context is complete, unless the
    container is to be `bare`: only what is written."""
    restricted = {} if bare else RESTRICTED_CONTAINER
    if record is None:
        return given(securityContext=over(restricted, None))
    fields = given(
        envFrom=list(record.env_from),
        lifecycle=record.lifecycle,
        imagePullPolicy=record.image_pull_policy,
        workingDir=record.working_dir,
        terminationMessagePath=record.termination_message_path,
        terminationMessagePolicy=record.termination_message_policy,
        stdin=record.stdin,
        tty=record.tty,
        ports=port_list(record.ports),
        volumeMounts=keyed(record.volume_mounts, "mountPath"),
        securityContext=over(restricted, record.security_context),
    )
    return over(fields, record.fields)


def extra_container(name: str, record: Container, *, bare: bool = False) -> Manifest:
    """A container beside the engine."""
    return {
        "name": name,
        "image": record.image,
        **given(
            command=list(record.command),
            args=list(record.args),
            env=env_list(record.env),
            resources=resources(record.resources),
            restartPolicy=record.restart_policy,
        ),
        **container_fields(record, bare=bare),
        **probes_of(record.probes, None, bare=bare),
    }


def probe(record: Probe | None, derived: Manifest | None, *, bare: bool = False) -> Manifest | None:
    """A probe: what is set, over what was derived. A handler replaces the derived one whole."""
    if record is None:
        return derived
    handlers = given(
        httpGet=record.http_get, exec=record.exec, tcpSocket=record.tcp_socket, grpc=record.grpc
    )
    base = dict(derived or {})
    below = base.get("httpGet")
    if handlers:
        base.pop("httpGet", None)
    if "httpGet" in handlers and not bare:
        handlers["httpGet"] = over({"scheme": "HTTP", **(below or {})}, handlers["httpGet"])
    timing = given(
        initialDelaySeconds=record.initial_delay_seconds,
        periodSeconds=record.period_seconds,
        timeoutSeconds=record.timeout_seconds,
        successThreshold=record.success_threshold,
        failureThreshold=record.failure_threshold,
        terminationGracePeriodSeconds=record.termination_grace_period_seconds,
    )
    made = {**base, **handlers, **timing}
    if not bare and made.get("initialDelaySeconds") == 0:
        # The API server keeps no zero: what was sent would always look changed.
        del made["initialDelaySeconds"]
    return made


def probes_of(
    record: Probes | None, derived: Mapping[str, Manifest] | None, *, bare: bool = False
) -> Manifest:
    """startupProbe, readinessProbe and livenessProbe."""
    own, derived = record or Probes(), derived or {}
    return given(
        startupProbe=probe(own.startup, derived.get("startup"), bare=bare),
        readinessProbe=probe(own.readiness, derived.get("readiness"), bare=bare),
        livenessProbe=probe(own.liveness, derived.get("liveness"), bare=bare),
    )


def pod_fields(record: Pod | None) -> Manifest:
    """The fields of a pod spec that are handed on as they are."""
    if record is None:
        return {}
    return given(
        priorityClassName=record.priority_class_name,
        schedulerName=record.scheduler_name,
        runtimeClassName=record.runtime_class_name,
        terminationGracePeriodSeconds=record.termination_grace_period_seconds,
        enableServiceLinks=record.enable_service_links,
        shareProcessNamespace=record.share_process_namespace,
        dnsPolicy=record.dns_policy,
        dnsConfig=record.dns_config,
        hostNetwork=record.host_network,
        hostIPC=record.host_ipc,
        hostPID=record.host_pid,
        hostAliases=list(record.host_aliases),
        nodeSelector=dict(record.node_selector),
        imagePullSecrets=keyed(record.image_pull_secrets, "name"),
    )


def pod_spec(
    record: Pod | None,
    *,
    account: str,
    uses_token: bool,
    grace_seconds: int,
    selector: Mapping[str, str],
    containers: list[Manifest],
    init_containers: Sequence[Manifest] = (),
    volumes: Sequence[Manifest] = (),
    tolerations: Mapping[str, Any] = EMPTY,
    affinity: Manifest | None = None,
    claims: Sequence[Manifest] = (),
    bare: bool = False,
) -> Manifest:
    """A PodSpec: what was derived, and over it what people set; only what they set if `bare`."""
    own = record or Pod()
    inits = [extra_container(n, each, bare=bare) for n, each in own.init_containers.items()]
    beside = [extra_container(n, each, bare=bare) for n, each in own.containers.items()]
    token, written = own.automount_service_account_token, keyed(own.volumes, "name")
    recommended = {
        "automountServiceAccountToken": uses_token or bool(token),
        "terminationGracePeriodSeconds": grace_seconds,
    }
    spec = {
        "serviceAccountName": own.service_account_name or account,
        **(given(automountServiceAccountToken=token) if bare else recommended),
        **given(securityContext=over({} if bare else RESTRICTED_POD, own.security_context)),
        **pod_fields(record),
        **given(
            affinity=over({}, own.affinity) if affinity is None else affinity,
            tolerations=keyed(over(tolerations, own.tolerations), "key"),
            topologySpreadConstraints=spread_constraints(record, selector, bare=bare),
            initContainers=[*init_containers, *inits],
        ),
        "containers": [*containers, *beside],
        **given(
            # What runs has the volumes people wrote before the derived ones.
            volumes=[*written, *volumes] if bare else [*volumes, *written],
            resourceClaims=list(claims),
        ),
    }
    return over(spec, own.fields)


def spread_constraints(
    record: Pod | None, selector: Mapping[str, str], *, bare: bool = False
) -> list[Manifest]:
    """topologySpreadConstraints; the selector and skew are derived unless given."""
    defaults: Manifest = {
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }
    entries = record.topology_spread_constraints if record else {}
    if bare:
        return keyed(entries, "topologyKey")
    return [over(defaults, constraint) for constraint in keyed(entries, "topologyKey")]
