"""What is read of the catalogues is what people write there (`make data`)."""

from __future__ import annotations

import json
from pathlib import Path

from modelmill import catalogues
from modelmill.syntax import parse
from modelmill.tree import plain

COMPILED = Path(catalogues.COMPILED)
DATA = COMPILED.parent


def test_each_catalogue_has_its_json_and_no_other_has() -> None:
    folders = [each.name for each in COMPILED.iterdir()]
    assert sorted(folders) == ["engines", "health", "pickers", "versions"]
    written = {p.relative_to(DATA) for name in folders for p in (DATA / name).glob("*.yaml")}
    found = {p.relative_to(COMPILED) for p in COMPILED.glob("*/*")}
    assert found == {path.with_suffix(".json") for path in written}


def test_the_json_says_what_the_yaml_says() -> None:
    for path in COMPILED.glob("*/*.json"):
        source = (DATA / path.relative_to(COMPILED)).with_suffix(".yaml")
        wanted = plain(parse(source.name, source.read_bytes()))
        found = json.loads(path.read_bytes())
        assert json.dumps(found) == json.dumps(wanted), f"{source}: run `make data`"
