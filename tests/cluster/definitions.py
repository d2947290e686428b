"""CustomResourceDefinitions on an API server.

In: folders of YAML. Out: kinds that are served.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import yaml
from api_server import ASSETS, Api, Object

from support import ROOT

KIND = "CustomResourceDefinition"
LONGEST = 300.0


def folders() -> list[Path]:
    """The reference material, and what `make cluster-tools` adds. Other kinds may be put there."""
    return [ROOT.parent / "shared" / "crds", Path(os.environ[ASSETS]) / "crds"]


def definitions() -> list[Object]:
    """Each definition once: the first of a name, in the order of paths."""
    found: dict[str, Any] = {}
    for path in (each for folder in folders() for each in sorted(folder.rglob("*.yaml"))):
        for body in yaml.load_all(path.read_text(), yaml.CSafeLoader):
            if body and body["kind"] == KIND:
                found.setdefault(body["metadata"]["name"], body)
    return list(found.values())


def install(api: Api) -> None:
    """Have the definitions served. No conversion: nobody answers the webhook."""
    bodies = definitions()
    for body in bodies:
        body["spec"].pop("conversion", None)
        answer = api.create(body)
        assert not answer.refusal, f"{body['metadata']['name']}: {answer.refusal}"
    end = time.monotonic() + LONGEST
    for body in bodies:
        while not _established(api, body):
            assert time.monotonic() < end, f"{body['metadata']['name']} is not served"
            time.sleep(0.1)


def _established(api: Api, body: Object) -> bool:
    """That the definition is taken, and each version's objects can be asked for."""
    conditions = api.ask("GET", api.path(body)).body.get("status", {}).get("conditions", ())
    if not any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
        return False
    group, plural = body["spec"]["group"], body["spec"]["names"]["plural"]
    served = [v["name"] for v in body["spec"]["versions"] if v["served"]]
    return all(api.ask("GET", f"/apis/{group}/{v}/{plural}").status == 200 for v in served)
