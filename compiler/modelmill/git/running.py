"""How the git command is run: by an argument list, without hooks, and never for ever.

In: a folder, the environment of the command and its arguments. Out: what it printed, or a GitError
that holds git's own reason. No shell, no pager, no prompt.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from modelmill.regexes import regex
from modelmill.tuples import NamedTuple

TIMEOUT = 60
# Replaced objects and hooks are a clone's own doing; a file monitor is a hook by another name.
SAFE = (
    *("--no-pager", "--no-replace-objects"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "i18n.commitEncoding=UTF-8"),
)
# What says how to reach and to believe a server, and who one is. Everything else of the caller's
# variables names a repository: in a hook, another one.
_kept = regex(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|ALLOW_PROTOCOL|EXEC_PATH|CURL_VERBOSE"
    r"|(CONFIG|SSL|HTTP|PROXY|AUTHOR|COMMITTER|TRACE)_\w+)"
)
_credentials = regex(r"(?<=://)[^/\s@]+@")
_noise = regex(r"hint: |To |From |remote: *$|error: failed to push some refs")
_prefix = regex(r"^(remote|fatal|error): +")


class GitError(Exception):
    """Git cannot do what was asked; the message is for the user."""


class Git(NamedTuple):
    """A repository, and how commands are run on it.

    root      folder they run in
    environ   all their variables
    timeout   seconds that one may take
    form      how objects are hashed: `sha1` or `sha256`
    settings  its configuration, where that was read
    """

    root: Path
    environ: Mapping[str, str]
    timeout: float = TIMEOUT
    form: str = "sha1"
    settings: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: bytes
    error: bytes

    @property
    def reason(self) -> str:
        """Why it failed, on one line, in the words of git and of the server."""
        lines = (line.strip() for line in self.error.decode("utf-8", "replace").splitlines())
        said = [
            without_credentials(_prefix.sub("", line))
            for line in lines
            if line and not _noise.match(line)
        ]
        return "; ".join(said[:8]) or f"git ended with status {self.status}"


def without_credentials(text: str) -> str:
    """Text in which no address has the name and the password of a user."""
    return _credentials.sub("", text)


def offline(root: Path) -> Git:
    """For reading objects: nothing of the caller's GIT_ variables, no network."""
    return Git(root, {**_variables(), "GIT_NO_LAZY_FETCH": "1"})


def online(root: Path, timeout: float) -> Git:
    """For everything else: with the user's credentials, proxies and identity."""
    own = {name: value for name, value in os.environ.items() if _kept.fullmatch(name)}
    return Git(root, {**own, **_variables()}, timeout)


def _variables() -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**others, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def ask(git: Git, *arguments: str, stdin: bytes = b"") -> bytes | None:
    """Git's answer; None if it refuses."""
    answer = run(git, *arguments, stdin=stdin)
    return answer.out if answer.status == 0 else None


def must(git: Git, *arguments: str, stdin: bytes = b"") -> bytes:
    """Git's answer; a GitError with its reason if it refuses."""
    answer = run(git, *arguments, stdin=stdin)
    if answer.status:
        raise GitError(f"git {arguments[0]}: {answer.reason}")
    return answer.out


def word(data: bytes | None) -> str:
    """An answer of one line, as text."""
    return os.fsdecode((data or b"").removesuffix(b"\n"))


def run(git: Git, *arguments: str, stdin: bytes = b"") -> Answer:
    """One command to its end. What it starts (ssh, a helper for credentials) ends with it."""
    process = _start(git, arguments, subprocess.PIPE, subprocess.PIPE)
    try:
        out, error = process.communicate(stdin, git.timeout)
    except subprocess.TimeoutExpired:
        raise _too_slow(git, arguments) from None
    finally:
        _end(process)
    return Answer(process.returncode, out, error)


def stream(git: Git, *arguments: str, chunks: Iterable[bytes]) -> None:
    """One command that reads much and prints nothing; never more than a chunk is held."""
    with tempfile.TemporaryFile() as errors:
        process = _start(git, arguments, subprocess.DEVNULL, errors.fileno())
        assert process.stdin is not None
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            process.stdin.close()
            status = process.wait(git.timeout)
        except BrokenPipeError:
            status = process.wait(git.timeout) or 1
        except subprocess.TimeoutExpired:
            raise _too_slow(git, arguments) from None
        finally:
            _end(process)
        if status:
            errors.seek(0)
            raise GitError(f"git {arguments[0]}: {Answer(status, b'', errors.read()).reason}")


def _start(git: Git, arguments: tuple[str, ...], out: int, error: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *SAFE, *arguments],
            cwd=git.root,
            env=dict(git.environ),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=error,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitError("git is needed here, and is not installed") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever is left of a command that was cut off."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        for each in (process.stdin, process.stdout, process.stderr):
            if each is not None:
                each.close()
        process.wait()


def _too_slow(git: Git, arguments: tuple[str, ...]) -> GitError:
    return GitError(f"git {arguments[0]} did not answer within {git.timeout:g} s")
