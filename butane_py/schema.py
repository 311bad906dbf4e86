"""JSON Schemas of the Butane language, a schema a row of the variants, from the same tables that the decoder reads.

The plain schema accepts what the compiler decodes; keys without meaning are allowed, since the compiler only warns about them.
The strict one is for editors: it knows no other keys, leaves out what the variant refuses, and offers the values of fields that
have few. Both leave the decision to the compiler: a schema cannot say that two fields exclude each other.
"""

from __future__ import annotations

from butane_py import tables
from butane_py.features.boot_device import layouts
from butane_py.features.machine_config import KERNELS
from butane_py.variants import VARIANTS, Variant
from ignition_py.spec.schema import SchemaBuilder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ignition_py.spec.model import Field, Struct


def butane_schema(variant: str, version: str, *, strict: bool = False) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one variant at one version, such as ("fcos", "1.5.0"). Raises KeyError for others."""
    row = VARIANTS[variant, version]
    builder = _Builder(row, strict=strict)
    return builder.document(tables.Config, f"butane/{variant}-{version}.json", f"Butane config, {variant} {version}")


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

    def value(self, entry: Field) -> dict[str, Any]:
        schema = super().value(entry)
        if entry.kind == "map":
            schema["additionalProperties"] = {"type": "string"}
        elif id(entry) in self._values:
            schema["enum"] = list(self._values[id(entry)])
        return schema


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
