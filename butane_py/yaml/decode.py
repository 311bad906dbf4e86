"""YAML nodes to typed config objects, by the tables: scalars are read by the type of the field, as yaml.v3 does.

`yes` is a boolean only where the field is one, 0644 is octal, a null leaves a field out (and an item of a list away), merge
keys and aliases are followed. Wrong types are collected, all of them, with their places.
Source: YAML 1.2 core schema with yaml.v3's additions, measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from butane_py.yaml import scalars
from butane_py.yaml.scalars import NULLS
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, At, Node, Source, YamlError, short_tag
from butane_py.yaml.types import TypeProblem, repeated_key, wrong_type
from ignition_py.report.diag import Path
from ignition_py.spec.model import Field, Struct

S = TypeVar("S", bound=Struct)

LAX_BOOLS = {**dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
             **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False)}  # fmt: skip
_DEEPEST_DATA = 100  # keys and indexes of a path
_MOST_MERGES = 100  # inside of one another
# How much of a document may come from aliases: yaml.v3's bounds against expansion bombs.
_WRITE_OUT = "write out what the aliases stand for"
_FREE_NODES, _LOW, _HIGH = 1000, 400_000, 4_000_000


class _Null:
    """What a null decodes to: no value, and no item of a list."""


NULL = _Null()


class Decoder:
    """Decodes one source at one row's versions; collects problems of type."""

    def __init__(self, source: Source, levels: dict[str, int]) -> None:
        self.source = source
        self.levels = levels
        self.problems: list[TypeProblem] = []
        # True if the text may hold unknown keys, nulls or aliases; only then are unknown keys looked for.
        self.unusual = source.aliased
        self._fields: dict[type[Struct], dict[str, Field]] = {}
        self._count = 0
        self._alias_count = 0
        self._open: list[Node] = []
        self._merging = 0

    def fields(self, cls: type[Struct]) -> dict[str, Field]:
        """The fields that `cls` has in this row, by YAML name."""
        known = self._fields.get(cls)
        if known is None:
            known = {name: e for name, e in cls.FIELDS.items() if e.axis in self.levels and e.at(self.levels[e.axis])}
            self._fields[cls] = known
        return known

    def _tick(self) -> None:
        self._count += 1
        if self._open:
            self._alias_count += 1
        if self._alias_count > 100 and self._count > _FREE_NODES:
            share = (
                0.99
                if self._count <= _LOW
                else 0.10
                if self._count >= _HIGH
                else 0.99 - 0.89 * (self._count - _LOW) / (_HIGH - _LOW)
            )
            if self._alias_count / self._count > share:
                node = self._open[0]
                raise YamlError("aliases make this document far larger than it is written", node.line, node.column, _WRITE_OUT)

    def _wrong(self, node: Node, path: Path, wanted: str, struct: type[Struct] | None = None) -> None:
        """Notes a node that has to be of another type; `wanted` is a key of WANTED, or words."""
        self.problems.append(wrong_type(node, path, wanted, struct))

    def struct(
        self, cls: type[S], node: Node, path: Path, into: S | None = None, taken: set[str] | None = None
    ) -> S | None:
        """A mapping (or null: None) as a `cls`. What a merge key names is decoded into `into`, without the keys in `taken`."""
        if node.kind == ALIAS:
            followed: S | None = self._followed(node, lambda target: self.struct(cls, target, path, into, taken))
            return followed
        if self.source.aliased:
            self._tick()
        if node.kind != MAPPING:
            self.unusual = True
            if node.kind != SCALAR or not is_null(node):
                self._wrong(node, path, "mapping", cls)
            return None
        if self._duplicated(node, path):
            return None
        made = into if into is not None else cls.__new__(cls)
        values = made.__dict__
        if into is None:
            values["_origin"] = At(self.source, path)
        known = self.fields(cls)
        merge: Node | None = None
        unplain: set[str] | None = None  # keys that are written in an odd way: two of them may be one
        for key_node, value_node in node.items:
            if key_node.value == "<<" and _is_merge(key_node):
                merge, self.unusual = value_node, True
                continue
            key = self._key(key_node)
            if key is None or key != key_node.value:
                self.unusual = True
            if key is None:
                continue
            if taken is not None:
                if key in taken:
                    continue
                taken.add(key)
            entry = known.get(key)
            if entry is None:
                self.unusual = True
            elif (key_node.tag or key_node.kind == ALIAS or unplain) and self._set_twice(
                node, key_node, key, path, unplain := unplain or set()
            ):
                continue
            elif entry.kind == "str" and not entry.many and not value_node.tag and not value_node.plain:
                values[key] = value_node.value
            else:
                value = self._value(entry, value_node, (*path, key))
                if value is not NULL:
                    values[key] = value
        if merge is not None:
            self._merge(node, merge, taken, lambda each, keys: self.struct(cls, each, path, made, keys))
        return made

    def _set_twice(self, node: Node, key_node: Node, key: str, path: Path, seen: set[str]) -> bool:
        """Is the field given twice, by keys that are not the same text? Only asked where a key has a tag or is an alias."""
        if not seen:
            for other, _ in node.items:
                if other is key_node:
                    break
                if (text := self._key(other)) is not None:
                    seen.add(text)
        if key in seen:
            self.problems.append(TypeProblem(f"the key {key!r} is in this mapping already", key_node, (*path, key), code="key-repeated"))
            return True
        seen.add(key)
        return False

    def _duplicated(self, node: Node, path: Path) -> bool:
        seen: dict[tuple[int, str], Node] = {}
        before = len(self.problems)
        for key_node, _ in node.items:
            first = seen.setdefault((key_node.kind, key_node.value), key_node)
            if first is not key_node:
                self.problems.append(repeated_key(first, key_node, path))
        return len(self.problems) > before

    def _key(self, node: Node) -> str | None:
        """A key as text; None for a null and for what cannot be a key of the language."""
        if self.source.aliased:
            self._tick()
        if node.kind == ALIAS:
            target = node.target
            return self._key(target) if target is not None and target.kind != ALIAS else None
        if node.kind != SCALAR:
            self._wrong(node, (), "a plain key")
            return None
        if node.tag and node.tag != "!":
            node = _tagged(node)
        return None if is_null(node) else node.value

    def _merge(
        self, parent: Node, merge: Node, taken: set[str] | None, decode: Callable[[Node, set[str]], object]
    ) -> None:
        """The merge key: what neither the mapping itself nor a mapping that it is merged into has set."""
        if taken is None:
            keys = (self._key(key) for key, _ in parent.items if key.kind in (SCALAR, ALIAS))
            taken = {key for key in keys if key is not None}
        self._merging += 1
        if self._merging > _MOST_MERGES:
            raise YamlError(f"merge keys lead to merge keys more than {_MOST_MERGES} deep", merge.line, merge.column, "write the keys out")
        for node in merge.items if merge.kind == SEQUENCE else [merge]:
            target = node.target if node.kind == ALIAS else node
            if target is None or target.kind != MAPPING:
                raise YamlError("<< takes a mapping or a list of mappings", merge.line, merge.column, "write <<: *name")
            decode(node, taken)
        self._merging -= 1

    def _followed(self, node: Node, decode: Any) -> Any:
        if node in self._open:
            raise YamlError(f"the anchor &{node.value} contains itself", node.line, node.column, "write out what the alias stands for")
        self._tick()
        self._open.append(node)
        try:
            return decode(node.target)
        finally:
            self._open.pop()

    def _value(self, entry: Field, node: Node, path: Path) -> Any:
        """The value of a field, NULL to leave it out."""
        if not entry.many:
            return self._one(entry, node, path)
        if node.kind == ALIAS:
            return self._followed(node, lambda target: self._value(entry, target, path))
        if node.kind != SEQUENCE:
            if node.kind != SCALAR or not is_null(node):
                self._wrong(node, path, "list", entry.struct)
            return NULL
        if self.source.aliased:
            self._tick()
        items: list[Any] = []
        for item in node.items:
            value = self._one(entry, item, (*path, len(items)))
            if value is NULL:
                self.unusual = True
            else:
                items.append(value)
        return tuple(items)

    def _one(self, entry: Field, node: Node, path: Path) -> Any:
        kind = entry.kind
        if kind == "struct":
            assert entry.struct is not None
            made = self.struct(entry.struct, node, path)
            return NULL if made is None else made
        if node.kind == ALIAS:
            return self._followed(node, lambda target: self._one(entry, target, path))
        if self.source.aliased:
            self._tick()
        if kind == "map":
            return self._map(node, path)
        if kind == "any":
            return self.data(node, path) if node.kind == MAPPING else self._map(node, path)
        if node.kind != SCALAR:
            self._wrong(node, path, kind)
            return NULL
        if node.tag and node.tag != "!":
            node = _tagged(node)
        if node.plain and node.value in NULLS:
            return NULL
        if kind == "str":
            return node.value
        value = _bool(node) if kind == "bool" else whole_number(node)
        if value is None:
            self._wrong(node, path, kind)
            return NULL
        return value

    def _map(self, node: Node, path: Path, into: dict[str, str] | None = None, taken: set[str] | None = None) -> Any:
        """A mapping of strings. A null value is an empty string; what a merge key brings comes last."""
        if node.kind == ALIAS:
            return self._followed(node, lambda target: self._map(target, path, into, taken))
        if node.kind != MAPPING:
            if node.kind != SCALAR or not is_null(node):
                self._wrong(node, path, "map")
            return NULL
        if self._duplicated(node, path):
            return NULL
        out: dict[str, str] = {} if into is None else into
        fresh = into is None
        for key, value_node in self._entries(node, taken):
            value = self._text(value_node, (*path, key))
            if value is not None or (_null_tagged(value_node) and (fresh or key not in out)):
                out[key] = value or ""
        merge = _merged(node)
        if merge is not None:
            self._merge(node, merge, taken, lambda each, keys: self._map(each, path, out, keys))
        return out

    def _entries(self, node: Node, taken: set[str] | None) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping, without merge keys and what `taken` has already; `taken` learns of each key."""
        for key_node, value_node in node.items:
            if key_node.value == "<<" and _is_merge(key_node):
                continue
            key = self._key(key_node)
            if key is None or (taken is not None and key in taken):
                continue
            if taken is not None:
                taken.add(key)
            yield key, value_node

    def data(self, node: Node, path: Path, into: dict[str, Any] | None = None, taken: set[str] | None = None) -> Any:
        """Data that no table describes: dicts, lists, and scalars as the core schema resolves them; a timestamp is a string."""
        if len(path) > _DEEPEST_DATA:
            raise YamlError(f"data is nested more than {_DEEPEST_DATA} deep here", node.line, node.column, "nest it less")
        if node.kind == ALIAS:
            return self._followed(node, lambda target: self.data(target, path, into, taken))
        if self.source.aliased:
            self._tick()
        if node.kind == SCALAR:
            return _resolved(_tagged(node) if node.tag and node.tag != "!" else node)
        if node.kind == SEQUENCE:
            return [self.data(item, (*path, index)) for index, item in enumerate(node.items)]
        if self._duplicated(node, path):
            return {}
        out: dict[str, Any] = {} if into is None else into
        for key, value_node in self._entries(node, taken):
            out[key] = self.data(value_node, (*path, key))
        merge = _merged(node)
        if merge is not None:
            self._merge(node, merge, taken, lambda each, keys: self.data(each, path, out, keys))
        return out

    def _text(self, node: Node, path: Path) -> str | None:
        """A string; None for a null and for what is none."""
        if node.kind == ALIAS:
            text: str | None = self._followed(node, lambda target: self._text(target, path))
            return text
        if node.kind != SCALAR:
            self._wrong(node, path, "str")
            return None
        if node.tag and node.tag != "!":
            node = _tagged(node)
        return None if is_null(node) else node.value


def _resolved(node: Node) -> object:
    """The value of a scalar without a tag; what is written in quotes is a string."""
    if not node.plain:
        return node.value
    tag, value = scalars.resolve(node.value)
    return node.value if tag == scalars.TIMESTAMP else value


def is_null(node: Node) -> bool:
    """True for a scalar that stands for no value."""
    if node.value not in NULLS:
        return False
    return node.plain if node.tag in ("", "!") else short_tag(node.tag) == scalars.NULL


def _null_tagged(node: Node) -> bool:
    target = node.target if node.kind == ALIAS else node
    return target is not None and target.kind == SCALAR and is_null(target)


def _merged(node: Node) -> Node | None:
    """The value of a mapping's last merge key."""
    return next((value for key, value in reversed(node.items) if key.value == "<<" and _is_merge(key)), None)


def _is_merge(node: Node) -> bool:
    return node.kind == SCALAR and (node.plain if node.tag in ("", "!") else short_tag(node.tag) == scalars.MERGE)


def _bool(node: Node) -> bool | None:
    if node.plain and node.value in scalars.BOOLS:
        return scalars.BOOLS[node.value]
    return LAX_BOOLS.get(node.value)


def whole_number(node: Node) -> int | None:
    """The number that a scalar stands for, None where it is none or out of range."""
    if not node.plain:
        return None
    number = scalars.resolve(node.value)[1]
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    if isinstance(number, float):
        return scalars.truncated(number)
    return number if number <= scalars.INT_MAX else None


def _tagged(node: Node) -> Node:
    """A scalar with an explicit tag, as the untagged scalar that decodes the same. Raises YamlError."""
    tag, text = short_tag(node.tag), node.value
    plain, value = True, text
    if tag == scalars.BINARY:
        import base64

        try:
            value, plain = base64.b64decode("".join(text.split("\n")), validate=True).decode("utf-8", "surrogateescape"), False
        except ValueError:
            raise YamlError("the value of !!binary is not base64", node.line, node.column, "encode it with base64") from None
    elif tag == scalars.STR or tag not in scalars.RESOLVABLE:
        plain = False
    else:
        found = scalars.resolve(text, tag)[0]
        if found != tag and not (tag == scalars.FLOAT and found == scalars.INT):
            raise YamlError(f"{text!r} cannot be read as {tag}", node.line, node.column, "remove the tag")
    return Node(SCALAR, node.line, node.column, value, "", plain)
