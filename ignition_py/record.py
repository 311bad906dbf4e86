"""Value classes from annotations: slots, constructor, repr and equality, without importing `dataclasses` (64 Minstr of a start).

    class Region(Record):
        start: int
        size: int = 0
        _: KW_ONLY
        label: str = ""
        notes: list[str] = field(default_factory=list)

    Region(8, label="a")      # by position in the order of the annotations, or by name
    region.but(size=16)       # a changed copy

Fields of base classes come first. What follows `_: KW_ONLY` is given by name. A class may have an `__init__` of its own.
Names in `HIDDEN` (secrets) are left out of the repr. Modules of records need `from __future__ import annotations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import KW_ONLY as KW_ONLY
    from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

    T = TypeVar("T")

    def field(*, default_factory: Callable[[], T]) -> T: ...

else:

    class KW_ONLY:  # noqa: N801  # the name that dataclasses gives it
        """Marks where the fields begin that are given by name."""

    class field:  # noqa: N801  # a function for type checkers
        """The default of a field, made anew for each instance."""

        def __init__(self, *, default_factory):
            self.make = default_factory

    def dataclass_transform(**_):
        return lambda cls: cls


class _Meta(type):
    """Turns the annotations of a class body into slots, and its values into defaults."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        fields: dict[str, bool] = {}
        defaults: dict[str, Any] = {}
        for base in bases:
            fields.update(getattr(base, "FIELDS", {}))
            defaults.update(getattr(base, "DEFAULTS", {}))
        own = []
        named = False
        for attribute, kind in body.get("__annotations__", {}).items():
            if kind == "KW_ONLY":
                named = True
            elif not kind.startswith("ClassVar"):
                own.append(attribute)
                fields[attribute] = named
                if attribute in body:
                    defaults[attribute] = body.pop(attribute)
        inherited = {slot for base in bases for ancestor in base.__mro__ for slot in getattr(ancestor, "__slots__", ())}
        body["__slots__"] = tuple(name for name in own if name not in inherited)
        body["FIELDS"], body["DEFAULTS"] = fields, defaults
        body["POSITIONAL"] = tuple(attribute for attribute, by_name in fields.items() if not by_name)
        return super().__new__(cls, name, bases, body)


@dataclass_transform(field_specifiers=(field,))
class Record(metaclass=_Meta):
    """The base of value classes; see the module."""

    FIELDS: ClassVar[dict[str, bool]]  # name -> given by name only
    DEFAULTS: ClassVar[dict[str, Any]]
    POSITIONAL: ClassVar[tuple[str, ...]]
    HIDDEN: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *values: Any, **named: Any) -> None:
        """Raises TypeError for missing, unknown and superfluous values."""
        fields, defaults = self.FIELDS, self.DEFAULTS
        positional = self.POSITIONAL
        if len(values) > len(positional):
            raise TypeError(f"{type(self).__name__} takes {len(positional)} values by position, not {len(values)}")
        given = {**dict(zip(positional, values, strict=False)), **named}
        if len(given) < len(values) + len(named) or not given.keys() <= fields.keys():
            wrong = sorted((named.keys() - fields.keys()) or named.keys() & set(positional[: len(values)]))
            raise TypeError(f"{type(self).__name__}: unknown or repeated: {', '.join(wrong)}")
        for name in fields:
            if name in given:
                value = given[name]
            elif name in defaults:
                value = defaults[name]
                if type(value) is field:
                    value = value.make()
            else:
                raise TypeError(f"{type(self).__name__} needs {name}")
            setattr(self, name, value)

    def but(self, **changes: Any) -> Self:
        """A copy with other values."""
        return type(self)(**{**{name: getattr(self, name) for name in self.FIELDS}, **changes})

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.FIELDS))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.FIELDS if name not in self.HIDDEN)
        return f"{type(self).__name__}({', '.join(shown)})"
