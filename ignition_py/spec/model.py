"""The machinery of the language tables: a structure is a class, a field is an annotated class attribute.

`spec/tables.py` and `butane_py/tables.py` declare every field once, with the version it came in:

    class Partition(Struct):
        label: str | None = field("Name of the partition.", since=0)

The annotation is the type for mypy and, read as text, the type for the decoder, the schemas and the encoder. After class
creation the attribute holds the value an absent field has (None, "", 0, False, () or an empty structure), so decoded
objects store only what the config says. Objects are never changed once they are built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeVar

from ignition_py.report.diag import Place

NEVER = 1 << 30  # a version number after all others
SCALARS = ("str", "int", "bool")
_ZERO: dict[str, object] = {"str": "", "int": 0, "bool": False}


class Origin:
    """Where a value came from. Sources (YAML nodes, JSON documents) subclass it; positions are worked out when asked."""

    __slots__ = ()

    def place(self) -> Place:
        """The place of the value itself."""
        return Place(())

    def field(self, entry: Field) -> Origin | None:
        """The origin of a field of this structure, None where the source does not have it."""
        return None

    def item(self, index: int) -> Origin | None:
        """The origin of an item of this list, None where the source does not have it."""
        return None

    def spelled(self, entry: Field) -> str:
        """How this source spells the name of a field."""
        return entry.name


def extended(place: Place, *more: str | int) -> Place:
    return Place((*place.path, *more), place.line, place.column, place.source)


class Field:
    """One row of a language table.

    `kind` is str, int, bool, struct, map (strings to strings) or any (data as it is written); `many` tells a list;
    `optional` that absence differs from the zero value.
    `since`/`until` bound the versions that have the field (`until` is the first without it); `required` bounds those
    that always write it (`required_since <= version < required_until`). `appended` lists keep duplicates and are
    appended in a merge; lists of one `namespace` share their keys. `nullable` bounds the versions in which the
    reference holds a structure behind a pointer, so that null means absent. `axis` names the version that `since`
    counts: the minor version of the Ignition spec, or that of a Butane variant's own sections.
    """

    __slots__ = (
        "appended", "axis", "default", "doc", "enum", "json", "kind", "many", "name", "namespace", "nullable", "optional",
        "required_since", "required_until", "secret", "since", "struct", "struct_name", "until",
    )  # fmt: skip

    def __init__(self, doc: str, since: int, until: int, **facts: Any) -> None:
        self.doc = doc
        self.since = since
        self.until = until
        self.required_since: int = facts["required"][0]
        self.required_until: int = facts["required"][1]
        self.secret: bool = facts["secret"]
        self.json: str = facts["json"]
        self.enum: tuple[str, ...] = facts["enum"]
        self.appended: bool = facts["appended"]
        self.axis: str = facts["axis"]
        self.namespace: str = facts["namespace"]
        self.nullable: tuple[int, int] = facts["nullable"]
        self.name = ""
        self.kind = ""
        self.many = False
        self.optional = False
        self.struct: type[Struct] | None = None
        self.struct_name = ""
        self.default: object = None

    def at(self, version: int) -> bool:
        """Does the language have this field at `version`?"""
        return self.since <= version < self.until

    def required_at(self, version: int) -> bool:
        return self.required_since <= version < self.required_until

    def rebound(self, structs: dict[str, type[Struct]]) -> Field:
        """This field, or a copy of it whose structure is the one of the same name in a derived language."""
        struct = structs.get(self.struct_name)
        if struct is None or struct is self.struct:
            return self
        new = Field.__new__(Field)
        for slot in Field.__slots__:
            setattr(new, slot, getattr(self, slot))
        new.struct = struct
        new.default = () if self.many else struct()
        return new

    def bind(self, name: str, annotation: str, structs: dict[str, type[Struct]]) -> None:
        """Reads the annotation: `str`, `str | None`, `tuple[str, ...]`, `dict[str, str]`, `dict[str, Any]`, `Name`, `tuple[Name, ...]`."""
        self.name = name
        self.json = self.json or camel(name)
        if annotation.endswith(" | None"):
            annotation, self.optional = annotation[:-7], True
        if annotation.startswith("tuple["):
            annotation, self.many = annotation[6:].partition(",")[0], True
        if annotation == "dict[str, str]":
            self.kind, self.default = "map", {}
            return
        if annotation == "dict[str, Any]":
            self.kind, self.default = "any", {}
            return
        if annotation in SCALARS:
            self.kind = annotation
            self.default = None if self.optional else _ZERO[annotation]
        else:
            self.kind, self.struct_name = "struct", annotation.rpartition(".")[2]
            self.struct = structs[self.struct_name]
            self.default = self.struct()
        if self.many:
            self.default = ()


def camel(name: str) -> str:
    """`wipe_table` as `wipeTable`, `size_mib` as `sizeMiB`: the JSON spelling of a field."""
    head, *tail = name.split("_")
    return head + "".join("MiB" if part == "mib" else part.capitalize() for part in tail)


def field(
    doc: str,
    since: int = 0,
    until: int = NEVER,
    *,
    required: bool | tuple[int, int] = False,
    secret: bool = False,
    json: str = "",
    enum: tuple[str, ...] = (),
    appended: bool = False,
    namespace: str = "",
    nullable: tuple[int, int] = (NEVER, NEVER),
    axis: str = "spec",
) -> Any:
    """Declares a field; see `Field`. `required=True` means required from `since` on."""
    span = required if isinstance(required, tuple) else (since if required else NEVER, until)
    return Field(
        doc, since, until, required=span, secret=secret, json=json, enum=enum,
        appended=appended, namespace=namespace, nullable=nullable, axis=axis,
    )  # fmt: skip


class Struct:
    """A structure of the language. Subclasses declare fields; instances hold the values that the config gives."""

    FIELDS: ClassVar[dict[str, Field]] = {}
    BY_JSON: ClassVar[dict[str, Field]] = {}
    _registry: ClassVar[dict[str, dict[str, type[Struct]]]] = {}

    def __init__(self, origin: Origin | None = None, **values: object) -> None:
        d = self.__dict__
        d.update({name: value for name, value in values.items() if value is not None})
        if origin is not None:
            d["_origin"] = origin

    _origin: Origin | None = None
    _sources: dict[str, Origin] | None = None

    def __init_subclass__(cls) -> None:
        structs = Struct._registry.setdefault(cls.__module__, {})
        scope = {name: known for module in Struct._registry.values() for name, known in module.items()}
        scope.update(structs)
        fields = {name: entry.rebound(structs) for name, entry in cls.FIELDS.items()}
        annotations = cls.__dict__.get("__annotations__", {})
        for name, value in list(cls.__dict__.items()):
            if isinstance(value, Field):
                value.bind(name, annotations[name], scope)
                fields.pop(name, None)
                fields[name] = value
        cls._install(fields)
        structs[cls.__name__] = cls

    @classmethod
    def _install(cls, fields: dict[str, Field]) -> None:
        cls.FIELDS = fields
        cls.BY_JSON = {entry.json: entry for entry in fields.values()}
        for name, entry in fields.items():
            setattr(cls, name, entry.default)

    def key(self) -> str | None:
        """What tells this entry from others of its list; None where the language gives such entries no key."""
        return None

    def place(self) -> Place | None:
        """Where the entry is in its config; None for one that no text has."""
        return self._origin.place() if self._origin is not None else None

    def has(self, name: str) -> bool:
        """True if the config sets the field (as opposed to its absent value)."""
        return name in self.__dict__

    def items(self) -> Iterator[tuple[Field, Any]]:
        """The fields that are set, in table order."""
        values = self.__dict__
        for name, entry in self.FIELDS.items():
            if name in values:
                yield entry, values[name]

    def but(self, **changes: object) -> Self:
        """A copy with other values; None takes a field away."""
        new = self.__class__.__new__(self.__class__)
        new.__dict__.update(self.__dict__)
        for name, value in changes.items():
            if value is None:
                new.__dict__.pop(name, None)
            else:
                new.__dict__[name] = value
        return new

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]  # holds mutable-looking values; identity is never a key

    def __repr__(self) -> str:
        shown = ", ".join(f"{e.name}={'<hidden>' if e.secret else repr(v)}" for e, v in self.items())
        return f"{type(self).__name__}({shown})"


S = TypeVar("S", bound=Struct)


def extends(cls: type[S]) -> type[S]:
    """Adds the fields that a class declares to the structure that it derives from, and to all that derive from that.

    Gives back that structure: at run time the class and its base are one, and type checkers see the fields in both. A feature adds
    its fields to the language like this.
    """
    base: Any = cls.__bases__[0]
    own = {name: cls.FIELDS[name] for name in cls.__dict__["__annotations__"] if name in cls.FIELDS}
    known = Struct._registry[cls.__module__]
    if known.get(cls.__name__) is cls:
        del known[cls.__name__]
    for each in [base, *(struct for module in Struct._registry.values() for struct in module.values())]:
        if issubclass(each, base):
            each._install({**each.FIELDS, **own})
    return base  # type: ignore[no-any-return]  # the base has all that the class declares
