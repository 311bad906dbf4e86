"""The JSON Schema of the variables of a config, for its inventories: editors complete and check the variables of hosts and groups.

It allows every layout of fleet/inventory that is YAML or JSON and written by hand, and variables of others beside those of the config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from butane_py.fleet.declarations import BOOL, INT, LIST, MAP, OBJECT, STRING, Declaration, Type

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What the text of a scalar may look like to a reader of YAML that is not told that a string is wanted.
_TEXT = ["string", "number", "boolean"]
_FORMATS = {"ipv4": "ipv4", "ipv6": "ipv6", "url": "uri"}
_PATTERNS = {
    "hostname": r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$",
    "cidr": r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$",
    "ip": r"^[0-9A-Fa-f.:]+$",
    "mac": r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$",
    "path": r"^/",
    "base64": r"^[A-Za-z0-9+/]*={0,2}$",
}


def schema(name: str, declarations: Mapping[str, Declaration]) -> dict[str, Any]:
    """The schema of inventories for a config, which is called `name`."""
    variables = {each.name: variable(each) for each in declarations.values()}
    named = {"type": "object", "additionalProperties": {"anyOf": [_ref("host"), {"type": "null"}]}}
    # What has `all`, `hosts` or `children` is a group; a host is not told from one with wrong variables otherwise.
    lone = {"allOf": [_ref("host"), {"properties": {"hosts": False, "children": False}}]}
    mapped = {"type": "object", "properties": {"all": False}, "additionalProperties": {"anyOf": [lone, {"type": "null"}]}}
    groups = {"type": "object", "additionalProperties": {"anyOf": [_ref("group"), {"type": "null"}]}}
    return {
        "$schema": _DIALECT,
        "title": f"Inventory of {name}",
        "anyOf": [
            {"description": "Ansible's layout", **groups},
            {"description": "a map of names to hosts", **mapped},
            {"description": "a list of hosts", "type": "array", "items": {"allOf": [_ref("host"), {"anyOf": _NAMED}]}},
        ],
        "$defs": {
            "host": {"type": "object", "properties": {**variables, "groups": {"type": "array", "items": {"type": "string"}}}},
            "vars": {"type": "object", "properties": {**variables, "ansible_group_priority": {"type": "integer"}}},
            "group": {
                "type": "object",
                "properties": {"vars": _nullable("vars"), "hosts": {**named, "type": ["object", "null"]},
                               "children": {**groups, "type": ["object", "null"]}},
                "additionalProperties": False,
            },
        },
    }  # fmt: skip


_NAMED = [{"required": ["name"]}, {"required": ["host"]}]


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _nullable(name: str) -> dict[str, Any]:
    return {"anyOf": [_ref(name), {"type": "null"}]}


def variable(declaration: Declaration) -> dict[str, Any]:
    """The schema of the values of one variable."""
    found = _type(declaration.type)
    leaf = found["items"] if declaration.type.kind == LIST else found
    if declaration.one_of:
        leaf["enum"] = list(declaration.one_of)
    leaf.update({key: value for key, value in (("minimum", declaration.minimum), ("maximum", declaration.maximum)) if value is not None})
    if declaration.pattern is not None:
        leaf["pattern"] = f"^(?:{declaration.pattern.source.removeprefix('^').removesuffix('$')})$"
    if declaration.length is not None:
        least, most = declaration.length
        kind = "Items" if declaration.type.kind == LIST else "Length"
        found[f"min{kind}"] = least
        if most is not None:
            found[f"max{kind}"] = most
    if declaration.nullable:
        found = {"anyOf": [found, {"type": "null"}]}
    text = declaration.description or f"{declaration.type}"
    return {"description": text, **found, **({"writeOnly": True} if declaration.secret else {})}


def _type(type_: Type) -> dict[str, Any]:
    kind = type_.kind
    if kind == LIST:
        return {"type": "array", "items": _type(_inner(type_))}
    if kind == MAP:
        return {"type": "object", "additionalProperties": _type(_inner(type_))}
    if kind == OBJECT:
        return {
            "type": "object",
            "properties": {name: _optional(each, name in type_.optional) for name, each in type_.members.items()},
            "required": [name for name in type_.members if name not in type_.optional],
            "additionalProperties": False,
        }
    if kind in (INT, BOOL):
        return {"type": "integer" if kind == INT else "boolean"}
    if kind == STRING:
        return {"type": list(_TEXT)}
    found: dict[str, Any] = {"type": "string"}
    if kind in _FORMATS:
        found["format"] = _FORMATS[kind]
    if kind in _PATTERNS:
        found["pattern"] = _PATTERNS[kind]
    return found


def _optional(type_: Type, optional: bool) -> dict[str, Any]:
    return {"anyOf": [_type(type_), {"type": "null"}]} if optional else _type(type_)


def _inner(type_: Type) -> Type:
    assert type_.item is not None
    return type_.item
