"""Questions to a controller's own code, which the programs in these folders put."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml


class Ask(Protocol):
    """A question about objects, answered by a controller's code; see the head of its main.go."""

    def __call__(
        self, question: str, objects: Iterable[Mapping[str, Any]], *arguments: str, **environ: str
    ) -> Any: ...


def asking(program: str, place: Path) -> Ask:
    source = Path(__file__).parent / program
    binary = place / program
    subprocess.run(["go", "build", "-o", binary, "."], cwd=source, check=True)

    def ask(
        question: str, objects: Iterable[Mapping[str, Any]], *arguments: str, **environ: str
    ) -> Any:
        ran = subprocess.run(
            [binary, question, *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": str(place), **environ},
            input=yaml.safe_dump_all(objects),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return ask
