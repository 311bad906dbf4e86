"""JSON values to typed config objects, by the tables: the step after parsing, before the rules.

Types are checked here, so that everything behind works with objects whose types hold. Keys match as the reference's
decoder matches them: exactly, else without regard to case. Keys that mean nothing are collected, not refused.
"""

from __future__ import annotations

from ignition_py.spec.jsontext import GivenTwice, JsonDocument, JsonOrigin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from ignition_py.report.diag import Path
    from ignition_py.spec.model import Field, Struct

    S = TypeVar("S", bound=Struct)

_INT = 1 << 63
_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}


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


class Decoder:
    """Decodes one document at one version; `unused` and `mismatched` collect what deserves a warning."""

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

    def _fold(self, cls: type[Struct], key: str) -> Field | None:
        folded = self._folded.get(cls)
        if folded is None:
            folded = {name.casefold(): entry for name, entry in self.fields(cls).items()}
            self._folded[cls] = folded
        entry = folded.get(key.casefold())
        return entry if entry is not None and len(entry.json) == len(key) else None

    def struct(self, cls: type[S], raw: dict[str, Any], path: Path, *, exact: bool = True) -> S:
        """`raw` as a `cls`. `exact` is False below a key that matched only without regard to case. Raises WrongType."""
        known = self.fields(cls)
        values: dict[str, Any] = {"_origin": JsonOrigin(self.document, path)}
        seen: dict[str, Any] = {}
        for key, value in raw.items():
            entry = known.get(key)
            here = exact
            if entry is None:
                if exact:
                    self.unused.append((*path, key))
                entry = self._fold(cls, key)
                if entry is None:
                    continue
                here = False
            name = entry.name
            if name in seen:
                from ignition_py.spec.exact import both

                value = both(seen[name], value)  # the field has been given before
                values.pop(name, None)
            seen[name] = value
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
            return self._given_twice(entry, value, path, exact, False)
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
        elif type(value) is _TYPES[entry.kind] and (type(value) is not int or -_INT <= value < _INT):
            return _repaired(value) if type(value) is str else value
        return self._given_twice(entry, value, path, exact, in_list)

    def _given_twice(self, entry: Field, value: Any, path: Path, exact: bool, in_list: bool) -> Any:
        """What a key that is given more than once comes to (spec/exact.py). Raises WrongType where `value` is not of such a key."""
        from ignition_py.spec.exact import joined

        if type(value) is not GivenTwice:
            raise WrongType(path, value, entry, in_list)

        def decoded(each: Any) -> Any:
            return self._one(entry, each, path, exact, True) if in_list else self._value(entry, each, path, exact)

        clears = entry.many or entry.optional or entry.nullable[0] <= self.version < entry.nullable[1]
        left: Any = None
        unused, mismatched = len(self.unused), len(self.mismatched)
        for each, offset in zip(value.values, value.offsets, strict=True):
            del self.unused[unused:], self.mismatched[mismatched:]  # the reference looks for them in the last value alone
            try:
                decoded(each)
            except WrongType as error:
                if error.offset < 0 <= offset:
                    error.offset = _offset_inside(self.document.data, offset, error, error.path[len(path) :])
                raise
            left = joined(left, each, null_clears=clears and not in_list)
        unused, mismatched = len(self.unused), len(self.mismatched)
        whole = decoded(left)
        del self.unused[unused:], self.mismatched[mismatched:]
        return whole


def _offset_inside(data: bytes, offset: int, error: WrongType, path: Path) -> int:
    """The byte that an error at `path` below the value at `offset` is placed at."""
    if not path:
        return offset
    from ignition_py.spec.jsonscan import build_tree

    node = build_tree(data[offset - 1 :], huge=True)
    for part in path:
        node = node.items.get(part) if node is not None else None
    if node is None:
        return offset
    return offset - 1 + (node.start if isinstance(error.found, dict | list) else node.end)


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
