"""JSON values to typed config objects, by the tables: the step after parsing, before the rules.

Types are checked here, so that everything behind works with objects whose types hold. Keys match as the reference's
decoder matches them: exactly, else without regard to case. Keys that mean nothing are collected, not refused.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ignition_py.report.diag import Path
from ignition_py.spec.jsontext import JsonDocument, JsonOrigin, NeedsExact
from ignition_py.spec.model import Field, Struct

S = TypeVar("S", bound=Struct)

_INT = 1 << 63
_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool, "struct": dict}


class WrongType(ValueError):
    """A value has the wrong type; `path` says which one, and `offset`, where it is known already, which byte."""

    def __init__(self, path: Path, found: Any, entry: Field | None, in_list: bool, offset: int = -1) -> None:
        from ignition_py.spec.words import WANTED
        from ignition_py.spec.words import found as word_of

        self.offset = offset
        self.path = path
        self.found = found
        self.entry = entry
        wanted = WANTED["struct" if entry is None else "list" if entry.many and not in_list else entry.kind]
        what = word_of(found)
        if type(found) is int and entry is not None and entry.kind == "int":
            what = "a number that does not fit in 64 bits"
        super().__init__(f"{entry.json if entry is not None else 'the config'} is {what}; it has to be {wanted}")


def fits(entry: Field, value: Any) -> bool:
    """True if `value` has the type of the field, or of an item of it."""
    return type(value) is _TYPES[entry.kind] and (type(value) is not int or -_INT <= value < _INT)


class Decoder:
    """Decodes one document at one version; `unused` and `mismatched` collect what deserves a warning."""

    repeats = False  # keys of another case that repeat a field are passed over: spec/exact.py decodes them

    def __init__(self, document: JsonDocument, version: int) -> None:
        self.document = document
        self.version = version
        self.unused: list[Path] = []
        self.mismatched: list[Path] = []
        self._fields: dict[type[Struct], dict[str, Field]] = {}
        self._folded: dict[type[Struct], dict[str, Field]] = {}

    def fields(self, cls: type[Struct]) -> dict[str, Field]:
        """The fields that `cls` has at this version, by JSON name."""
        known = self._fields.get(cls)
        if known is None:
            known = {name: entry for name, entry in cls.BY_JSON.items() if entry.at(self.version)}
            self._fields[cls] = known
        return known

    def field(self, cls: type[Struct], key: str) -> Field | None:
        """The field that a key means: the one spelled so, else one that is spelled so but for the case of letters."""
        entry = self.fields(cls).get(key)
        if entry is not None:
            return entry
        folded = self._folded.get(cls)
        if folded is None:
            folded = {name.casefold(): entry for name, entry in self.fields(cls).items()}
            self._folded[cls] = folded
        entry = folded.get(key.casefold())
        return entry if entry is not None and len(entry.json) == len(key) else None

    def whole(self, cls: type[S], raw: Any) -> S:
        """The value of a text as a `cls`. Raises WrongType, and NeedsExact where keys of another case repeat a field."""
        if raw is not None and type(raw) is not dict:
            raise WrongType((), raw, None, False)
        return self.struct(cls, raw or {}, ())

    def struct(self, cls: type[S], raw: dict[str, Any], path: Path, *, exact: bool = True) -> S:
        """`raw` as a `cls`. `exact` is False below a key that matched only without regard to case. Raises WrongType, and NeedsExact."""
        known = self.fields(cls)
        values: dict[str, Any] = {"_origin": JsonOrigin(self.document, path)}
        seen: set[str] = set()
        for key, value in raw.items():
            entry = known.get(key)
            here = exact
            if entry is None:
                if exact:
                    self.unused.append((*path, key))
                entry = self.field(cls, key)
                if entry is None:
                    continue
                here = False
            name = entry.name
            if name in seen and not self.repeats:
                raise NeedsExact
            seen.add(name)
            decoded = self._value(entry, value, (*path, key), here)
            if decoded is not None:
                values[name] = decoded
        made = cls.__new__(cls)
        made.__dict__.update(values)
        return made

    def _value(self, entry: Field, value: Any, path: Path, exact: bool) -> Any:
        if value is None:
            nullable = entry.many or entry.struct is None or entry.nullable[0] <= self.version < entry.nullable[1]
            if not nullable and exact:
                self.mismatched.append(path)
            return None
        if not entry.many:
            return self._one(entry, value, path, exact, False)
        if not isinstance(value, list):
            raise WrongType(path, value, entry, False)
        if not value:
            return None
        return tuple([self._one(entry, item, (*path, i), exact, True) for i, item in enumerate(value)])

    def _one(self, entry: Field, value: Any, path: Path, exact: bool, in_list: bool) -> Any:
        cls = entry.struct
        if cls is not None:
            if type(value) is dict:
                return self.struct(cls, value, path, exact=exact)
            if value is None:
                if exact:
                    self.mismatched.append(path)
                return self.struct(cls, {}, path)
        elif value is None:
            return "" if entry.kind == "str" else 0
        elif fits(entry, value):
            return _repaired(value) if type(value) is str else value
        raise WrongType(path, value, entry, in_list)


class Claim(Decoder):
    """Reads the version that a config claims to be of, and nothing else."""

    def fields(self, cls: type[Struct]) -> dict[str, Field]:
        return {name: cls.BY_JSON[name] for name in ("ignition", "version") if name in cls.BY_JSON}


def _repaired(text: str) -> str:
    """Half a surrogate pair is no character; Go puts U+FFFD in its place."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if 0xD800 <= ord(char) < 0xE000 else char for char in text)
    return text


def type_error_offset(document: JsonDocument, error: WrongType) -> int:
    """The byte offset that the reference names for a value of a wrong type: behind a scalar, behind an opening bracket."""
    if error.offset >= 0:
        return error.offset
    node = document.find(error.path) if document.has_places else document.find_anyhow(error.path)
    if node is None:
        return 0
    return node.start if isinstance(error.found, dict | list) else node.end
