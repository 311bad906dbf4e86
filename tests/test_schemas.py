"""schemas/ is what the tables say, for every version of both languages, and it is JSON Schema 2020-12."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.published import violations
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
    assert len(list((SCHEMAS / "butane").iterdir())) == 34


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
    assert schema["$id"].startswith("urn:ignition-py:schemas:")
    for each in _objects(schema):
        if path.stem == "machine-config" or each.keys() <= {"properties", "required"} or (each is schema and path.stem == "butane"):
            continue  # conditions of the schema for all rows
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


@pytest.mark.parametrize("strict", [False, True])
def test_one_schema_for_all_rows(strict: bool) -> None:
    """It gives each config what the schema of its row gives."""
    base = SCHEMAS / "strict" if strict else SCHEMAS
    whole = jsonschema.Draft202012Validator(json.loads((base / "butane.json").read_text(encoding="utf-8")))
    bodies: list[dict[str, Any]] = [
        {},
        {"storag": {}},
        {"storage": {"files": [{"path": "/a", "mode": "x"}]}},
        {"storage": {"files": [{"path": "/a", "contents": {"local": "b"}}], "trees": [{"local": "c"}]}},
        {"systemd": {"quadlets": [{"name": "a.container"}]}},
        {"boot_device": {"layout": "nonsense"}},
        {"openshift": {"fips": True}},
    ]
    for variant, version in VARIANTS:
        single = json.loads((base / "butane" / f"{variant}-{version}.json").read_text(encoding="utf-8"))
        validator = jsonschema.Draft202012Validator(single)
        for body in bodies:
            config = {"variant": variant, "version": version, **body}
            assert whole.is_valid(config) == validator.is_valid(config), (config, strict)
    for wrong in ({"variant": "fcos"}, {"variant": "fcos", "version": "9.0.0"}, {"variant": "fcso", "version": "1.5.0"}):
        assert not whole.is_valid(wrong)


def test_nulls_that_compile() -> None:
    config = {"variant": "fcos", "version": "1.5.0", "storage": None, "passwd": {"users": [None, {"name": "a", "gecos": None, "groups": None}]}}
    jsonschema.validate(config, json.loads((SCHEMAS / "butane" / "fcos-1.5.0.json").read_text(encoding="utf-8")))


CONFIG = '{"ignition": {"version": "3.5.0"}, "storage": {"files": [%s]}}'


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (CONFIG % '{"path": "/a"}', []),
        (CONFIG % '{"path": 1}, {}', ["$.storage.files[0].path: 1 is not", "$.storage.files[1]: 'path' is a required"]),
        ("# Generated\nkind: MachineConfig\n", ["$: 'apiVersion' is a required", "$: 'metadata'", "$: 'spec'"]),
    ],
)
def test_outputs_against_the_published_files(output: str, words: list[str]) -> None:
    found = violations(output)
    assert len(found) == len(words)
    assert all(message.startswith(start) for message, start in zip(found, words, strict=True)), found


@pytest.mark.parametrize(("variant", "version"), VARIANTS)
def test_what_is_compiled_holds_to_the_published_files(variant: str, version: str) -> None:
    role = "metadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n" if variant == "openshift" else ""
    body = "storage: {files: [{path: /a, mode: 0644, contents: {inline: b}}]}\n"
    target = "fcos" if variant == "machine" else ""
    result = compile_source(f"variant: {variant}\nversion: {version}\n{role}{body}".encode(), "a", Options(target=target))
    assert result.output is not None, [entry.raw() for entry in result.report]
    assert violations(result.output) == []
