"""The containers of a role's pod, engine first or not, as the values list them.

In: a release, a role and one container's values. Out: the container (_helpers.tpl container,
command).
"""

from __future__ import annotations

from typing import Any

from modelmill.gotypes.scalars import written
from modelmill.importers.modelservice_chart import accelerator, tracing, weights
from modelmill.importers.modelservice_chart.combining import combined
from modelmill.importers.modelservice_chart.facts import Container, ModelCommand, Role
from modelmill.importers.modelservice_chart.parallelism import Sizes, sizes
from modelmill.importers.modelservice_chart.release import Release, is_former
from modelmill.importers.modelservice_chart.sidecar import has_sidecar, service_port, target_port

PASSED = ("livenessProbe", "readinessProbe", "startupProbe")
LAST = ("workingDir", "stdin", "tty")


def container(release: Release, role: Role, given: dict[str, Any]) -> dict[str, Any]:
    """A container as it runs."""
    return combined(bare(release, role, given), given.get("extraConfig") or {})


def bare(release: Release, role: Role, given: dict[str, Any]) -> dict[str, Any]:
    """A container without its `extraConfig`."""
    found: dict[str, Any] = {"name": given.get("name") or "vllm", "image": given.get("image")}
    for key in ("securityContext", "imagePullPolicy"):
        if given.get(key):
            found[key] = given[key]
    found.update(command(release, role, given))
    found["env"] = environment(release, role, given)
    for key in ("ports", *PASSED):
        if given.get(key):
            found[key] = given[key]
    filled = accelerator.resources(release, role, given)
    if filled:
        found["resources"] = filled
    volume_mounts = _volume_mounts(release, given)
    if volume_mounts:
        found["volumeMounts"] = volume_mounts
    for key in LAST:
        if given.get(key):
            found[key] = given[key]
    return found


def model_command(given: dict[str, Any]) -> ModelCommand:
    found: ModelCommand = given.get("modelCommand") or "custom"
    return found


def engine_port(release: Release, role: Role) -> int:
    """The port the chart makes an engine listen on."""
    alone = role == "prefill" or not has_sidecar(release)
    return service_port(release) if alone else target_port(release)


def command(release: Release, role: Role, given: dict[str, Any]) -> dict[str, Any]:
    """`command` and `args`."""
    words = list(given.get("args") or [])
    if model_command(given) == "custom":
        found = {"command": given.get("command") or [], "args": words}
        return {key: value for key, value in found.items() if value}
    args = [*_model_words(release, given), "--port", str(engine_port(release, role))]
    args += _size_words(sizes(release, role), former=is_former(release))
    args += ["--served-model-name", written(release.get("modelArtifacts", "name"))]
    args += tracing.arguments(release)
    args += weights.load_format(release, given)
    args += words
    if model_command(given) == "vllmServe":
        return {"command": ["vllm", "serve"], "args": args}
    return {"args": args}


def _model_words(release: Release, given: dict[str, Any]) -> list[str]:
    model = weights.argument(release)
    if model is None:
        return []
    return [model] if model_command(given) == "vllmServe" else ["--model", model]


def _size_words(found: Sizes, *, former: bool) -> list[str]:
    flags = [("--tensor-parallel-size", found.tensor)]
    if not former:
        flags += [
            ("--data-parallel-size", found.data),
            ("--data-parallel-size-local", found.data_local),
        ]
    return [word for flag, size in flags if size > 1 for word in (flag, str(size))]


def environment(release: Release, role: Role, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The user's entries, one a name and the last one of it, then the chart's others."""
    found: dict[str, dict[str, Any]] = {}
    for entry in given.get("env") or []:
        found[entry.get("name")] = entry
    for entry in chart_environment(release, role, given):
        found.setdefault(entry["name"], entry)
    return list(found.values())


def chart_environment(release: Release, role: Role, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries the chart adds, in its order."""
    size = sizes(release, role)
    found = [{"name": "DP_SIZE", "value": str(size.data)}]
    found.append({"name": "TP_SIZE", "value": str(size.tensor)})
    if not is_former(release):
        found.append({"name": "DP_SIZE_LOCAL", "value": str(size.data_local)})
    return [
        *found,
        *weights.environment(release, given),
        *accelerator.environment(release, role),
        *tracing.environment(release, role),
    ]


def _volume_mounts(release: Release, given: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(given.get("volumeMounts") or [])
    if weights.mounts(release, given):
        own = weights.mount(release)
        if all(each.get("mountPath") != own["mountPath"] for each in found):
            found.append(own)
    return found


def facts(release: Release, role: Role) -> tuple[Container, ...]:
    """What is known of the role's containers, in the values' order."""
    return tuple(
        Container(
            name=str(given.get("name") or "vllm"),
            path=(role, "containers", at),
            model_command=model_command(given),
            model=None if model_command(given) == "custom" else weights.argument(release),
            mounts_model=weights.mounts(release, given),
            chart_env=_added(release, role, given),
        )
        for at, given in enumerate(release.get(role, "containers") or [])
    )


def _added(release: Release, role: Role, given: dict[str, Any]) -> tuple[str, ...]:
    own = {each["name"] for each in given.get("env") or []}
    chart = chart_environment(release, role, given)
    return tuple(each["name"] for each in chart if each["name"] not in own)


def engine_index(release: Release, role: Role) -> int:
    """The container that serves: the first whose command the chart makes, else the first."""
    given = release.get(role, "containers") or []
    made = (at for at, each in enumerate(given) if model_command(each) != "custom")
    return next(made, 0)
