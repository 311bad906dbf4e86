"""JSON Schemas of the Butane language, a schema a row of the variants, from the same tables that the decoder reads.

The plain schema accepts what the compiler decodes; keys without meaning are allowed, since the compiler only warns about them.
The strict one is for editors: it knows no other keys, leaves out what the variant refuses, and offers the values of fields that
have few. Both leave the decision to the compiler: a schema cannot say that two fields exclude each other.
"""

from __future__ import annotations

import json
from typing import Any

from butane_py import tables
from butane_py.features.boot_device import layouts
from butane_py.features.machine_config import KERNELS, ROLE_LABEL
from butane_py.variants import VARIANTS, Variant, load_languages
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.schema import DIALECT, SchemaBuilder, identifier


def butane_schema(variant: str, version: str, *, strict: bool = False) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one variant at one version, such as ("fcos", "1.5.0"). Raises KeyError for others."""
    row = VARIANTS[variant, version]
    load_languages()
    builder = _Builder(row, strict=strict)
    path = f"{'strict/' if strict else ''}butane/{variant}-{version}.json"
    return builder.document(tables.Config, path, f"Butane config, {variant} {version}")


def dispatching_schema(*, strict: bool = False) -> dict[str, Any]:
    """One schema for all rows, which holds a config against that of its own variant and version."""
    definitions: dict[str, Any] = {}
    cases = []
    for variant, version in VARIANTS:
        name = f"{variant}-{version}"
        whole = butane_schema(variant, version, strict=strict)
        below = {f"{name}.{part}": schema for part, schema in whole.pop("$defs").items()}
        del whole["$schema"], whole["$id"]
        definitions.update(_renamed({name: whole, **below}, f"{_DEFINITIONS}{name}."))
        fits = {"variant": {"const": variant}, "version": {"const": version}}
        then = {"$ref": f"{_DEFINITIONS}{name}"}
        cases.append({"if": {"properties": fits, "required": ["variant", "version"]}, "then": then})
    variants = {name: [version for each, version in VARIANTS if each == name] for name, _ in VARIANTS}
    versions = [
        {"if": {"properties": {"variant": {"const": name}}, "required": ["variant"]}, "then": {"properties": {"version": {"enum": known}}}}
        for name, known in variants.items()
    ]
    properties = {
        "variant": {"description": "the operating system that the config is for", "type": "string", "enum": list(variants)},
        "version": {"description": "the version of the variant's language", "type": "string"},
    }
    return {
        "$schema": DIALECT,
        "$id": identifier(f"{'strict/' if strict else ''}butane.json"),
        "title": "Butane config",
        "description": "Butane config of any variant and version",
        "type": "object",
        "properties": properties,
        "required": ["variant", "version"],
        "allOf": [*versions, *cases],
        "$defs": _shared(definitions),
    }


def _shared(definitions: dict[str, Any]) -> dict[str, Any]:
    """The definitions without those that are the same as another of them, to which all references then lead."""
    while True:
        first: dict[str, str] = {}
        same: dict[str, str] = {}
        for name, schema in definitions.items():
            kept = first.setdefault(json.dumps(schema, sort_keys=True), name)
            if kept != name:
                same[_DEFINITIONS + name] = _DEFINITIONS + kept
        if not same:
            return definitions
        definitions = {name: _redirected(schema, same) for name, schema in definitions.items() if _DEFINITIONS + name not in same}


def _redirected(value: Any, other: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: other.get(below, below) if key == "$ref" else _redirected(below, other) for key, below in value.items()}
    return [_redirected(each, other) for each in value] if isinstance(value, list) else value


def machine_config_schema() -> dict[str, Any]:
    """What the compiler writes around an Ignition config for OpenShift. The config itself has the schema of its version."""
    text = {"type": "string"}
    texts = {"type": "array", "items": text}
    labels = {"type": "object", "required": [ROLE_LABEL], "additionalProperties": text}
    metadata = {
        "type": "object",
        "required": ["name", "labels"],
        "properties": {"name": text, "labels": labels},
        "additionalProperties": False,
    }
    version = {"type": "object", "required": ["version"], "properties": {"version": text}}
    spec = {
        "config": {"type": "object", "required": ["ignition"], "properties": {"ignition": version}},
        "extensions": texts,
        "fips": {"type": "boolean"},
        "kernelArguments": texts,
        "kernelType": {"enum": list(KERNELS)},
    }
    return {
        "$schema": DIALECT,
        "$id": identifier("machine-config.json"),
        "title": "MachineConfig",
        "description": "MachineConfig of OpenShift with an Ignition config, as the compiler writes it",
        "type": "object",
        "properties": {
            "apiVersion": {"const": "machineconfiguration.openshift.io/v1"},
            "kind": {"const": "MachineConfig"},
            "metadata": metadata,
            "spec": {"type": "object", "required": ["config"], "properties": spec, "additionalProperties": False},
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": False,
    }


_DEFINITIONS = "#/$defs/"


def _renamed(value: Any, prefix: str) -> Any:
    """A schema with references to definitions that begin with `prefix`."""
    if isinstance(value, dict):
        return {
            key: prefix + below.removeprefix(_DEFINITIONS) if key == "$ref" and isinstance(below, str) else _renamed(below, prefix)
            for key, below in value.items()
        }
    return [_renamed(each, prefix) for each in value] if isinstance(value, list) else value


class _Builder(SchemaBuilder):
    """Spells fields as the YAML does, counts versions by the field's axis, and knows what the row refuses."""

    def __init__(self, row: Variant, *, strict: bool) -> None:
        levels = row.levels

        def at(entry: Field) -> bool:
            return entry.axis in levels and entry.at(levels[entry.axis]) and not (strict and id(entry) in refused)

        def required(entry: Field) -> bool:
            return entry.required_at(levels[entry.axis]) and not (entry.optional or entry.many)

        refused = {id(entry) for entry in _refused(row)}
        super().__init__(at, lambda entry: entry.name, required, strict=strict)
        self._values: dict[int, tuple[str, ...]] = {
            id(tables.Config.FIELDS["variant"]): (row.name,),
            id(tables.Config.FIELDS["version"]): (row.version,),
        }
        if strict:
            self._values[id(tables.BootDevice.FIELDS["layout"])] = layouts(row)
            self._values[id(tables.OpenShift.FIELDS["kernel_type"])] = KERNELS

    def struct(self, cls: type[Struct]) -> dict[str, Any]:
        """A structure that is null counts as empty; the compiler warns of it, so the strict schema has none."""
        schema = super().struct(cls)
        return schema if self.strict or cls is tables.Config else {**schema, "type": ["object", "null"]}

    def field(self, entry: Field) -> dict[str, Any]:
        """A null stands for a field that is left out, and for an item that is none."""
        schema = super().field(entry)
        if entry.many:
            schema["items"] = _or_null(schema["items"])
        return schema if self.required(entry) else _or_null(schema)

    def value(self, entry: Field) -> dict[str, Any]:
        schema = super().value(entry)
        if entry.kind == "map":
            schema["additionalProperties"] = {"type": "string"}
        elif id(entry) in self._values:
            schema["enum"] = list(self._values[id(entry)])
        return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that takes null too; what a reference leads to says that itself."""
    if "$ref" in schema:
        return schema
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **enum}


def _refused(row: Variant) -> list[Field]:
    """Fields that the row refuses wherever they stand. A structure that is used elsewhere too keeps its field."""
    found = []
    for each in row.forbids:
        if not each.applies(row.levels):
            continue
        cls: type[Struct] = tables.Config
        *above, last = each.path.split(".")
        for name in above:
            below = cls.FIELDS[name].struct
            assert below is not None
            cls = below
        if cls is not tables.Resource:
            found.append(cls.FIELDS[last])
    return found
