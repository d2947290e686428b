"""A repository of many models, the same for the same seed: what the benchmarks compile.

In: a folder, a number of models and environments, a seed. Out: files in the folder. Presets are the
library's; models differ in engine flags, sizes, roles and what environments change.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1] / "presets"
HEAD = "apiVersion: modelmill.dev/v1alpha1\nkind: "


def write_fleet(root: Path, *, models: int, environments: int, seed: int = 1) -> None:
    """Write modelmill.yaml, presets/, overlays/ and models/ below `root`."""
    root.mkdir(parents=True)
    shutil.copytree(LIBRARY, root / "presets")
    _write(root / "modelmill.yaml", f"{HEAD}Project\nversions: {{set: llm-d-v0.9}}\n")
    names = [f"env-{index}" for index in range(environments)]
    for index, name in enumerate(names):
        spec = f"spec: {{engine: {{env: {{VLLM_LOGGING_LEVEL: {_LEVELS[index % 3]}}}}}}}\n"
        text = f"{HEAD}Overlay\nmetadata: {{name: {name}}}\nnamespace: llm-{name}\n{spec}"
        _write(root / "overlays" / name / "environment.yaml", text)
    chance = random.Random(seed)
    for index in range(models):
        _write(root / "models" / f"m{index:05}.yaml", _model(index, names, chance))


_LEVELS = ("DEBUG", "INFO", "WARNING")


def _model(index: int, environments: list[str], chance: random.Random) -> str:
    disaggregated = chance.random() < 0.5
    pattern = "prefill-decode" if disaggregated else "single-host"
    entry = "decode" if disaggregated else "server"
    tensor = chance.choice([1, 2, 4])
    lines = [
        f"{HEAD}Model",
        f"metadata: {{name: model-{index}, labels: {{team: team-{index % 20}}}}}",
        f"extends: [vllm, nvidia-h100, {pattern}]",
        "spec:",
        "  model:",
        f"    name: org/Model-{index}",
        f"    uri: hf://org/Model-{index}",
        f"    size: {chance.randint(10, 300)}Gi",
        "    auth: {secretName: hf-token}",
        "  engine:",
        "    args:",
        f"      max-model-len: {chance.randrange(1024, 131072, 1024)}",
        f"      block-size: {chance.choice([16, 32, 64])}",
        "      enable-prefix-caching: true",
        f"      gpu-memory-utilization: 0.{chance.randint(80, 95)}",
        "  resources:",
        f"    requests: {{cpu: {chance.choice([4, 8, 16])}, memory: 64Gi}}",
        "    limits: {memory: 128Gi}",
        "  roles:",
        f"    {entry}: {{replicas: {chance.randint(1, 8)}, parallelism: {{tensor: {tensor}}}}}",
    ]
    if disaggregated:
        lines.append(f"    prefill: {{replicas: {chance.randint(1, 8)}}}")
    lines.append(f"  routing: {{gateway: {{name: gateway-{index}}}}}")
    lines.append("environments:")
    for name in environments:
        lines.append(f"  {name}: {{roles: {{{entry}: {{replicas: {chance.randint(1, 32)}}}}}}}")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
