"""What `vars:` declares: names, types and constraints. fleet/variables.py reads them, fleet/types.py holds values against them."""

from __future__ import annotations

from typing import Any

from butane_py.fleet.pattern import Pattern
from butane_py.fleet.values import Value
from butane_py.yaml.decode import is_null
from butane_py.yaml.source import SCALAR, Node
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Place

# Types of one value. All but int and bool are strings, those behind string of a certain form.
STRING, INT, BOOL = "string", "int", "bool"
FORMS = ("hostname", "ip", "ipv4", "ipv6", "cidr", "mac", "url", "path", "ssh_key", "base64")
SINGLE = (STRING, INT, BOOL, *FORMS)
# Types of several values.
LIST, OBJECT, MAP = "list", "object", "map"


class Type(Record):
    """A type: `kind` is one of SINGLE, LIST, OBJECT or MAP.

    item: the type of the items of a LIST and of the values of a MAP. members: name -> type of an OBJECT. optional: the members that
    may be left out (written with a question mark: `name?`); they are null then.
    """

    kind: str
    _: KW_ONLY
    item: Type | None = None
    members: dict[str, Type] = {}  # noqa: RUF012  # never changed
    optional: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.kind == LIST:
            return f"[{self.item}]"
        if self.kind == MAP:
            return f'{{"*": {self.item}}}'
        if self.kind == OBJECT:
            inside = (f"{name}{'?' * (name in self.optional)}: {type_}" for name, type_ in self.members.items())
            return f"{{{', '.join(inside)}}}"
        return self.kind


class Declaration(Record):
    """One variable of `vars:`.

    place: of its key. default: the node of its default, None where it has none and a value is required; a default may name other
    variables. one_of: the texts that are allowed. minimum, maximum: of an int. length: least and most characters of a string, or
    items of a list. unique: no two hosts have the same value. description: for editors.
    """

    name: str
    type: Type
    place: Place
    _: KW_ONLY
    default: Node | None = None
    one_of: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    length: tuple[int, int | None] | None = None
    pattern: Pattern | None = None
    unique: bool = False
    secret: bool = False
    description: str = ""

    @property
    def required(self) -> bool:
        """True if a value has to be given."""
        return self.default is None

    @property
    def nullable(self) -> bool:
        """True if the variable may be null: its default is null."""
        return self.default is not None and self.default.kind == SCALAR and is_null(self.default)


class Bound(Record):
    """The value of a variable for one host, held against its declaration.

    value: with its place and layer (`overrides` is the chain of `--explain-var`). data: str, int, bool, None, lists and dicts of them.
    secret: True if the value may not be shown: it is declared secret, comes from a file of secrets, or is made of such a value.
    """

    declaration: Declaration
    value: Value
    data: Any
    secret: bool = False

    HIDDEN = ("value", "data")
