"""What butane_py.config offers, made from the tables: a class for each structure of the language, which checks names and types."""

from __future__ import annotations

from typing import Any, ClassVar

from butane_py import tables
from butane_py.variants import BUILD, load_languages
from ignition_py.spec.model import NEVER, Field, Struct

_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool, "map": dict, "any": dict}
_WORDS = {"str": "a string", "int": "an integer", "bool": "True or False", "map": "a dict of strings", "any": "a dict"}


class Builder:
    """A structure of a config that is being built. Attributes are the fields that were given; they can be set later, too."""

    FIELDS: ClassVar[dict[str, Field]] = {}

    def __init__(self, **values: Any) -> None:
        """Raises TypeError for an unknown field, a value of a wrong type, and a missing one that every version requires.

        None leaves a field out.
        """
        for name, value in values.items():
            setattr(self, name, value)
        for name, entry in self.FIELDS.items():
            if is_required(entry) and values.get(name) is None:
                raise TypeError(f"{type(self).__name__} needs {name}")

    def __setattr__(self, name: str, value: Any) -> None:
        entry = self.FIELDS.get(name)
        if entry is None:
            raise TypeError(f"{type(self).__name__} has no field {name!r}{_suggestion(name, self.FIELDS)}")
        if value is not None:
            _check(f"{type(self).__name__}.{name}", entry, value)
        self.__dict__[name] = value

    def to_data(self) -> dict[str, Any]:
        """The fields that are set, as dicts, lists, strings, numbers and booleans."""
        return {name: _data(value) for name, value in self.__dict__.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_data() == other.to_data()

    __hash__ = None  # type: ignore[assignment]  # fields can be changed

    def __repr__(self) -> str:
        shown = []
        for name, value in self.__dict__.items():
            if value is not None:
                shown.append(f"{name}={'<hidden>' if self.FIELDS[name].secret else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def is_required(entry: Field) -> bool:
    """True if every version that has the field requires it."""
    return entry.required_since <= entry.since and entry.required_until >= NEVER


def _suggestion(name: str, known: dict[str, Field]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; it has {', '.join(known)}"


def _check(name: str, entry: Field, value: Any) -> None:
    """Raises TypeError where the value does not fit the field."""
    if not entry.many:
        _check_one(name, entry, value)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_one(f"{name}[{index}]", entry, item)
    else:
        raise TypeError(f"{name} has to be a list, not {type(value).__name__}")


def _check_one(name: str, entry: Field, value: Any) -> None:
    if entry.struct is not None:
        wanted = BUILDERS[entry.struct]
        if not isinstance(value, wanted):
            raise TypeError(f"{name} has to be a butane_py.config.{wanted.__name__}, not {type(value).__name__}")
    elif type(value) is not _TYPES[entry.kind]:  # a bool is an int to isinstance
        hint = "; write modes as 0o644" if name.endswith("mode") else ""
        raise TypeError(f"{name} has to be {_WORDS[entry.kind]}, not {type(value).__name__}{hint}")
    elif entry.kind == "map" and isinstance(value, dict) and not all(type(text) is str for pair in value.items() for text in pair):
        raise TypeError(f"{name} has to be {_WORDS['map']}")


def _data(value: Any) -> Any:
    if isinstance(value, Builder):
        return value.to_data()
    return [_data(item) for item in value] if isinstance(value, (list, tuple)) else value


def _make(struct: type[Struct], builders: dict[type[Struct], type[Builder]]) -> None:
    """Adds the builder of `struct` and of all structures in it."""
    if struct in builders:
        return
    fields = {name: entry for name, entry in struct.FIELDS.items() if entry.since < NEVER and entry.axis != BUILD}
    builders[struct] = type(struct.__name__, (Builder,), {"__doc__": struct.__doc__, "__module__": "butane_py.config", "FIELDS": fields})
    for entry in fields.values():
        if entry.struct is not None:
            _make(entry.struct, builders)


load_languages()
BUILDERS: dict[type[Struct], type[Builder]] = {}
_make(tables.Config, BUILDERS)
