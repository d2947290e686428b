"""The container that runs the engine, and how many accelerators it is told to use.

In: a pod's containers as dictionaries. Out: its index, its kind, the counts in its words and
resources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelmill.importers.modelservice_operator.words import value_of

ACCELERATORS = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "google.com/tpu",
    "habana.ai/gaudi",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
)
VISIBLE = "CUDA_VISIBLE_DEVICES"
FLAGS: Mapping[str, tuple[str, ...]] = {
    "vllm": ("--tensor-parallel-size", "-tp"),
    "sglang": ("--tensor-parallel-size", "--tp-size", "--tp"),
}
"""The flag for tensor parallelism, as each engine's own command line spells it."""


def engine_index(containers: Sequence[Mapping[str, Any]]) -> int | None:
    """Which container is the engine: the one with accelerators, one that names an engine, or the
    only one."""
    for tells in (accelerator, engine_kind):
        for at, container in enumerate(containers):
            if tells(container):
                return at
    return 0 if len(containers) == 1 else None


def engine_kind(container: Mapping[str, Any]) -> str | None:
    """sglang or vllm, where the container names one."""
    words = [*container.get("command", ()), *container.get("args", ())]
    text = " ".join(map(str, (container.get("name"), container.get("image"), *words)))
    return next((kind for kind in ("sglang", "vllm") if kind in text), None)


def accelerator(container: Mapping[str, Any]) -> str | None:
    """The resource its accelerators are asked for by."""
    resources = container.get("resources", {})
    asked = {**resources.get("requests", {}), **resources.get("limits", {})}
    return next((name for name in ACCELERATORS if name in asked), None)


def accelerators(container: Mapping[str, Any]) -> int | None:
    """How many accelerators it gets, None where it asks for none."""
    name = accelerator(container)
    resources = container.get("resources", {})
    given = resources.get("limits", {}).get(name, resources.get("requests", {}).get(name))
    return int(given) if isinstance(given, str) and given.isdecimal() else None


def tensor_in_words(container: Mapping[str, Any]) -> int | None:
    """The tensor parallel size its words say."""
    words = [*container.get("command", ()), *container.get("args", ())]
    flags = FLAGS.get(engine_kind(container) or "", ())
    said = value_of([str(word) for word in words], *flags)
    return int(said) if said and said.isdecimal() else None


def runs_script(container: Mapping[str, Any]) -> bool:
    """Whether a shell reads its words, so that none can be added."""
    command = [str(word) for word in container.get("command", ())]
    return "-c" in command or (bool(command) and command[0].endswith("sh"))
