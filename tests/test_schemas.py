"""schemas/ is what the tables say, for every version of both languages, and it is JSON Schema 2020-12."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from butane_py.variants import VARIANTS
from ignition_py.spec.tables import VERSIONS
from tests.helpers.programs import run_program

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
FILES = sorted(SCHEMAS.rglob("*.json"))


@pytest.mark.subprocess
def test_files_are_in_step_with_the_tables() -> None:
    done = run_program(str(SCHEMAS.parent / "tools" / "schemas.py"), "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_version_has_its_file() -> None:
    assert {path.stem for path in (SCHEMAS / "ignition").iterdir()} == set(VERSIONS)
    assert len(list((SCHEMAS / "ignition").iterdir())) == 8
    assert {path.stem for path in (SCHEMAS / "butane").iterdir()} == {f"{name}-{version}" for name, version in VARIANTS}
    assert len(list((SCHEMAS / "butane").iterdir())) == 33


def _objects(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        if "properties" in schema:
            found.append(schema)
        for value in schema.values():
            found += _objects(value)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCHEMAS)))
def test_is_a_schema(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    strict = "strict" in path.parts
    for each in _objects(schema):
        assert each.get("title") and each.get("description"), each
        assert (each.get("additionalProperties") is False) == strict
        assert all(field.get("description") for field in each["properties"].values())


def test_versions_grow() -> None:
    """The language only grew: what one version has, the next has too."""
    before: set[str] = set()
    for version in VERSIONS:
        schema = json.loads((SCHEMAS / "ignition" / f"{version}.json").read_text(encoding="utf-8"))
        names = {f"{each['title'].removesuffix(version)}.{name}" for each in _objects(schema) for name in each["properties"]}
        assert before <= names
        before = names
    assert "Luks.cex" in before


def test_strict_refuses_what_plain_allows() -> None:
    config = {"variant": "fcos", "version": "1.5.0", "storag": {}}
    plain = json.loads((SCHEMAS / "butane" / "fcos-1.5.0.json").read_text(encoding="utf-8"))
    strict = json.loads((SCHEMAS / "strict" / "butane" / "fcos-1.5.0.json").read_text(encoding="utf-8"))
    jsonschema.validate(config, plain)
    with pytest.raises(jsonschema.ValidationError, match="storag"):
        jsonschema.validate(config, strict)
