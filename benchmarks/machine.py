"""The machine that figures are of, in words that say nothing of whose it is.

In: folders, programs. Out: lines of text, without host names, paths or addresses.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.setting import Setting
from benchmarks.timing import said


def describe(setting: Setting) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {line}" for line in _lines(setting)) + "\n"


def _lines(setting: Setting) -> Iterator[str]:
    yield f"{os.cpu_count()} cores: " + _found("/proc/cpuinfo", r"model name\s*: (.+)")
    memory = int(_found("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1024**2
    yield f"{memory:.0f} GiB of memory; load {os.getloadavg()[0]:.1f} when it began"
    yield f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"RAM disk: {file_system(setting.ram)}; disk: {file_system(setting.disk)}"
    yield ", ".join(_versions(setting))


def _versions(setting: Setting) -> Iterator[str]:
    here = Path.cwd()
    yield said(setting.modelmill("--version"), here).replace(", version", "")
    yield said(["git", "version"], here).replace(" version", "")
    if setting.helm:
        yield "helm " + said([setting.helm, "version", "--short"], here).partition("+")[0]
    if setting.kubectl:
        words = said([setting.kubectl, "version", "--client"], here).split()
        yield f"kubectl {words[2]} with kustomize {words[-1]}"


def file_system(folder: Path) -> str:
    """The type of the file system that holds `folder`."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    holding = [(len(m[1]), m[2]) for m in mounts if folder.resolve().is_relative_to(m[1])]
    return max(holding, default=(0, "unknown"))[1]


def _found(path: str, pattern: str) -> str:
    match = re.search(pattern, Path(path).read_text())
    return match[1].strip() if match else ""
