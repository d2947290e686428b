"""A repository of many models, the same for the same seed: what the benchmarks compile.

In: a folder, how many models and environments, a seed. Out: modelmill.yaml, presets/, overlays/ and
models/ in it, as a company might have them: the preset library, presets of its own that teams
share, environments that take most models, and models that mostly differ in sizes. Models are made
of the texts in models/ beside this file. One with the same number is the same in a fleet of any
size, and so is a preset, so that fleets can be compared.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from string import Template

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "presets"
HEAD = "apiVersion: modelmill.dev/v1alpha1\nkind: "
SHARED = "presets/company/platform.yaml"
"""The preset that every model has."""

PROPORTIONS = {
    "plain": 24,
    "chat": 6,
    "prefill-decode": 5,
    "lora": 4,
    "sglang": 4,
    "keda": 3,
    "cached": 2,
    "claim": 2,
    "image": 2,
    "pipeline": 2,
    "batch": 1,
    "expert-parallel": 1,
    "hpa": 1,
    "precise": 1,
    "simulator": 1,
    "tiered": 1,
}
"""How many of 60 models are of each kind."""

SCALED = {"keda", "hpa", "batch"}
APART = {"prefill-decode", "expert-parallel"}
"""With a role `decode`, where others have `server`."""
ACCELERATORS = {
    "nvidia-h100": (8, "65536"),
    "nvidia-a100-80gb": (5, "32768"),
    "nvidia-l40s": (4, "16384"),
    "nvidia-h200": (3, "131072"),
    "nvidia-l4": (3, "8192"),
}
"""How often each is asked for, and the longest context that models on it have."""
TIERS = {"standard": 9, "critical": 2, "trial": 1}
FAMILIES = ("Llama-3.3-70B", "Qwen3-32B", "Mistral-Small-24B", "Granite-8B", "Gemma-3-27B")
TEAMS = 40
DEPTHS = (2, 2, 2, 3, 3, 4, 5)
"""Presets of the company under a model, one above the other, as teams have them."""
STAGES = ("prod", "staging", "dev")


def write_fleet(
    root: Path, *, models: int, environments: int, seed: int = 1, depth: int | None = None
) -> None:
    """Write a repository to `root`, which is made. With a `depth`, of 2 or more, teams' presets
    have that."""
    root.mkdir(parents=True)
    shutil.copytree(LIBRARY, root / "presets")
    names = [_environment(index) for index in range(environments)]
    files = {
        "modelmill.yaml": PROJECT,
        SHARED: PLATFORM,
        **{f"overlays/{name}/environment.yaml": _overlay(name) for name in names},
        **_models(models, names, seed),
    }
    for team in range(TEAMS):
        files |= _team_presets(_team(team), depth, random.Random(f"{seed} team {team}"))
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def model_name(index: int) -> str:
    """The name of a model, and of its file."""
    return f"model-{index:05}"


PROJECT = f"""\
{HEAD}Project
metadata: {{name: fleet}}
versions: {{set: llm-d-v0.9}}
delivery:
  git: {{url: https://git.example.com/acme/fleet.git}}
  argoCD: {{}}
"""

PLATFORM = f"""\
# What the platform team wants of every model.
{HEAD}Preset
metadata: {{name: platform}}
spec:
  metadata:
    labels: {{cost-center: "1000"}}
    annotations: {{acme.example.com/owner: platform}}
  engine: {{env: {{HF_HUB_DISABLE_TELEMETRY: "1"}}}}
  pod:
    annotations:
      acme.example.com/runbook: https://runbooks.example.com/inference
"""


def _team(index: int) -> str:
    return f"team-{index:02}"


def _team_presets(team: str, depth: int | None, chance: random.Random) -> dict[str, str]:
    """A chain of presets, from the one that models name down to the platform's."""
    levels = (depth or chance.choice(DEPTHS)) - 1
    chain = [team, *(f"{team}-level-{level}" for level in range(levels, 1, -1)), "platform"]
    return {
        f"presets/company/{name}.yaml": _team_preset(name, parent, chance)
        for name, parent in pairwise(chain)
    }


def _team_preset(name: str, parent: str, chance: random.Random) -> str:
    return f"""\
{HEAD}Preset
metadata: {{name: {name}}}
extends: [{parent}]
spec:
  metadata:
    labels: {{cost-center: "{chance.randrange(1000, 9999)}"}}
    annotations: {{acme.example.com/owner: {name}}}
  engine: {{env: {{ACME_{name.upper().replace("-", "_")}: "{chance.randrange(100)}"}}}}
  pod:
    annotations: {{acme.example.com/{name}: "{chance.randrange(100)}"}}
    terminationGracePeriodSeconds: {chance.choice([130, 180, 300])}
"""


def _environment(index: int) -> str:
    """Each stage once, and then once more for every further region."""
    region, stage = divmod(index, len(STAGES))
    return STAGES[stage] + (f"-{region + 1}" if region else "")


def _overlay(name: str) -> str:
    stage, _, region = name.partition("-")
    return f"""\
{HEAD}Overlay
metadata: {{name: {name}}}
cluster: gpu-{name}
namespace: llm-{name}
podSecurity: restricted
{_STAGE_TEXTS[stage].format(region=region or 1)}"""


_STAGE_TEXTS = {
    "prod": """\
registries: {{docker.io: mirror-{region}.example.com/docker.io}}
externalSecrets:
  hf-token: {{store: platform, data: {{HF_TOKEN: {{key: huggingface, property: token}}}}}}
selector: {{matchExpressions: [{{key: tier, operator: In, values: [critical, standard]}}]}}
extends: [monitoring, alerts, hardening]
spec:
  prometheus: {{serverAddress: "http://prometheus-operated.monitoring.svc:9090"}}
  routing: {{gateway: {{namespace: gateway-system}}}}
patches:
  series-by-team:
    target: {{kind: PodMonitor}}
    operations:
      - {{op: add, path: /spec/podTargetLabels, value: [team, tier, llm-d.ai/model]}}
""",
    "staging": """\
registries: {{docker.io: mirror-{region}.example.com/docker.io}}
extends: [monitoring]
spec:
  prometheus: {{serverAddress: "http://prometheus-operated.monitoring.svc:9090"}}
  routing: {{gateway: {{namespace: gateway-system}}}}
""",
    "dev": """\
spec:
  engine: {{env: {{ACME_STAGE: dev-{region}}}}}
  prometheus: {{serverAddress: "http://prometheus.monitoring.svc:9090"}}
""",
}


def _models(count: int, environments: list[str], seed: int) -> dict[str, str]:
    texts = {kind: (HERE / "models" / f"{kind}.yaml").read_text() for kind in PROPORTIONS}
    files = {}
    for index, kind in zip(range(count), _kinds(seed), strict=False):
        values = _values(index, random.Random(f"{seed} model {index}"))
        text = Template(texts[kind]).substitute(values)
        chance = random.Random(f"{seed} environments {index}")
        if entries := "".join(_entries(kind, values["tier"], environments, chance)):
            text += f"environments:\n{entries}"
        files[f"models/{values['name']}.yaml"] = text
    return files


def _kinds(seed: int) -> Iterator[str]:
    """What each model is: plain the first one, which single edits are measured on."""
    chance = random.Random(f"{seed} kinds")
    deck = [kind for kind, share in PROPORTIONS.items() for _ in range(share)]
    yield deck.pop(0)
    while True:
        yield from chance.sample(deck, len(deck))
        deck = [kind for kind, share in PROPORTIONS.items() for _ in range(share)]


def _values(index: int, chance: random.Random) -> Mapping[str, str]:
    accelerator = _weighted({name: share for name, (share, _) in ACCELERATORS.items()}, chance)
    memory = chance.choice([32, 48, 64, 96])
    return {
        "name": model_name(index),
        "model": f"acme/{chance.choice(FAMILIES)}-{index:05}",
        "team": _team(chance.randrange(TEAMS)),
        "tier": _weighted(TIERS, chance),
        "revision": f"{chance.getrandbits(160):040x}",
        "size": f"{chance.randrange(20, 200, 5)}Gi",
        "accelerator": accelerator,
        "length": chance.choice(["4096", "8192", ACCELERATORS[accelerator][1]]),
        "share": f"0.{chance.randint(85, 95)}",
        "seats": str(chance.choice([64, 128, 256])),
        "cpu": str(chance.choice([4, 8, 16])),
        "memory": f"{memory}Gi",
        "limit": f"{memory * 2}Gi",
        "replicas": str(chance.randint(1, 4)),
        "prefill": str(chance.randint(1, 4)),
        "tensor": str(chance.choice([1, 1, 1, 2, 2, 4])),
        "most": str(chance.randint(4, 16)),
        "target": str(chance.choice([8, 16, 32])),
    }


def _weighted(shares: Mapping[str, int], chance: random.Random) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def _entries(kind: str, tier: str, environments: list[str], chance: random.Random) -> Iterator[str]:
    """What a model says of some environments: most want other replicas in production."""
    for name in environments:
        stage = name.partition("-")[0]
        taken = stage != "prod" or tier != "trial"
        if taken and chance.random() < _HOW_OFTEN[stage]:
            yield f"  {name}: {{{', '.join(_entry(kind, stage, chance))}}}\n"


_HOW_OFTEN = {"prod": 0.7, "staging": 0.2, "dev": 0.15}


def _entry(kind: str, stage: str, chance: random.Random) -> Iterator[str]:
    replicas = chance.randint(4, 32) if stage == "prod" else chance.randint(1, 2)
    if kind in SCALED:
        yield f"autoscaling: {{maxReplicas: {replicas + 4}}}"
    else:
        yield f"roles: {{{'decode' if kind in APART else 'server'}: {{replicas: {replicas}}}}}"
    if chance.random() < 0.2:
        yield f"resources: {{requests: {{cpu: {chance.choice([2, 6, 12])}}}}}"
    settings = []
    if kind in ("plain", "keda", "cached") and chance.random() < 0.2:
        settings.append(f"args: {{max-num-seqs: {chance.choice([32, 64, 512])}}}")
    if chance.random() < 0.1:
        settings.append(f"env: {{ACME_FEATURES: {chance.choice(['beta', 'trace'])}}}")
    if settings:
        yield f"engine: {{{', '.join(settings)}}}"
