"""`modelmill compile` again: the cache as people meet it, parts of a repository, and --watch."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelmill.cachefile import FOLDER
from support import HEAD, PROJECT, SIM, Ran, model, overlay, preset, run_apart, write_files

NAMES = [f"m{number:02}" for number in range(12)]
FILES = {
    "modelmill.yaml": PROJECT,
    "presets/sim.yaml": SIM,
    "presets/few.yaml": preset("few", "{engine: {args: {max-num-seqs: 8}}}", "[sim]"),
    "overlays/prod/environment.yaml": overlay("prod"),
    "overlays/test/environment.yaml": overlay("test", "{engine: {args: {seed: 1}}}"),
    **{
        f"models/{n}.yaml": model(
            n, "roles: {decode: {replicas: 1}}", "[few]" if n < "m06" else "[sim]"
        )
        for n in NAMES
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path / "repository", FILES)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def compiled(root: Path, *arguments: str, **environ: str) -> Ran:
    ran = run_apart(root, "compile", *arguments, environ=environ)
    assert ran.status == 0, ran.stderr
    return ran


def tree(root: Path) -> Mapping[str, bytes]:
    top = root / "generated"
    return {
        each.relative_to(top).as_posix(): each.read_bytes()
        for each in top.rglob("*")
        if each.is_file()
    }


def kept(cache: Path) -> dict[str, int]:
    """Models that are kept, by when they were."""
    return {each.name: each.stat().st_mtime_ns for each in cache.glob("*/models/*")}


def rewritten(cache: Path, before: Mapping[str, int]) -> int:
    """So many models were compiled again."""
    return sum(before.get(name) != date for name, date in kept(cache).items())


def test_only_what_depends_on_a_change_is_compiled(root: Path, cache: Path) -> None:
    compiled(root)
    for path, text, wanted in [
        ("models/m03.yaml", model("m03", "roles: {decode: {replicas: 4}}", "[few]"), 1),
        ("presets/few.yaml", preset("few", "{engine: {args: {max-num-seqs: 9}}}", "[sim]"), 6),
        ("presets/none.yaml", preset("none", "{}"), 0),
        ("overlays/test/environment.yaml", overlay("test", "{engine: {args: {seed: 2}}}"), 12),
    ]:
        before = kept(cache)
        write_files(root, {path: text})
        compiled(root)
        assert rewritten(cache, before) == wanted, path


def test_going_back_to_a_branch_compiles_nothing(root: Path, cache: Path) -> None:
    compiled(root)
    main = tree(root)
    write_files(root, {"presets/few.yaml": FILES["presets/few.yaml"].replace("8", "16")})
    compiled(root)
    write_files(root, {"presets/few.yaml": FILES["presets/few.yaml"]})
    shutil.rmtree(root / "generated")
    for path, data in main.items():
        (root / "generated" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "generated" / path).write_bytes(data)
    before = kept(cache)
    assert compiled(root).stderr == "14 units up to date\n"
    assert rewritten(cache, before) == 0


def test_nothing_of_it_is_in_the_repository(root: Path) -> None:
    before = {each.name for each in root.iterdir()}
    compiled(root)
    assert {each.name for each in root.iterdir()} == before | {"generated"}


@pytest.mark.parametrize("harm", ["delete", "cut", "garble", "older", "writable", "link"])
def test_a_cache_that_cannot_be_believed_is_not(root: Path, cache: Path, harm: str) -> None:
    compiled(root)
    wanted = tree(root)
    for file in [each for each in cache.rglob("*") if each.is_file()]:
        data = file.read_bytes()
        if harm == "delete":
            file.unlink()
        elif harm == "cut":
            file.write_bytes(data[: len(data) // 2])
        elif harm == "garble":
            file.write_bytes(data[:-9] + b"\0" + data[-8:])
        elif harm == "older":
            file.write_bytes(b"modelmill 0 0".ljust(32) + data[32:])
        elif harm == "writable":
            file.chmod(0o666)
        else:
            file.rename(file.with_suffix(".real"))
            file.symlink_to(file.with_suffix(".real"))
    shutil.rmtree(root / "generated")
    compiled(root)
    assert tree(root) == wanted
    assert compiled(root, "--check").stderr == ""


def test_it_can_be_turned_off(root: Path, cache: Path) -> None:
    compiled(root, **{FOLDER: ""})
    assert compiled(root, **{FOLDER: ""}).stderr == "14 units up to date\n"
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_no_fault(root: Path, cache: Path) -> None:
    cache.write_text("a file")
    compiled(root)
    assert compiled(root, "--check").stderr == ""


def test_what_was_said_is_said_again(root: Path) -> None:
    write_files(
        root,
        {
            "overlays/empty/environment.yaml": overlay(
                "empty", more="selector: {matchLabels: {a: b}}\n"
            )
        },
    )
    first = compiled(root)
    assert "warning[C522]" in first.stderr
    for _ in range(3):
        again = compiled(root)
        assert again.stderr == first.stderr.replace(
            first.stderr.splitlines()[-1], "15 units up to date"
        )
        assert again.stdout == ""
        checked = run_apart(root, "compile", "--check", environ={"GITHUB_ACTIONS": "true"})
        assert checked.stdout.startswith("::warning ")


def test_an_edit_of_what_was_written_is_seen(root: Path) -> None:
    compiled(root)
    compiled(root)
    path = root / "generated/m04/base/kustomization.yaml"
    about, text = path.stat(), path.read_text()
    path.write_text(text.replace("m04", "m05"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    ran = run_apart(root, "compile", "--check")
    assert ran.status == 1
    assert "error[O602]: generated/m04/base/kustomization.yaml was edited by hand" in ran.stderr
    compiled(root)
    assert path.read_text() == text


def test_parts_together_are_the_whole(root: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(root, tmp_path / "other"))
    compiled(other)
    stray = root / "generated/gone/base/kustomization.yaml"
    stray.parent.mkdir(parents=True)
    stray.write_text("# Generated by modelmill from models/gone.yaml; do not edit.\n")
    for part in ("3/5", "1/5", "2/5", "5/5", "4/5"):
        compiled(root, "--shard", part)
    assert tree(root) == tree(other)
    assert compiled(root, "--check").stderr == ""


def test_a_part_keeps_its_hands_off_the_others(root: Path) -> None:
    ran = compiled(root, "--shard", "2/3")
    assert ran.stderr.endswith(" in 4 units\n")
    assert sorted(each.name for each in (root / "generated").iterdir()) == [
        "m04",
        "m05",
        "m06",
        "m07",
    ]
    write_files(root, {"models/m00.yaml": HEAD + "Model\n"})
    compiled(root, "--shard", "2/3")
    first = run_apart(root, "compile", "--shard", "1/3")
    assert (first.status, "models/m00.yaml" in first.stderr) == (1, True)


def test_the_first_part_deletes_nothing_of_a_model_it_cannot_read(root: Path) -> None:
    compiled(root)
    write_files(root, {"models/m11.yaml": HEAD + "Model\n"})
    before = tree(root)
    ran = run_apart(root, "compile", "--shard", "1/3")
    assert (ran.status, "models/m11.yaml" in ran.stderr) == (1, True)
    assert tree(root) == before


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_a_part_of_nothing_is_misuse(root: Path, part: str) -> None:
    ran = run_apart(root, "compile", f"--shard={part}")
    assert ran.status == 2
    assert f"`{part}` is no part of a whole" in ran.stderr


@contextmanager
def watching(root: Path) -> Iterator[queue.Queue[str]]:
    """What --watch says, line by line."""
    argv = [sys.executable, "-m", "modelmill", "-C", str(root), "compile", "--watch"]
    lines: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, start_new_session=True) as watch:
        assert watch.stderr is not None
        reading = threading.Thread(target=lambda: [lines.put(each) for each in watch.stderr or ()])
        reading.start()
        try:
            yield lines
        finally:
            watch.send_signal(signal.SIGINT)
            status = watch.wait(timeout=30)
            reading.join(timeout=30)
    assert status == 0


def until(lines: queue.Queue[str], wanted: str) -> list[str]:
    """The lines up to one."""
    seen = []
    while not seen or wanted not in seen[-1]:
        seen.append(lines.get(timeout=60))
    return seen


def test_watching_compiles_what_is_saved(root: Path) -> None:
    with watching(root) as lines:
        assert "added in 14 units" in until(lines, "waiting for a change")[0]
        write_files(
            root, {"models/m03.yaml": model("m03", "roles: {decode: {replicas: 4}}", "[few]")}
        )
        assert "changed in 14 units" in until(lines, "waiting for a change")[0]
        write_files(root, {"models/m03.yaml": HEAD + "Model\n"})
        assert any("error[" in line for line in until(lines, "waiting for a change"))
        write_files(
            root,
            {
                "models/m03.yaml": FILES["models/m03.yaml"],
                "models/new.yaml": model("new", "roles: {decode: {}}", "[sim]"),
            },
        )
        said = until(lines, "waiting for a change")
        assert any("in 15 units" in line for line in said), said
    assert "replicas: 4" not in (root / "generated/m03/base/deployment-m03-decode.yaml").read_text()


def test_only_everything_can_be_watched_or_split(root: Path) -> None:
    for option in (["--watch"], ["--shard", "1/2"]):
        ran = run_apart(root, "compile", "m03", *option)
        assert (ran.status, "is about all models" in ran.stderr) == (2, True)
