"""What types are called in messages, in both languages: what a field has to be, and what was found instead."""

from __future__ import annotations

# What a field of a kind has to be. Structures are called objects in JSON and mappings in YAML.
WANTED = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "struct": "an object",
    "mapping": "a mapping",
    "map": "a mapping of strings",
}
# What a value of JSON is.
FOUND: dict[type, str] = {
    str: WANTED["str"],
    int: "a number",
    float: "a number with a fraction",
    bool: WANTED["bool"],
    dict: WANTED["struct"],
    list: WANTED["list"],
}


def found(value: object) -> str:
    """What a value of JSON is called."""
    return FOUND.get(type(value), "null")
