"""Schemas of custom resources from where the user has them: a folder of CRDs, a dump of a
cluster's, or a cache as kubeconform lays it out.

In: a place by name. Out: a Source of schemas. A place that is a folder or a file is read; one that
is a URL is asked, and what it answers kept where the user says.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelmill.diagnostics import CompileError, Span, error
from modelmill.regexes import regex
from modelmill.validation.plain_yaml import MAX_BYTES, documents
from modelmill.validation.schema import Schema
from modelmill.validation.schemas import Kind, Source, custom

CRD = "CustomResourceDefinition"
TIMEOUT = 20.0
_is_plain = regex(r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9]+/[A-Za-z0-9]+")
_field = regex(r"\{\{\s*\.(\w+)\s*\}\}")


def source(root: Path, place: str, kubernetes: str, kept: Path | None) -> Source:
    """Where a place leads: `https://…{{.Group}}…` to a cache on the network, of which what it
    answers is kept below `kept`; the name of a folder or a file, from `root` on, to CRDs or such a
    cache."""
    if "://" in place:
        return _remote(place, kubernetes, kept)
    if "{{" in place:
        return lambda kind: _in_cache(root, place, kind, kubernetes)
    if not (root / place).exists():
        raise _unreadable(place, "are not there")
    return _local(root, place, kubernetes)


def _local(root: Path, place: str, kubernetes: str) -> Source:
    """CRDs in files, read when the first kind is asked for."""
    known: dict[Kind, Schema] = {}
    left = iter(_files(root, place))

    def find(kind: Kind) -> Schema | None:
        for name in left:
            known.update(schemas_in(root, name, kubernetes))
        return known.get(kind)

    return find


def schemas_in(root: Path, name: str, kubernetes: str) -> dict[Kind, Schema]:
    """By kind, the schemas of all versions of the CRDs in one file."""
    path = root / name
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unreadable(name, f"are larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
        found = [json.loads(data)] if path.suffix == ".json" else list(documents(name, data))
    except (OSError, ValueError, RecursionError) as fault:
        said = f"cannot be read: {fault.strerror}" if isinstance(fault, OSError) else "are no JSON"
        raise _unreadable(name, said) from None
    bodies = (body for each in found for body in _unlisted(each))
    return {kind: schema for body in bodies for kind, schema in schemas_of(body, kubernetes)}


def schemas_of(body: Any, kubernetes: str) -> Iterator[tuple[Kind, Schema]]:
    """The schema of each version of a CRD; nothing of anything else."""
    if not isinstance(body, dict) or body.get("kind") != CRD:
        return
    spec = body.get("spec") or {}
    is_namespaced = spec.get("scope") != "Cluster"
    for version in spec.get("versions") or ():
        kind = Kind(f"{spec.get('group')}/{version.get('name')}", spec["names"]["kind"])
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema and version.get("served", True):
            yield kind, custom(kubernetes, schema, is_namespaced=is_namespaced)


def _unlisted(document: Any) -> Iterator[Any]:
    """The objects of a dump: `kubectl get crd -o yaml` writes one List."""
    is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
    if is_list and isinstance(document.get("items"), list):
        yield from document["items"]
    else:
        yield document


def _files(root: Path, place: str) -> Iterator[str]:
    """Names of the files of a place, from `root` on."""
    if (root / place).is_file():
        yield place
        return
    for folder, below, names in os.walk(root / place):
        below.sort()
        inside = os.path.relpath(folder, root / place)
        for name in sorted(names):
            if name.endswith((".yaml", ".yml", ".json")):
                yield os.path.normpath(os.path.join(place, inside, name))


def _in_cache(root: Path, place: str, kind: Kind, kubernetes: str) -> Schema | None:
    name = _filled(place, kind, kubernetes)
    return _read_json(root / name, kubernetes) if name else None


def _filled(template: str, kind: Kind, kubernetes: str) -> str:
    """A place of kubeconform's: `{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json`; ""
    where the kind is no name, and would lead elsewhere."""
    if not _is_plain.fullmatch(f"{kind.api_version}/{kind.kind}") or ".." in kind.api_version:
        return ""
    group, _, version = kind.api_version.rpartition("/")
    first = group.partition(".")[0]
    values = {
        "Group": group,
        "ResourceKind": kind.kind.lower(),
        "ResourceAPIVersion": version,
        "KindSuffix": f"-{first}-{version}" if group else f"-{version}",
        "NormalizedKubernetesVersion": f"v{kubernetes}.0",
        "StrictSuffix": "",
    }
    for name in {found[1] for found in _field.finditer(template)} - values.keys():
        raise _unreadable(template, f"have a field `{name}`; known are {', '.join(values)}")
    return _field.sub(lambda found: values[found[1]], template)


def _remote(place: str, kubernetes: str, kept: Path | None) -> Source:
    if not place.startswith("https://"):
        raise _unreadable(place, "are not fetched: only https:// is")

    def find(kind: Kind) -> Schema | None:
        url = _filled(place, kind, kubernetes)
        if not url:
            return None
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{kind.api_version}_{kind.kind}.json")
        copy = kept / name if kept is not None else None
        if copy is not None and copy.exists():
            return _read_json(copy, kubernetes)
        data = _fetched(url)
        if data is None:
            return None
        if copy is not None:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
        return _from_json(url, data, kubernetes)

    return find


def _fetched(url: str) -> bytes | None:
    """What a server has under a URL; None where it has nothing."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as fault:
        if fault.code == 404:
            return None
        raise _unreadable(url, f"cannot be fetched: {fault.code}") from None
    except (OSError, ValueError) as fault:
        raise _unreadable(url, f"cannot be reached: {getattr(fault, 'reason', fault)}") from None
    if len(data) > MAX_BYTES:
        raise _unreadable(url, f"are larger than {MAX_BYTES >> 20} MiB")
    return data


def _read_json(path: Path, kubernetes: str) -> Schema | None:
    try:
        return _from_json(path.name, path.read_bytes(), kubernetes)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise _unreadable(path.name, f"cannot be read: {fault.strerror}") from None


def _from_json(name: str, data: bytes, kubernetes: str) -> Schema:
    """A schema of a cache: JSON Schema made of a CRD's. Strict ones say `additionalProperties:
    false` at each level, which says nothing here that is not so anyway."""
    try:
        schema = json.loads(data)
    except (ValueError, RecursionError):
        raise _unreadable(name, "are no JSON") from None
    if not isinstance(schema, Mapping):
        raise _unreadable(name, "are no schema")
    return custom(kubernetes, schema, is_namespaced=None)


def _unreadable(place: str, said: str) -> CompileError:
    hint = "give a folder or a file with CustomResourceDefinitions, or `https://…{{.Group}}…`"
    return CompileError([error("V112", f"the schemas `{place}` {said}", Span(place, 1, 1), hint)])
