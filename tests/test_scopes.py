"""Commands about one model parse no other model's file, and say what they would if they did."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs import git
from modelmill import sources
from modelmill.catalog import Document
from modelmill.compilation import compile_repository
from modelmill.diagnostics import CompileError, Diagnostic
from modelmill.explain import Origin, Trace
from modelmill.files import MAX_BYTES, SMALL, DiskFiles, EditedFiles, contents
from modelmill.pipeline import rendered, variant_of
from modelmill.repository import Repository, index
from modelmill.resolve import Resolver, environments_of
from modelmill.scopes import Scope
from modelmill.sources import Sources, read_sources
from modelmill.tree import Node
from support import HEAD, PROJECT, SIM, model, overlay, preset, run, write_files

NOWHERE = Path("/nowhere/at/all")
SPEC = "roles: {decode: {replicas: 2}}"
MANY = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "overlays/prod/environment.yaml": overlay("prod"),
    **{f"models/m{n:03}.yaml": model(f"m{n:03}", SPEC, "[sim]") for n in range(200)},
}


def read(texts: dict[str, str], only: Scope | None = None) -> Sources:
    return read_sources(NOWHERE, files=EditedFiles(DiskFiles(NOWHERE), texts), only=only)


# Nothing else comes out

NAMES = ("a", "ab", "b-a", "7", "31")
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda word: f"'{word}'",
    lambda word: f'"{word}"',
    lambda word: f'"\\x{ord(word[0]):02x}{word[1:]}"',
    lambda word: f'"{word[:1]}\\\n    {word[1:]}"',
    lambda word: f"|-\n    {word}",
    lambda word: f">-\n    {word}\n",
    lambda word: hex(int(word)) if word.isdecimal() else word,
)


@st.composite
def documents(draw: st.DrawFn, kinds: tuple[str, ...] = ("Model",) * 4 + ("Preset",)) -> str:
    """A model, or now and then a preset or what cannot be used, spelt in any way."""
    kind, name = draw(st.sampled_from(kinds)), draw(st.sampled_from(NAMES))
    spelt = [draw(st.sampled_from(SPELLINGS))(word) for word in (kind, name)]
    text = f"apiVersion: modelmill.dev/v1alpha1\nkind: {spelt[0]}\nmetadata:\n  name: {spelt[1]}\n"
    if kind == "Model":
        beside = draw(st.sampled_from(["sim"] * 4 + ["a", "7"]))
        text += (
            f'extends: [sim, "{beside}"]\nspec:\n  {SPEC}\n  model: {{name: x/y, uri: hf://x/y}}'
        )
    else:
        above = draw(st.sampled_from([""] * 4 + ['"7"', "b-a"]))
        text += f"extends: [{above}]\nspec: {{sharedMemory: {draw(st.integers(1, 9))}Gi}}"
    return text + draw(st.sampled_from(["\n"] * 4 + [f"\n# like {NAMES[0]}\n", "\n}\n"]))


@st.composite
def repositories(draw: st.DrawFn) -> dict[str, str]:
    held = {f"models/f{n}.yaml": draw(documents()) for n in range(draw(st.integers(1, 5)))}
    presets = documents(("Preset",))
    held |= {f"presets/p{n}.yaml": draw(presets) for n in range(draw(st.integers(0, 2)))}
    exempt = draw(st.sampled_from([""] * 8 + [*NAMES]))
    why = '{probes.startup: {reason: x, until: "2099-01-01"}}'
    policies = f'policies: {{exemptions: {{"{exempt}": {why}}}}}\n'
    return {
        **{path: text for path, text in MANY.items() if "models/" not in path},
        "modelmill.yaml": PROJECT + (policies if exempt else ""),
        **held,
    }


def told(repository: Repository, name: str) -> object:
    """What render, explain and lint tell of a model."""
    document = repository.catalog.models[name]
    everything: list[object] = []
    for overlay_ in (None, *environments_of(repository.catalog, document)):
        found: dict[str | None, list[Diagnostic]] = {}
        resolver = Resolver(repository.catalog)
        variant = variant_of(repository, resolver, document, overlay_, found)
        everything.append(found)
        if variant is not None:
            everything.append([each.body for each in rendered(repository, variant)])
            everything.append(origins(repository, resolver, document, overlay_))
    judged = compile_repository(repository, {name}).diagnostics
    return everything, [each for each in judged if not is_of_another(each, document)]


def origins(
    repository: Repository, resolver: Resolver, document: Document, environment: Document | None
) -> list[Origin]:
    resolved = resolver.variant(document, environment) if environment else resolver.base(document)
    return Trace(repository.catalog, resolved).everything()


def is_of_another(found: Diagnostic, document: Document) -> bool:
    """In a file that the model has no part in, be it a preset that nobody extends."""
    path = found.span.path if found.span else ""
    return path.startswith(("models/", "presets/p")) and path != document.path


@settings(max_examples=150, deadline=None)
@given(repositories(), st.sampled_from(NAMES), st.booleans())
def test_a_model_is_told_of_as_if_all_were_parsed(
    texts: dict[str, str], name: str, alone: bool
) -> None:
    whole, some = read(texts), read(texts, Scope(frozenset((name,)), alone=alone))
    assert (name in some.models) == (name in whole.models)
    try:
        expected = index(whole)
    except CompileError as fault:
        twice = [
            d for d in fault.diagnostics if d.message == f"there are two Models named `{name}`"
        ]
        if twice:
            with pytest.raises(CompileError) as caught:
                index(some)
            assert set(twice) <= set(caught.value.diagnostics)
        return
    if name in whole.models:
        assert told(index(some), name) == told(expected, name)


@settings(max_examples=100, deadline=None)
@given(repositories(), st.integers(0, 4))
def test_a_file_holds_what_it_would_if_all_were_parsed(texts: dict[str, str], number: int) -> None:
    path = f"models/f{number % sum('models/' in each for each in texts)}.yaml"
    whole, some = read(texts), read(texts, Scope(paths=frozenset((path,))))
    own = {each.name for each in whole.documents if each.path == path}
    for found in (whole, some):
        assert {each.name for each in found.documents if each.path == path} == own
    assert alike(some, own) == alike(whole, own)
    kinds = {each.kind for each in whole.documents if each.path == path}
    assert kinds <= {"Model"} or not some.passed


def alike(found: Sources, names: set[str]) -> list[str]:
    return sorted(each.path for each in found.documents if each.name in names)


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("name", ["llama", "31"])
def test_a_name_is_found_however_it_is_spelt(name: str, spell: Callable[[str], str]) -> None:
    spelt = f"metadata:\n  name: {spell(name)}\n"
    own = model("it", SPEC, "[sim]").replace("metadata: {name: it}\n", spelt)
    some = read({**MANY, "models/x.yaml": own}, Scope(frozenset((name,))))
    assert name in some.models


# What is parsed


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the model files that were parsed."""
    found: list[str] = []
    parse = sources.parse

    def noting(path: str, data: bytes) -> Node:
        found.append(path)
        return parse(path, data)

    monkeypatch.setattr(sources, "parse", noting)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("render", "m007"),
        ("render", "m007", "-e", "prod", "--as", "modelservice"),
        ("explain", "m007"),
        ("lint", "models/m007.yaml"),
        ("compile", "m007"),
    ],
    ids=" ".join,
)
def test_no_other_model_is_parsed(
    command: tuple[str, ...], parsed: list[str], tmp_path: Path
) -> None:
    arguments = tuple(each.replace("models/", f"{tmp_path}/models/") for each in command)
    ran = run(write_files(tmp_path, MANY), *arguments)
    assert ran.status == 0, ran.stderr
    assert [path for path in parsed if "models/" in path] == ["models/m007.yaml"]


def test_a_name_that_others_mention_is_looked_for_there_too(parsed: list[str]) -> None:
    """A comment costs time, and nothing else."""
    mention = "# as m007\n" + MANY["models/m008.yaml"]
    some = read({**MANY, "models/m008.yaml": mention}, Scope(frozenset(("m007",))))
    assert [path for path in parsed if "models/" in path] == [
        "models/m007.yaml",
        "models/m008.yaml",
    ]
    assert len(some.passed) == 198


def test_of_two_commits_only_what_differs_is_parsed_twice(
    parsed: list[str], tmp_path: Path
) -> None:
    root = write_files(tmp_path, MANY)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    path = root / "models/m007.yaml"
    path.write_text(path.read_text().replace("replicas: 2", "replicas: 3"))
    ran = run(root, "diff", "HEAD", "m007")
    assert ran.status == 0
    assert "replicas" in ran.stdout
    assert sorted(path for path in parsed if path.endswith(".yaml") and "overlays" not in path) == [
        "modelmill.yaml",
        "modelmill.yaml",
        "models/m007.yaml",
        "models/m007.yaml",
        "presets/sim.yaml",
    ]
    assert run(root, "diff", "HEAD", "m008").stdout == "the manifests do not change\n"


def test_a_file_of_a_commit_that_nobody_has_is_fetched_up_to_the_limit(tmp_path: Path) -> None:
    long = MANY["models/m007.yaml"] + "# padding\n" * (MAX_BYTES // 10)
    root = write_files(tmp_path, {**MANY, "models/m007.yaml": long})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    write_files(root, {"models/m007.yaml": MANY["models/m007.yaml"]})
    ran = run(root, "diff", "HEAD", "m007")
    assert ran.status == 1
    assert "models/m007.yaml:1:1: error[Y109]: the file is larger than 1 MiB" in ran.stderr


def test_what_was_listed_as_a_file_may_be_none_when_it_is_read(tmp_path: Path) -> None:
    """Each in the place of a file that `contents` was told to read."""
    root = write_files(
        tmp_path, {"in/a.yaml": "a", "in/long.yaml": "x" * SMALL, "in/none.yaml": ""}
    )
    (root / "in/folder.yaml").mkdir()
    (root / "in/huge.yaml").write_bytes(b"x" * (MAX_BYTES + 1))
    (root / "in/link.yaml").symlink_to(root / "in/a.yaml")
    os.mkfifo(root / "in/pipe.yaml")
    names = ["a", "folder", "gone", "huge", "link", "long", "none", "pipe"]
    found = dict(contents(DiskFiles(root), [f"in/{name}.yaml" for name in names]))
    assert {path: each for path, each in found.items() if isinstance(each, bytes)} == {
        "in/a.yaml": b"a",
        "in/long.yaml": b"x" * SMALL,
        "in/none.yaml": b"",
    }
    faults = {path: str(each) for path, each in found.items() if isinstance(each, CompileError)}
    assert faults == {
        "in/folder.yaml": "this is not a regular file",
        "in/gone.yaml": "the file cannot be read: No such file or directory",
        "in/huge.yaml": "the file is larger than 1 MiB (1 MiB)",
        "in/link.yaml": "the file is a symbolic link, which is not followed",
        "in/pipe.yaml": "this is not a regular file",
    }


# What others' files still decide


def test_two_models_of_one_name_are_told(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**MANY, "models/other.yaml": MANY["models/m007.yaml"]})
    for command in (("render", "m007"), ("lint", str(root / "models/m007.yaml"))):
        ran = run(root, *command)
        assert ran.status == 1
        assert "error[N202]: there are two Models named `m007`" in ran.stdout + ran.stderr


def test_a_likely_name_is_told_of_one_that_is_not_there(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**MANY, "models/llama.yaml": model("llama-8b", SPEC, "[sim]")})
    for command in ("render", "explain", "compile"):
        ran = run(root, command, "llama-8")
        assert ran.status == 2
        assert "there is no model `llama-8`; did you mean `llama-8b`?" in ran.stderr


def test_a_preset_may_stand_among_the_models(tmp_path: Path) -> None:
    texts = {
        "models/wide.yaml": preset("wide", "sharedMemory: 3Gi"),
        "presets/deep.yaml": preset("deep", "{}", "[wide]"),
        "models/m007.yaml": model("m007", SPEC, "[sim, deep]"),
    }
    root = write_files(tmp_path, {**MANY, **texts})
    assert "sizeLimit: 3Gi" in run(root, "render", "m007").stdout
    broken = f"{SPEC}\nengine: {{args: {{port: 1}}}}"
    write_files(root, {"models/m150.yaml": model("m150", broken, "[sim, deep]")})
    ran = run(root, "lint", str(root / "models/wide.yaml"), "--format", "text")
    assert "models/m150.yaml" in ran.stderr


def test_a_faulty_neighbour_is_not_in_the_way(tmp_path: Path) -> None:
    root = write_files(tmp_path, {**MANY, "models/m100.yaml": f"{HEAD}Model\nspec: {{"})
    assert run(root, "render", "m007").status == 0
    assert run(root, "lint", str(root / "models/m007.yaml")).status == 0
    ran = run(root, "render", "m100")
    assert ran.status == 1
    assert "models/m100.yaml:4" in ran.stderr
    assert run(root, "lint").status == 1


SECRET = "ghp_" + "aB3dE5fG7h" * 3 + "aB3dE5"
ALLOWED = """policies:
  exemptions:
    m150: {images.digest: {reason: soon, until: "2099-01-01"}}
  images: {digest: warn}
  secrets:
    sample:
      {file: models/m151.yaml, path: metadata.annotations.note, reason: none, until: "2099-01-01"}
"""


@pytest.mark.parametrize("command", ["lint", "compile"])
def test_what_is_said_of_other_models_is_not_taken_for_void(command: str, tmp_path: Path) -> None:
    noted = MANY["models/m151.yaml"].replace(
        "metadata: {name: m151}", f"metadata: {{name: m151, annotations: {{note: {SECRET}}}}}"
    )
    texts = {"modelmill.yaml": PROJECT + ALLOWED, "models/m151.yaml": noted}
    root = write_files(tmp_path, {**MANY, **texts})
    about = {"lint": str(root / "models/m007.yaml"), "compile": "m007"}
    ran = run(root, command, about[command], "--format", "text")
    assert ran.status == 0, ran.stderr
    assert "V323" not in ran.stderr
    write_files(root, {"models/m150.yaml": model("renamed", SPEC, "[sim]")})
    write_files(root, {"models/m151.yaml": MANY["models/m151.yaml"]})
    ran = run(root, command, about[command], "--format", "text")
    assert "`m150` is exempt, and there is no such model" in ran.stderr
    assert "`sample` is allowed, and nothing there looks like a secret" in ran.stderr


def test_a_likely_name_is_told_of_an_exempt_model_that_is_not_there(tmp_path: Path) -> None:
    why = '{probes.startup: {reason: soon, until: "2099-01-01"}}'
    policies = f"policies: {{exemptions: {{llama-8: {why}}}}}\n"
    texts = {
        "modelmill.yaml": PROJECT + policies,
        "models/x.yaml": model("llama-8b", SPEC, "[sim]"),
    }
    root = write_files(tmp_path, {**MANY, **texts})
    ran = run(root, "lint", str(root / "models/m007.yaml"), "--format", "text")
    assert "did you mean `llama-8b`?" in ran.stderr
