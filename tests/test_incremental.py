"""What an earlier compile left behind changes how fast the next one is, and nothing else."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmill.cachefile import FOLDER
from modelmill.diagnostics import CompileError
from modelmill.incremental.build import Outcome, Request, build
from modelmill.quick import Asked, noted, up_to_date
from support import HEAD, PROJECT, SIM, model, overlay, preset, write_files

ROLE = "roles: {decode: {replicas: COUNT}}"
START = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "presets/more.yaml": preset("more", "{engine: {args: {max-num-seqs: 8}}}", "[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/test/environment.yaml": overlay(
        "test", "{engine: {args: {seed: 1}}}", more="selector: {matchLabels: {tier: low}}\n"
    ),
    **{f"models/{n}.yaml": model(n, ROLE.replace("COUNT", "1"), "[more]") for n in "abc"},
}
"""A repository of three models, one environment for all and one for some."""

Edit = Callable[[Path], None]


def put(path: str, text: str) -> Edit:
    """A file written in place."""

    def act(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return act


def replaced(path: str, text: str) -> Edit:
    """A file as editors save it: another one under its name."""

    def act(root: Path) -> None:
        beside = root / "beside"
        beside.write_text(text)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        beside.replace(root / path)

    return act


def gone(path: str) -> Edit:
    def act(root: Path) -> None:
        (root / path).unlink(missing_ok=True)

    return act


def without(folder: str) -> Edit:
    def act(root: Path) -> None:
        shutil.rmtree(root / folder, ignore_errors=True)

    return act


def labelled(name: str, tier: str) -> str:
    text = model(name, ROLE.replace("COUNT", "1"), "[more]")
    return text.replace(f"{{name: {name}}}", f"{{name: {name}, labels: {{tier: {tier}}}}}", 1)


def same_dates(path: str, text: str) -> Edit:
    """A file that is written in place and given its old date back."""

    def act(root: Path) -> None:
        if (root / path).is_file():
            old = (root / path).stat()
            (root / path).write_text(text)
            os.utime(root / path, ns=(old.st_atime_ns, old.st_mtime_ns))

    return act


EDITS: dict[str, Edit] = {
    **{
        f"scale {name} to {count}": put(
            f"models/{name}.yaml", model(name, ROLE.replace("COUNT", str(count)), "[more]")
        )
        for name in "ab"
        for count in (1, 2, 3)
    },
    "scale a with its old date": same_dates(
        "models/a.yaml", model("a", ROLE.replace("COUNT", "7"), "[more]")
    ),
    "save b": replaced("models/b.yaml", model("b", ROLE.replace("COUNT", "4"), "[more]")),
    "label a low": put("models/a.yaml", labelled("a", "low")),
    "label a high": put("models/a.yaml", labelled("a", "high")),
    "add d": put("models/team/d.yaml", model("d", ROLE.replace("COUNT", "1"), "[sim]")),
    "drop d": gone("models/team/d.yaml"),
    "drop c": gone("models/c.yaml"),
    "rename b to e": put("models/b.yaml", model("e", ROLE.replace("COUNT", "1"), "[more]")),
    "b is a": put("models/b.yaml", model("a", ROLE.replace("COUNT", "1"), "[more]")),
    "break a": put("models/a.yaml", HEAD + "Model\nmetadata: {name: a\n"),
    "a asks for prod": put(
        "models/a.yaml",
        model(
            "a", ROLE.replace("COUNT", "1"), "[more]", "{prod: {roles: {decode: {replicas: 5}}}}"
        ),
    ),
    "a asks for new": put(
        "models/a.yaml",
        model("a", ROLE.replace("COUNT", "1"), "[more]", "{new: {roles: {decode: {replicas: 5}}}}"),
    ),
    "a misspells a preset": put("models/a.yaml", model("a", ROLE, "[mroe]")),
    "a preset in models": put("models/p.yaml", preset("p", "{}")),
    "no preset in models": gone("models/p.yaml"),
    "preset seqs 16": put(
        "presets/more.yaml", preset("more", "{engine: {args: {max-num-seqs: 16}}}", "[sim]")
    ),
    "preset seqs 8": put("presets/more.yaml", START["presets/more.yaml"]),
    "preset broken": put("presets/more.yaml", HEAD + "Preset\n"),
    "preset elsewhere": put("presets/sub/other.yaml", preset("other", "{}")),
    "preset nowhere": gone("presets/sub/other.yaml"),
    "prod elsewhere": put(
        "overlays/prod/environment.yaml", overlay("prod").replace("llm-prod", "llm-live")
    ),
    "prod as it was": put("overlays/prod/environment.yaml", overlay("prod")),
    "prod takes low": put(
        "overlays/prod/environment.yaml",
        overlay("prod", more="selector: {matchLabels: {tier: low}}\n"),
    ),
    "new environment": put("overlays/new/environment.yaml", overlay("new")),
    "no new environment": without("overlays/new"),
    "test is patched": put(
        "overlays/test/environment.yaml",
        START["overlays/test/environment.yaml"]
        + "patches: {p: {target: {kind: Deployment}, path: p.yaml}}\n",
    ),
    "patch 1": put("overlays/test/p.yaml", "[{op: add, path: /spec/paused, value: true}]\n"),
    "patch 2": put("overlays/test/p.yaml", "[{op: add, path: /spec/paused, value: false}]\n"),
    "settings": put("modelmill.yaml", PROJECT.replace("v0.9", "v0.8")),
    "settings as they were": put("modelmill.yaml", PROJECT),
    "generated elsewhere": put("modelmill.yaml", PROJECT + "paths: {generated: made}\n"),
    "lock": put("modelmill.lock", HEAD + "Lock\nimages: {}\nmodels: {}\n"),
    "no lock": gone("modelmill.lock"),
    "output edited": put("generated/a/base/kustomization.yaml", "resources: []\n"),
    "output lost": gone("generated/b/base/kustomization.yaml"),
    "output foreign": put("generated/b/base/mine.yaml", "a: 1\n"),
    "output not foreign": gone("generated/b/base/mine.yaml"),
    "foreign unit": put("generated/mine/mine.yaml", "a: 1\n"),
    "outputs lost": without("generated"),
    "ledger edited": put("generated/a/modelmill.json", "{}\n"),
}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def compiled(root: Path, *, check: bool = False, jobs: int = 1) -> tuple[object, ...]:
    """What a compile found, said and left."""
    try:
        outcome: Outcome = build(Request(root, check=check, jobs=jobs))
    except CompileError as fault:  # something is in the way of writing
        return fault.diagnostics, 0, None, {}, tree(root)
    if outcome.note is not None:
        outcome.note({("text", False): ("", "")})
    quoted = {d.span.path for d in outcome.diagnostics if d.span is not None}
    texts = {path: outcome.texts[path] for path in quoted if path in outcome.texts}
    return outcome.diagnostics, outcome.units, outcome.written, texts, tree(root)


def tree(root: Path) -> Mapping[str, str]:
    return {
        each.relative_to(root).as_posix(): each.read_text()
        for each in sorted(root.rglob("*"))
        if each.is_file()
    }


def cold(root: Path, place: Path, *, check: bool = False) -> tuple[object, ...]:
    """The same of a copy that nothing is known of."""
    shutil.copytree(root, place)
    return compiled(place, check=check)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.booleans()), min_size=1, max_size=10))
def test_after_any_edits_a_compile_does_what_a_first_one_does(
    steps: list[tuple[str, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        write_files(root, START)
        compiled(root)
        for count, (name, check) in enumerate(steps):
            EDITS[name](root)
            wanted = cold(root, Path(folder) / f"cold-{count}", check=check)
            before = tree(root)
            # Quick may only say that nothing is to be done where nothing is.
            state = noted(str(root))
            asked = Asked(str(root), check, False, 1)
            quick = up_to_date(str(root), asked, state) if state is not None else None
            assert compiled(root, check=check) == wanted, name
            if quick is not None:
                assert tree(root) == before, name
                assert not any(d.severity == "error" for d in wanted[0]), name  # type: ignore[attr-defined]


def test_two_processes_make_the_same(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    write_files(root, START)
    for number in range(230):
        put(f"models/n{number}.yaml", model(f"n{number}", ROLE.replace("COUNT", "2"), "[more]"))(
            root
        )
    shutil.copytree(root, tmp_path / "other")
    one, two = compiled(root, jobs=1), compiled(tmp_path / "other", jobs=3)
    assert one == two


def test_the_limit_on_all_inputs_counts_what_was_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a first compile would, of the repository as it now is."""
    root = write_files(tmp_path / "repository", START)
    compiled(root)
    text = model("d", ROLE.replace("COUNT", "1"), "[sim]")
    for room in ("modelmill.sources", "modelmill.incremental.together"):
        size = sum(len(each) for each in START.values()) + len(text) - 1
        monkeypatch.setattr(f"{room}.MAX_TOTAL", size - len(PROJECT))
    put("models/d.yaml", text)(root)
    again = compiled(root)
    assert again == cold(root, tmp_path / "cold")
    assert "Y109" in str(again[0])
