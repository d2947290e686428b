"""What is judged of an edit: the models it reaches, and all where others may be concerned."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelmill.editing import outcome as room
from modelmill.editing.outcome import Outcome, outcome
from modelmill.editing.reached import reached
from modelmill.files import DiskFiles, EditedFiles
from modelmill.repository import index
from modelmill.sources import read_sources
from support import PROJECT, SIM, model, overlay, preset, write_files

SPEC = "roles: {decode: {replicas: 2}}"
PATCH = """
cluster: east
selector: {matchLabels: {stage: live}}
patches:
  policy:
    target: {kind: NetworkPolicy}
    operations: [{op: add, path: /metadata/labels/a, value: b}]
"""
TWICE = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: two-decode}}"
LABELS = ("metadata: {name:", "metadata: {labels: {stage: live}, name:")


def labelled(name: str, spec: str = SPEC, extends: str = "[sim]") -> str:
    return model(name, spec, extends).replace(*LABELS)


FILES = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "presets/wide.yaml": preset("wide", "sharedMemory: 1Gi"),
    "presets/unused.yaml": preset("unused", "sharedMemory: 2Gi"),
    "models/one.yaml": labelled("one", f"{SPEC}\nnetworkPolicy: {{}}\n"),
    "models/two.yaml": labelled("two", extends="[sim, wide]"),
    "models/three.yaml": labelled("three"),
    "models/broken.yaml": model("broken", f"{SPEC}\nengine: {{args: {{port: 1}}}}", "[sim]"),
    "overlays/live/environment.yaml": overlay("live", more=PATCH),
    "overlays/test/environment.yaml": overlay("test", more="cluster: east\n"),
}
EDITS = {
    "nothing others know": ("models/one.yaml", "replicas: 2", "replicas: 3"),
    "a comment": ("models/one.yaml", "spec:", "# why\nspec:"),
    "a value of another type": ("models/one.yaml", "replicas: 2", "replicas: many"),
    "what does not fit": ("models/one.yaml", SPEC, f"{SPEC}\n  engine: {{args: {{port: 1}}}}"),
    "a role less": ("models/one.yaml", "{decode: {replicas: 2}}", "{}"),
    "an object of another model": (
        "models/three.yaml",
        SPEC,
        f"{SPEC}\n  extraObjects: {{x: {TWICE}}}",
    ),
    "the only object of a patch": ("models/one.yaml", "networkPolicy: {}", "sharedMemory: 1Gi"),
    "another environment": ("models/two.yaml", "{stage: live}", "{}"),
    "a name of another": ("models/two.yaml", "name: two", "name: one"),
    "a new name": ("models/two.yaml", "name: two", "name: four"),
    "a preset": ("presets/wide.yaml", "sharedMemory: 1Gi", "sharedMemory: 3Gi"),
    "a preset of all": ("presets/sim.yaml", "v0.10.2", "v0.10.1"),
    "a preset that extends": ("presets/unused.yaml", "extends: []", "extends: [missing]"),
    "an environment": ("overlays/test/environment.yaml", "llm-test", "llm-live"),
}


def outcomes(root: Path, edit: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, Outcome]:
    """As it is judged, and as it would be if always everything were."""
    path, old, new = EDITS[edit]
    assert old in FILES[path]
    sources = read_sources(write_files(root, FILES))
    before, edited = index(sources), {path: FILES[path].replace(old, new, 1)}
    found = outcome(sources, before, edited)
    monkeypatch.setattr(room, "reached", lambda *_: None)
    return found, outcome(sources, before, edited)


@pytest.mark.parametrize("edit", EDITS)
def test_it_is_judged_as_if_everything_were(
    edit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, whole = outcomes(tmp_path, edit, monkeypatch)
    assert found.findings == whole.findings
    assert found.comparison == whole.comparison


@pytest.mark.parametrize(
    ("edit", "models"),
    [
        ("nothing others know", {"one"}),
        ("a preset", {"two"}),
        ("a preset that extends", None),
        ("another environment", None),
        ("a new name", None),
        ("an environment", None),
    ],
)
def test_only_what_the_edit_reaches_is_judged(
    edit: str, models: set[str] | None, tmp_path: Path
) -> None:
    path, old, new = EDITS[edit]
    root = write_files(tmp_path, FILES)
    edited = {path: FILES[path].replace(old, new, 1)}
    after = index(read_sources(root, files=EditedFiles(DiskFiles(root), edited)))
    assert reached(index(read_sources(root)), after, edited) == models


def test_what_reads_as_before_is_not_parsed_again(tmp_path: Path) -> None:
    root = write_files(tmp_path, FILES)
    before = read_sources(root)
    edited = {"models/one.yaml": FILES["models/one.yaml"] + "# more\n"}
    after = read_sources(root, files=EditedFiles(DiskFiles(root), edited), known=before)
    known = {each.path: each for each in before.documents if each.kind != "Overlay"}
    again = [each.path for each in after.documents if known.get(each.path) is each]
    assert again == [path for path in known if path != "models/one.yaml"]
    assert after.texts["models/one.yaml"] == edited["models/one.yaml"]
