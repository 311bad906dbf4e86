"""Does data hold to its JSON Schema? The last check of the compiler's output, and of the config that the executor's
fetch stages leave for the others.

The schemas that the tables generate use few keywords, so a small reader of them accepts what is right in no time;
what it does not accept is taken to `jsonschema`, which says what is wrong. A property test holds that the two agree.
"""

from __future__ import annotations

from typing import Any

from ignition_py.spec import tables

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list, tuple),
}
_made: dict[int, dict[str, Any]] = {}


class SchemaViolation(ValueError):
    """Data that does not hold to its schema; the message is jsonschema's."""


def schema_for(version: int) -> dict[str, Any]:
    """The schema of the Ignition spec with that minor version: what schemas/ignition/ holds, made from the tables, which is
    faster than reading the file."""
    if version not in _made:
        from ignition_py.spec.schema import ignition_schema

        _made[version] = ignition_schema(next(text for text, minor in tables.VERSIONS.items() if minor == version))
    return _made[version]


def accepts(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Does `value` hold to `schema`? Only for schemas that the tables generate."""
    reference = schema.get("$ref")
    if reference is not None:
        return accepts(value, root["$defs"][reference.rpartition("/")[2]], root)
    wanted = _TYPES.get(schema.get("type", ""))
    if wanted is not None and (type(value) not in wanted):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                return False
        strict = schema.get("additionalProperties", True) is False
        for key, below in value.items():
            entry = properties.get(key)
            if entry is None:
                if strict:
                    return False
            elif not accepts(below, entry, root):
                return False
    elif wanted is not None and list in wanted and "items" in schema:
        items = schema["items"]
        return all(accepts(item, items, root) for item in value)
    return True


def check_output(data: dict[str, Any], version: int) -> None:
    """Raises SchemaViolation where `data` is no Ignition config of that minor version. That is a mistake of the program."""
    schema = schema_for(version)
    if accepts(data, schema, schema):
        return
    try:
        import jsonschema
    except ImportError:  # an initramfs carries what accepts, not what explains
        raise SchemaViolation(
            "it does not hold to the language's JSON Schema (jsonschema, which could say where, is not installed)"
        ) from None

    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(data), key=lambda error: list(map(str, error.path))
    )
    if errors:
        raise SchemaViolation(f"{errors[0].json_path}: {errors[0].message}")
