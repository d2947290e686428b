"""What a person sees of `modelmill compile`, and what a machine does."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from support import SMALL, model, write_files

MANY = {
    **SMALL,
    **{f"models/m{i}.yaml": model(f"m{i}", "roles: {decode: {}}", "[sim]") for i in range(60)},
}


def argv(root: Path) -> list[str]:
    return [sys.executable, "-m", "modelmill", "-C", str(root), "compile"]


def at_a_terminal(root: Path, **environment: str) -> str:
    """What a terminal shows of a compile."""
    ours, theirs = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k != "CI"} | {"TERM": "xterm"} | environment
    done = subprocess.Popen(argv(root), stdin=subprocess.DEVNULL, stderr=theirs, env=clean)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    assert done.wait() == 0
    os.close(ours)
    return shown.decode()


def test_a_person_sees_progress(tmp_path: Path) -> None:
    shown = at_a_terminal(write_files(tmp_path, MANY))
    assert "\rcompiling 61/61" in shown or "\rcompiling 60/60" in shown
    assert "added in" in shown.rpartition("\x1b[K")[2]


def test_ci_and_pipes_see_none(tmp_path: Path) -> None:
    assert "compiling" not in at_a_terminal(write_files(tmp_path / "a", MANY), CI="true")
    root = write_files(tmp_path / "b", MANY)
    piped = subprocess.run(argv(root), capture_output=True, text=True, check=True)
    assert "compiling" not in piped.stderr
    assert piped.stdout == ""
