"""Typed pod and container fields as the Kubernetes API spells them.

What people merge is a mapping in the input; here it becomes the list Kubernetes wants. Pure, and
decides no value of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from modelmill.record import EMPTY
from modelmill.spec.pod import Container, ContainerFields, EnvSource, Probe, Probes, Resources

Manifest = dict[str, Any]

MAPPINGS = (dict, MappingProxyType)
NO_PROBES, NO_RESOURCES = Probes(), Resources()
KEPT = 256
"""Records whose fields are kept as they are spelt: most models have them of the same presets."""

RESTRICTED_CONTAINER: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""What the restricted Pod Security Standard asks for, beside a non-root user."""


def over(base: Mapping[str, Any], extra: Mapping[str, Any] | None) -> Manifest:
    """`extra` laid over `base` by key; lists and scalars replace."""
    result = dict(base)
    for key, value in (extra or EMPTY).items():
        below = result.get(key)
        both = isinstance(below, MAPPINGS) and isinstance(value, MAPPINGS)
        result[key] = over(below, value) if both else value  # type: ignore[arg-type]
    return result


def given(**fields: Any) -> Manifest:
    """The fields that say something: None and empty collections are left out."""
    return {k: v for k, v in fields.items() if v or (v is not None and v != [] and v != {})}


def env_list(env: Mapping[str, Any]) -> list[Manifest]:
    """Environment by name as EnvVar items. Values are text: a number or boolean is spelt out."""
    return env_listed(env_items(env))


def env_items(env: Mapping[str, Any]) -> dict[str, Manifest | None]:
    """The same by name, to be laid over others; None for what is not to be there."""
    return {name: _env_item(name, value) for name, value in env.items()}


def env_listed(items: Mapping[str, Manifest | None]) -> list[Manifest]:
    return [item for item in items.values() if item is not None]


def _env_item(name: str, value: Any) -> Manifest | None:
    if value is None:
        return None
    if isinstance(value, EnvSource):
        return {"name": name, "valueFrom": value.value_from}
    if isinstance(value, MAPPINGS):
        return {"name": name, **value}
    return _env_text(name, _spelt(value))


@lru_cache(maxsize=4096)  # what is one object is compared once, in all environments
def _env_text(name: str, value: str) -> Manifest:
    return {"name": name, "value": value}


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
    own = record or NO_RESOURCES
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
    return _container_fields(record, bare).copy()


@lru_cache(maxsize=KEPT)
def _container_fields(record: ContainerFields | None, bare: bool) -> Manifest:
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
    own, derived = record or NO_PROBES, derived or {}
    return given(
        startupProbe=probe(own.startup, derived.get("startup"), bare=bare),
        readinessProbe=probe(own.readiness, derived.get("readiness"), bare=bare),
        livenessProbe=probe(own.liveness, derived.get("liveness"), bare=bare),
    )
