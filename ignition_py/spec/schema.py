"""JSON Schemas from the tables: one generator for all versions of both languages.

Unknown keys are allowed, since the languages only warn about them; `strict` forbids them, for editors. Only keywords
that `check.accepts` reads are used: type, properties, required, items, enum, $ref, additionalProperties.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ignition_py.spec import tables
from ignition_py.spec.model import Field, Struct

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {"str": "string", "int": "integer", "bool": "boolean"}


def identifier(path: str) -> str:
    """The `$id` of a schema file below schemas/: absolute, as the dialect wants it, and a name rather than a place on the network."""
    return f"urn:ignition-py:schemas:{path.removesuffix('.json').replace('/', ':')}"


class SchemaBuilder:
    """Builds one schema. `at` tells whether a field is there, `name` how it is spelled, `required` whether it has to be."""

    def __init__(
        self,
        at: Callable[[Field], bool],
        name: Callable[[Field], str],
        required: Callable[[Field], bool],
        *,
        strict: bool,
    ) -> None:
        self.at = at
        self.name = name
        self.required = required
        self.strict = strict
        self.defs: dict[str, Any] = {}

    def struct(self, cls: type[Struct]) -> dict[str, Any]:
        fields = [entry for entry in cls.FIELDS.values() if self.at(entry)]
        doc = (cls.__doc__ or cls.__name__).strip().splitlines()[0]
        schema: dict[str, Any] = {
            "title": cls.__name__,
            "description": doc,
            "type": "object",
            "properties": {self.name(entry): self.field(entry) for entry in fields},
        }
        required = [self.name(entry) for entry in fields if self.required(entry)]
        if required:
            schema["required"] = required
        if self.strict:
            schema["additionalProperties"] = False
        return schema

    def field(self, entry: Field) -> dict[str, Any]:
        value = self.value(entry)
        if entry.many:
            return {"description": entry.doc, "type": "array", "items": value}
        return {"description": entry.doc, **value}

    def value(self, entry: Field) -> dict[str, Any]:
        if entry.struct is None:
            if entry.kind in ("map", "any"):
                return {"type": "object"}
            return {"type": _TYPES[entry.kind], **({"enum": list(entry.enum)} if entry.enum else {})}
        name = entry.struct.__name__
        if name not in self.defs:
            self.defs[name] = {}  # the place in the order of first use, also for what refers to itself
            self.defs[name] = self.struct(entry.struct)
        return {"$ref": f"#/$defs/{name}"}

    def document(self, cls: type[Struct], path: str, title: str) -> dict[str, Any]:
        """A whole schema; `path` is that of its file below schemas/."""
        root = self.struct(cls)
        return {"$schema": DIALECT, "$id": identifier(path), **root, "title": title, "$defs": self.defs}


def ignition_schema(version: str, *, strict: bool = False) -> dict[str, Any]:
    """The schema of the Ignition spec `version` (such as 3.4.0)."""
    minor = tables.VERSIONS[version]

    def required(entry: Field) -> bool:
        return entry.required_at(minor) and not (entry.optional or entry.many)

    builder = SchemaBuilder(lambda entry: entry.at(minor), lambda entry: entry.json, required, strict=strict)
    path = f"{'strict/' if strict else ''}ignition/{version}.json"
    return builder.document(tables.Config, path, f"Ignition config {version}")
