"""`validate` of anyone's manifests and kustomizations: judged, whatever they hold.

In: choices that bend objects of many kinds and a kustomization; or bytes, as a manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from fuzz.corpus import ROOT, choices, documents_of
from fuzz.draw import Draw, bent
from fuzz.holds import answered, readable
from modelmill.diagnostics import Diagnostic
from modelmill.validation.inputs import read_given
from modelmill.validation.run import Result, judge_given
from modelmill.validation.schemas import Schemas

SCHEMAS = Schemas("1.33")
KUSTOMIZATION: Any = {
    "apiVersion": "kustomize.config.k8s.io/v1beta1",
    "kind": "Kustomization",
    "namespace": "prod",
    "namePrefix": "a-",
    "resources": ["objects.yaml"],
    "labels": [{"pairs": {"a": "b"}, "includeSelectors": True}],
    "images": [{"name": "x", "newTag": "v1"}],
    "patches": [
        {
            "target": {"kind": "Deployment"},
            "patch": "- {op: replace, path: /spec/replicas, value: 1}",
        },
        {"patch": "kind: Deployment\nmetadata: {name: x}\nspec: {replicas: 2}"},
    ],
    "configMapGenerator": [{"name": "c", "literals": ["a=b"]}],
    "replicas": [{"name": "x", "count": 2}],
}
NOTHING: dict[str, str] = {}


@cache
def _known() -> Sequence[Any]:
    """One object of each kind that this repository compiles to, and what other tools render."""
    found: dict[str, Any] = {}
    for file in sorted((ROOT / "generated").rglob("*.yaml")):
        if file.stat().st_size < 1 << 16:
            for each in yaml.load_all(file.read_bytes(), yaml.CSafeLoader):
                if isinstance(each, dict) and "kind" in each:
                    found.setdefault(str(each["kind"]), each)
    return (*found.values(), *documents_of("modelservice/*.yaml")[:40])


def seeds() -> Iterator[bytes]:
    yield from (b"\0" + each for each in choices(min(len(_known()), 40)))
    yield b"\xffapiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n"


def check(data: bytes) -> None:
    draw = Draw(data)
    mode = draw.byte()
    if mode == 255:
        texts = {"objects.yaml": draw.rest()}
    else:
        chosen = [draw.pick(_known()) for _ in range(1 + mode % 4)]
        objects = [bent(each, draw, 4) for each in chosen]
        text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper, allow_unicode=True)
        texts = {"objects.yaml": text.encode()}
        if mode & 64:
            kustomization = yaml.dump(bent(KUSTOMIZATION, draw, 4), Dumper=yaml.CSafeDumper)
            texts["kustomization.yaml"] = kustomization.encode()
    with TemporaryDirectory() as folder:
        for name, text_bytes in texts.items():
            (Path(folder) / name).write_bytes(text_bytes)
        first, second = _judged(Path(folder)), _judged(Path(folder))
        assert repr(first) == repr(second), "another result the second time"


def _judged(folder: Path) -> Result | tuple[Diagnostic, ...]:
    read: dict[str, str] = {}
    found = answered(
        lambda: judge_given(
            folder,
            read_given(folder, ["."], lambda: b"", read),
            SCHEMAS,
            strict_kinds=True,
            environ=NOTHING,
        )
    )
    if isinstance(found, Result):
        readable(found.findings, read)
        assert not any(str(folder) in repr(each) for each in found.findings)
    return found
