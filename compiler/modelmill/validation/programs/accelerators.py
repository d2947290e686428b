"""V253–V256: accelerators asked for, and what engines are told to use.

In: a pod. Out: faults.

Source: kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus (a request of an extended resource is
its limit); vLLM's and SGLang's parallelism (tensor × pipeline × data ranks of one pod).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelmill.resource import Resource
from modelmill.validation.faults import Fault, Path, at, mapping
from modelmill.validation.programs.command_lines import (
    CommandLine,
    command_line,
    image_name,
    programs,
)
from modelmill.validation.references.objects import Pods

TENSOR = ("tensor-parallel-size", "tp", "tp-size")
PIPELINE = ("pipeline-parallel-size", "pp", "pp-size")
DATA = ("data-parallel-size", "dp", "dp-size")
LOCAL = ("data-parallel-size-local", "dpl")
SIZES = (TENSOR, PIPELINE, DATA, LOCAL)
SPREAD = (
    "data-parallel-address", "data-parallel-external-lb", "data-parallel-hybrid-lb",
    "data-parallel-rank", "data-parallel-start-rank", "dpa", "dpr", "nnodes", "node-rank",
    "dist-init-addr", "enable-dp-attention",
)  # fmt: skip
"""Flags with which not all ranks are of one pod, or ranks share an accelerator."""
VISIBLE = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
ACCELERATORS = ("/gpu", "habana.ai/", "gpu.intel.com/", "google.com/tpu", "rebellions.ai/", "/mig-")
OWN = frozenset({"cpu", "memory", "ephemeral-storage"})


def is_extended(name: str) -> bool:
    """Whether a resource is handed out whole, as accelerators are."""
    return name not in OWN and "/" in name and not name.startswith(("hugepages-", "kubernetes.io/"))


def faults(pods: Pods) -> Iterator[Fault]:
    engines = 0
    for path, container in pods.containers():
        yield from _unequal(container, path)
        yield from _of_another_vendor(container, path)
        line = command_line(container)
        held = accelerators(container)
        if line is not None and line.program in ("vllm", "sglang"):
            engines += 1
            if held is not None:
                yield from _too_few(pods.owner, container, line, held, path)
    if engines:
        yield from _beside(pods)


def accelerators(container: Mapping[str, Any]) -> int | None:
    """How many accelerators a container has by its limits; None where it asks for none so."""
    for part in ("limits", "requests"):
        for name, amount in mapping(at(container, "resources", part)).items():
            if any(each in name for each in ACCELERATORS) and str(amount).isdigit():
                return int(str(amount))
    return None


def _unequal(container: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    resources = mapping(container.get("resources"))
    requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
    for name in sorted({*requests, *limits}):
        asked, limit = requests.get(name), limits.get(name)
        if not is_extended(name) or asked is None or str(asked) == str(limit):
            continue
        message = f"{asked} of {name} are asked for, and the limit is {limit or 'not set'}"
        hint = "give both one number: accelerators are handed out whole"
        yield Fault("V253", (*path, "resources", "requests", name), message, hint)


def _too_few(
    owner: Resource, container: Mapping[str, Any], line: CommandLine, held: int, path: Path
) -> Iterator[Fault]:
    if line.has("config") or any(_is_computed(line, each) for each in SIZES):
        return
    wanted, said = _wanted(line)
    pods = _pods_of_group(owner)
    flag = next((f for f in line.flags() if f.name.replace("_", "-") in TENSOR), None)
    place = (*path, *flag.path) if flag is not None else (*path, "args")
    if wanted > held * pods:
        of = f"{pods} pods with {held} each" if pods > 1 else f"{held}"
        message = f"{line.program} is told {said}, which needs {wanted} accelerators, and has {of}"
        yield Fault("V254", place, message, "ask for as many in `resources`, or split less")
    elif 0 < wanted < held and pods == 1 and not line.has(*SPREAD):
        message = f"{line.program} uses {wanted} of the {held} accelerators it asks for"
        hint = "ask for as many as it uses, or split over all of them"
        yield Fault("V254", place, message, hint, "warning")
    yield from _visible(container, wanted, pods, path)


def _is_computed(line: CommandLine, names: tuple[str, ...]) -> bool:
    """Whether a size is there, and no number: a shell puts it in."""
    return line.has(*names) and line.number(*names) is None


def _wanted(line: CommandLine) -> tuple[int, str]:
    """Accelerators that the ranks of one group need, and the flags that say so."""
    parts = {
        "tensor parallelism": line.number(*TENSOR) or 1,
        "pipeline parallelism": line.number(*PIPELINE) or 1,
    }
    ranks = line.number(*LOCAL)
    if ranks is None and not line.has(*SPREAD):
        ranks = line.number(*DATA)
    parts["data parallelism"] = ranks or 1
    said = [f"{name} {size}" for name, size in parts.items() if size > 1]
    product = 1
    for size in parts.values():
        product *= size
    return product, ", ".join(said) or "no parallelism"


def _visible(container: Mapping[str, Any], wanted: int, pods: int, path: Path) -> Iterator[Fault]:
    given = container.get("env")
    for place, variable in enumerate(given if isinstance(given, list) else []):
        named = mapping(variable)
        value = named.get("value")
        if named.get("name") not in VISIBLE or not isinstance(value, str):
            continue
        devices = [each for each in value.split(",") if each.strip().isdigit()]
        if devices and len(devices) * pods < wanted:
            message = f"`{named['name']}` shows {len(devices)} of the {wanted} accelerators needed"
            hint = "take it out: a container sees what it was given"
            yield Fault("V254", (*path, "env", place, "value"), message, hint)


def _pods_of_group(owner: Resource) -> int:
    size = at(owner.body, "spec", "leaderWorkerTemplate", "size")
    return size if isinstance(size, int) and owner.kind == "LeaderWorkerSet" else 1


def _beside(pods: Pods) -> Iterator[Fault]:
    """Containers that hold accelerators beside the engine's: the pod needs them all at once."""
    holders = [
        (path, container, command_line(container))
        for path, container in pods.containers()
        if accelerators(container)
    ]
    for path, container, line in holders:
        is_engine = line is not None and line.program in ("vllm", "sglang")
        if len(holders) > 1 and not is_engine and path[-2] == "containers":
            message = f"`{container.get('name')}` asks for accelerators beside the engine"
            hint = "take them out of its `resources`: the pod needs those of all its containers"
            yield Fault("V255", (*path, "resources"), message, hint, "warning")


def _of_another_vendor(container: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """An image made for one vendor's accelerators, given another's."""
    image = str(container.get("image") or "")
    words = {word for part in image.split("/") for word in part.replace(":", "-").split("-")}
    vendors: Mapping[str, list[str]] = programs()["vendors"]
    made_for = [prefix for word in sorted(words & vendors.keys()) for prefix in vendors[word]]
    for name in mapping(at(container, "resources", "limits")):
        others = [p for each in vendors.values() for p in each if name.startswith(p)]
        if made_for and others and not set(others) & set(made_for):
            message = f"the image `{image_name(image)}` is made for {made_for[0]}…, not for {name}"
            place = (*path, "resources", "limits", name)
            yield Fault(
                "V256", place, message, "take the image for these accelerators", "warning", True
            )
