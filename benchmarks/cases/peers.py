"""The same models by what one would use instead: `helm template` of a chart, `kubectl kustomize`.

In: the compiled fleet. A release of the chart beside this module stands for a model in an
environment; it renders objects as they are common in the fleet. `kustomize` builds the overlays
that were generated, which is what it would do with overlays kept by hand.
"""

from __future__ import annotations

import random
import shlex
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.fleet import HERE, model_name
from benchmarks.results import Row, Section, Target, against, seconds, unmeasured
from benchmarks.setting import Setting, cleared
from benchmarks.timing import Step, Timings, in_turn, said

CHART = HERE / "chart"
COMPILE, HELM, KUSTOMIZE = "compile", "helm template", "kubectl kustomize"
ONE, UMBRELLA = "compile, one environment", "helm template, subcharts"
FASTER = Target(100, at_least=True)
THROWN_AWAY = " >/dev/null"
INSTALL = {HELM: "no helm: `make bench-tools`", KUSTOMIZE: "no kubectl"}


def measured(setting: Setting) -> Section:
    root = setting.compiled(setting.sizes.fleet)
    overlays = sorted((root / "generated").glob("*/overlays/*"))
    loops = _loops(setting, overlays)
    drawn = random.Random(1).sample(range(len(overlays)), min(setting.sizes.sample, len(overlays)))
    steps = {name: _loop(setting, name, [lines[i] for i in drawn]) for name, lines in loops.items()}
    steps[COMPILE] = Step(setting.modelmill("compile"), root, partial(cleared, root))
    timings = in_turn(setting.rounds, steps)
    rows = []
    for name in INSTALL:
        if name not in loops:
            rows.append(unmeasured(f"a loop of `{name}`", INSTALL[name]))
            continue
        rows.append(_estimate(timings, name, len(overlays), len(drawn)))
        if setting.whole_loops:
            rows.append(_whole(setting, timings, name, loops[name]))
    rows.append(_subcharts(setting))
    return Section(
        "Beside Helm and kustomize",
        f"{len(overlays):,} releases, or overlays: a process for each, one after the other, their "
        f"output thrown away; and a cold compile of all of them, all cores. A round runs "
        f"{len(drawn)} of each loop, drawn at random, and counts them "
        f"{len(overlays) / len(drawn):.0f} times."
        + (" Whole loops were run once." if setting.whole_loops else "")
        + _sizes(setting, root / "generated" / model_name(0) / "overlays" / "prod"),
        rows,
    )


def _loops(setting: Setting, overlays: Sequence[Path]) -> dict[str, list[str]]:
    """A shell command for each model and environment, by the name of the loop."""
    loops = {}
    if setting.helm:
        folder = setting.ram / "values"
        folder.mkdir(exist_ok=True)
        loops[HELM] = [_template(setting.helm, folder, overlay) for overlay in overlays]
    if setting.kubectl:
        loops[KUSTOMIZE] = [_line(setting.kubectl, "kustomize", overlay) for overlay in overlays]
    return loops


def _template(helm: Path, folder: Path, overlay: Path) -> str:
    model, environment = overlay.parts[-3], overlay.name
    values = folder / f"{model}-{environment}.yaml"
    values.write_text(_values(model, environment))
    where = ("--namespace", f"llm-{environment}", "--values", values)
    return _line(helm, "template", model, CHART, *where)


def _values(model: str, environment: str) -> str:
    chance = random.Random(f"{model} {environment}")
    lines = [
        f"name: {model}",
        f"team: team-{chance.randrange(40):02}",
        f"model: {{name: acme/{model}, uri: hf://acme/{model}}}",
        f"server: {{replicas: {chance.randint(1, 32)}, gpus: {chance.choice([1, 2, 4])}}}",
        f"monitoring: {{enabled: {str(environment != 'dev').lower()}}}",
        f"alerts: {{enabled: {str(environment == 'prod').lower()}}}",
    ]
    if random.Random(model).random() < 0.1:
        lines.append(f"prefill: {{replicas: {chance.randint(1, 8)}}}")
    return "\n".join(lines) + "\n"


def _line(*argv: str | Path) -> str:
    return shlex.join(map(str, argv)) + THROWN_AWAY


def _loop(setting: Setting, name: str, lines: Sequence[str]) -> Step:
    script = setting.ram / f"{name.replace(' ', '-')}-{len(lines)}.sh"
    script.write_text("\n".join(("set -e", *lines)) + "\n")
    return Step(["sh", script], setting.ram)


def _estimate(timings: Timings, name: str, count: int, drawn: int) -> Row:
    whole = [value * count / drawn for value in timings[name]]
    ratios = [a / b for a, b in zip(whole, timings[COMPILE], strict=True)]
    beside = f"cold compile, {seconds(timings[COMPILE])}"
    return Row(f"a loop of `{name}`", seconds(whole), beside, ratios, FASTER)


def _whole(setting: Setting, timings: Timings, name: str, lines: Sequence[str]) -> Row:
    (whole,) = in_turn(1, {f"{name}, all": _loop(setting, name, lines)}).values()
    beside = f"the median compile, {seconds(timings[COMPILE])}"
    ratios = [whole[0] / median(timings[COMPILE])]
    return Row(f"a loop of `{name}`, run as a whole", seconds(whole), beside, ratios, FASTER)


def _subcharts(setting: Setting) -> Row:
    """One release that has many models as subcharts, beside a compile of as many."""
    count = setting.sizes.subcharts
    what = f"one `helm template` of {count} subcharts"
    if not setting.helm:
        return unmeasured(what, INSTALL[HELM])
    umbrella = setting.ram / "umbrella"
    _umbrella(umbrella, count)
    root = setting.fleet(count, environments=1)
    timings = in_turn(
        setting.rounds,
        {
            UMBRELLA: Step([setting.helm, "template", "all", umbrella], setting.ram),
            ONE: Step(setting.modelmill("compile"), root, partial(cleared, root)),
        },
    )
    label = f"cold compile of {count} models × 1 environment"
    return against(what, timings, UMBRELLA, ONE, label=label)


def _umbrella(folder: Path, count: int) -> None:
    folder.mkdir()
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: umbrella\nversion: 1.0.0\n")
    values = []
    for index in range(count):
        name = f"model-{index:03}"
        shutil.copytree(CHART, folder / "charts" / name)
        chart = folder / "charts" / name / "Chart.yaml"
        chart.write_text(chart.read_text().replace("name: model\n", f"name: {name}\n"))
        indented = "".join(f"  {line}\n" for line in _values(name, "prod").splitlines())
        values.append(f"{name}:\n{indented}")
    (folder / "values.yaml").write_text("".join(values))


def _sizes(setting: Setting, overlay: Path) -> str:
    """What one of each prints, so that a reader sees how comparable they are."""
    printed = []
    for name, lines in _loops(setting, [overlay]).items():
        text = said(["sh", "-c", lines[0].removesuffix(THROWN_AWAY)], setting.ram)
        objects = sum(line.startswith("kind: ") for line in text.splitlines())
        printed.append(f"`{name}` {objects} objects, {len(text) / 1000:.0f} kB")
    return f" For {overlay.parts[-3]} in production it prints: {'; '.join(printed)}."
