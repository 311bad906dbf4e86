"""Values that come from outside of a config: what inventories, `--vars`, `--env`, `--var`, defaults and `with:` give to variables.

Every value knows its place and the layer that it belongs to. Its type is worked out where a declaration asks for it
(fleet/types.py): the source text of a scalar is kept, so that 0644, 1.10 and yes stay what is written.
"""

from __future__ import annotations

from typing import Any

from butane_py.yaml.source import ALIAS, SCALAR, SEQUENCE, Node, Source, YamlError
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Path, Place

# Kinds of values.
TEXT, LIST, MAP = "text", "list", "map"
# How a text is written. WORD: without quotes in YAML, or a number, true, false or null in JSON; the text itself tells its type.
# QUOTED: a string, whatever its text looks like. LOOSE: a cell of CSV, `--var`, the environment; the declared type decides.
WORD, QUOTED, LOOSE = "word", "quoted", "loose"
# Kinds of layers, from the weakest to the strongest.
DEFAULT, ALL, GROUP, HOST, FILE, ENV, VAR, WITH = LAYERS = (
    "default", "all", "group", "host", "vars", "env", "var", "with",
)  # fmt: skip
_MOST_VALUES = 200_000  # in one text; aliases can make a small text this large
_DEEPEST = 64


class Layer(Record):
    """What gave a value: its kind (one of LAYERS) and the name of the group, host or file."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


class HostFacts(Record):
    """What `${{ host.name }}` and `${{ host.groups }}` stand for. `groups` are in the order of precedence, the weakest first."""

    name: str
    groups: tuple[str, ...] = ()
    place: Place = Place(())


class Value(Record):
    """One value with its place.

    kind: TEXT, LIST or MAP. text: a scalar as it is written, quotes and escapes resolved. style: WORD, QUOTED or LOOSE. items: of a
    LIST. members: of a MAP. secret: the source is one of secrets (a sops file), whatever the declaration says. overrides: the value of
    the same variable in the next weaker layer, for `--explain-var`. made_of: the values that a default or a `with:` was put
    together from.
    """

    kind: str
    place: Place
    layer: Layer
    _: KW_ONLY
    text: str = ""
    style: str = QUOTED
    items: tuple[Value, ...] = ()
    members: dict[str, Value] = {}  # noqa: RUF012  # never changed
    secret: bool = False
    overrides: Value | None = None
    made_of: tuple[Value, ...] = ()

    HIDDEN = ("text", "items", "members", "overrides", "made_of")

    @property
    def is_null(self) -> bool:
        """True for null: `~`, `null` or nothing at all without quotes in YAML, null in JSON."""
        return self.kind == TEXT and self.style == WORD and self.text in ("", "~", "null", "Null", "NULL")


def of_text(text: str, place: Place, layer: Layer, *, secret: bool = False) -> Value:
    """A text whose type the declaration decides: a cell, the value of `--var`, of an environment variable."""
    return Value(TEXT, place, layer, text=text, style=LOOSE, secret=secret)


def of_data(data: Any, place: Place, layer: Layer, *, secret: bool = False) -> Value:
    """Data of Python, as callers of the library have it. Raises TypeError for what JSON does not have."""
    if isinstance(data, str):
        return Value(TEXT, place, layer, text=str.__str__(data), secret=secret)  # of a subclass, such as Ansible's, the plain text
    if data is None or isinstance(data, bool | int):
        text = "null" if data is None else str(data).lower()
        return Value(TEXT, place, layer, text=text, style=WORD, secret=secret)
    if isinstance(data, float):
        return Value(TEXT, place, layer, text=repr(data), style=WORD, secret=secret)
    if isinstance(data, list | tuple):
        return Value(LIST, place, layer, items=tuple([of_data(item, place, layer, secret=secret) for item in data]), secret=secret)
    if hasattr(data, "items"):
        members = {str(key): of_data(item, place, layer, secret=secret) for key, item in data.items()}
        return Value(MAP, place, layer, members=members, secret=secret)
    raise TypeError(f"a {type(data).__name__} is not a value of a variable")


def of_node(node: Node, source: Source, layer: Layer, path: Path = (), *, secret: bool = False) -> Value:
    """A node of a YAML or JSON text, with its aliases and merge keys resolved; `path` is its path in the text.

    Raises YamlError for keys that are no scalars or are repeated, and for aliases that lead to themselves or make too much.
    """
    return _Reader(source, layer, secret=secret).value(node, path, ())


class _Reader:
    """Makes values of the nodes of one text."""

    def __init__(self, source: Source, layer: Layer, *, secret: bool) -> None:
        self.source = source
        self.layer = layer
        self.secret = secret
        self.left = _MOST_VALUES

    def value(self, node: Node, path: Path, above: tuple[Node, ...]) -> Value:
        """`above` are the collections and aliases that the node lies in."""
        self.left -= 1
        uses = getattr(node, "uses", ())  # of a default or with: that names variables
        if uses:
            return self._made(node, path, above, tuple([use.value for use in uses]))
        if self.left < 0:
            raise YamlError("the text has too many values", node.line, node.column, "write less, or fewer aliases")
        if len(above) > _DEEPEST:
            raise YamlError(f"values are nested more than {_DEEPEST} deep", node.line, node.column, "nest them less")
        if node.kind == ALIAS:
            if node in above or node.target is None:
                raise YamlError(f"the anchor &{node.value} contains itself", node.line, node.column, "write it out")
            return self.value(node.target, path, (*above, node))
        place = self.source.node_place(node, path)
        if node.kind == SCALAR:
            style = WORD if node.plain and node.tag in ("", "!") else QUOTED
            return Value(TEXT, place, self.layer, text=node.value, style=style, secret=self.secret)
        inside = (*above, node)
        if node.kind == SEQUENCE:
            items = [self.value(item, (*path, index), inside) for index, item in enumerate(node.items)]
            return Value(LIST, place, self.layer, items=tuple(items), secret=self.secret)
        return Value(MAP, place, self.layer, members=self._members(node, path, inside), secret=self.secret)

    def _made(self, node: Node, path: Path, above: tuple[Node, ...], made_of: tuple[Value, ...]) -> Value:
        """The value of a node that other values have made. It is secret if one of them is."""
        secret = self.secret or any(value.secret for value in made_of)
        kind = {SCALAR: TEXT, SEQUENCE: LIST}.get(node.kind, MAP)
        made = Value(kind, self.source.node_place(node, path), self.layer, secret=secret, made_of=made_of)
        if kind == TEXT:
            return made.but(text=node.value, style=WORD if node.plain else QUOTED)
        if kind == LIST:
            return made.but(items=tuple([self.value(item, (*path, index), above) for index, item in enumerate(node.items)]))
        return made.but(members={key.value: self.value(below, (*path, key.value), above) for key, below in node.items})

    def _members(self, node: Node, path: Path, above: tuple[Node, ...]) -> dict[str, Value]:
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key, below in node.items:
            if key.kind != SCALAR:
                raise YamlError("a key is a name", key.line, key.column, "write a word before the colon")
            if key.value == "<<" and key.plain:
                merged.update(self._merged(below, path, above))
            elif key.value in own:
                raise YamlError(f"the key {key.value!r} is given twice", key.line, key.column, "remove one of the two")
            else:
                own[key.value] = self.value(below, (*path, key.value), above)
        return {**merged, **own}

    def _merged(self, node: Node, path: Path, above: tuple[Node, ...]) -> dict[str, Value]:
        """The members that a merge key brings: of a list of mappings the first counts."""
        made: dict[str, Value] = {}
        for each in reversed(node.items if node.kind == SEQUENCE else [node]):
            value = self.value(each, path, above)
            if value.kind != MAP:
                raise YamlError("<< takes a mapping or a list of mappings", node.line, node.column, "write <<: *name")
            made.update(value.members)
        return made


def plain(value: Value) -> Any:
    """The value as data of JSON, types told by the texts alone; LOOSE texts are strings. For values that no declaration types."""
    if value.kind == LIST:
        return [plain(item) for item in value.items]
    if value.kind == MAP:
        return {name: plain(item) for name, item in value.members.items()}
    if value.style != WORD:
        return value.text
    from butane_py.yaml import scalars

    if value.is_null:
        return None
    tag, resolved = scalars.resolve(value.text)
    return resolved if tag in (scalars.BOOL, scalars.INT, scalars.FLOAT) else value.text
