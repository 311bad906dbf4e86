"""Unknown keys: why a language does not have a key at a place, and what was probably meant.

One answer for Ignition configs of all versions and for Butane configs (butane_py/unknown.py adds the variants): another spelling, a field
of a newer version, a field of the structure around it or below it, a typing error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Path
from ignition_py.spec.model import Field, Struct

Fields: TypeAlias = "Callable[[type[Struct]], dict[str, Field]]"  # the fields of a structure at the config's version, as they are spelled
Came: TypeAlias = "Callable[[Field], tuple[str, str]]"  # why the config's version lacks a field, and the way out

MAX_ANSWERS = 100  # unknown keys of one text that are explained; of the others only the name and the place are said
_CHOICES = 2  # structures below that may be meant; with more the key says nothing
_NEAR = 0.7  # how alike a typing error and the key that was meant are at least; see difflib
_LONGEST = 100  # characters of a key that may be a typing error; comparing longer ones takes time


class Answer(Record):
    """`message` names the key and the cause, `hint` the way out; `write` is the key to write instead, where that is certain."""

    message: str
    hint: str = ""
    _: KW_ONLY
    write: str = ""


def explain(root: type[Struct], path: Path, fields: Fields, came: Came, spelled: str) -> Answer:
    """The answer for the last key of `path` in a config that is a `root`.

    `spelled` is the attribute of a field that has its spelling, `name` or `json`.
    """
    key, where = str(path[-1]), place_name(path)
    chain = _structs(root, path, spelled)
    known = fields(chain[-1])
    other = spelling(key, known)
    if other:
        return Answer(f"unknown key `{shown(key)}` {where}; it is spelled `{other}`", f"write {other}", write=other)
    later = {getattr(entry, spelled): entry for entry in chain[-1].FIELDS.values()}
    if name := spelling(key, later):
        cause, hint = came(later[name])
        return Answer(f"unknown key `{key}` {where}: {cause}", hint)
    for levels in range(1, len(chain)):
        if key in fields(chain[-1 - levels]):
            upper = place_name(_above(path, levels))
            up = "one level up" if levels == 1 else f"{levels} levels up"
            return Answer(f"unknown key `{key}` {where}; it belongs {up}, {upper}", "give it the indentation of the keys there")
    below = [entry for entry in known.values() if entry.struct is not None and key in fields(entry.struct)]
    below = [entry for entry in below if not entry.many] or below
    if 0 < len(below) <= _CHOICES:
        into = [getattr(entry, spelled) for entry in below]
        names = " or ".join(f"`{name}`" for name in into)
        return Answer(f"unknown key `{key}` {where}; it belongs one level down, in {names}", f"write it below {into[0]}")
    return typo(key, where, known)


def _above(path: Path, levels: int) -> Path:
    """The path without the names of the last `levels` structures."""
    while levels:
        path = path[:-1]
        levels -= isinstance(path[-1], str)
    return path


def typo(key: str, where: str, known: Collection[str]) -> Answer:
    """The answer for a key of which only the names of the fields beside it are known."""
    other = spelling(key, known)
    close = [other] if other else []
    if not close and len(key) < _LONGEST:
        from difflib import get_close_matches

        close = get_close_matches(key, list(known), 1, _NEAR)
    if close:
        return Answer(f"unknown key `{shown(key)}` {where}; did you mean `{close[0]}`?", write=close[0])
    hint = "remove it, or see whether its indentation puts it into the wrong mapping"
    return Answer(f"unknown key `{shown(key)}` {where}", hint)


def spelling(key: str, known: Collection[str]) -> str:
    """The name that `key` differs from only by case, dashes and underscores; empty where there is none."""
    plain = _plain(key)
    return next((name for name in known if _plain(name) == plain), "") if plain else ""


def _plain(key: str) -> str:
    return key[:_LONGEST].casefold().replace("_", "").replace("-", "")


def place_name(path: Path) -> str:
    """The mapping that the last key of `path` stands in, with its preposition: "in storage.files"."""
    names = ".".join(str(part) for part in path[:-1] if isinstance(part, str))
    return f"in {names}" if names else "at the top level"


def shown(key: str) -> str:
    """A key as it is shown in a message."""
    return key if len(key) < _LONGEST else f"{key[:_LONGEST]}…"


def _entries(root: type[Struct], path: Path, spelled: str) -> list[Field]:
    """The fields on the way to the last key of `path`."""
    found: list[Field] = []
    cls: Any = root
    for part in path[:-1]:
        if isinstance(part, str):
            entry = next(each for each in cls.FIELDS.values() if getattr(each, spelled) == part)
            found.append(entry)
            cls = entry.struct
    return found


def _structs(root: type[Struct], path: Path, spelled: str) -> list[type[Struct]]:
    """The structures on the way to the last key of `path`, the root first."""
    return [root, *(entry.struct for entry in _entries(root, path, spelled) if entry.struct is not None)]
