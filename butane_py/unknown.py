"""Unknown keys of a Butane config."""

from __future__ import annotations

from butane_py.yaml.source import ALIAS, MAPPING, SCALAR
from ignition_py.report.diag import WARNING, Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from butane_py.compilation import Compilation
    from butane_py.yaml.decode import Decoder
    from ignition_py.report.diag import Path
    from ignition_py.spec.model import Struct

_SUGGESTIONS = 100  # reports; looking for near names takes time
_LONGEST = 100  # characters of a key that somebody may have mistyped


def report_unknown(work: Compilation, decoder: Decoder, config: Struct) -> None:
    """Warns of keys of the text that no field has. What an alias stands for is not looked at, as in the reference."""
    _unused(work, decoder, config, ())


def _unused(work: Compilation, decoder: Decoder, struct: Struct, path: Path) -> None:
    node = work.source.find(path)
    if node is not None and node.kind == MAPPING:
        known = decoder.fields(type(struct))
        for key, _ in node.items:
            if key.value not in known and not (work.options.allow_extensions and _extension(key.value, path)):
                _unused_key(work, known, key.value, path)
    elif node is not None:
        what = "an alias" if node.kind == ALIAS else "null" if node.kind == SCALAR else "a list"
        work.warning("not-checked", f"this is {what}: keys that mean nothing are not found here", path)
    for entry, value in struct.items():
        if entry.struct is None:
            continue
        if entry.many:
            for i, item in enumerate(value):
                _unused(work, decoder, item, (*path, entry.name, i))
        else:
            _unused(work, decoder, value, (*path, entry.name))
    _null_structs(work, decoder, struct, path)


def _extension(key: str, path: Path) -> bool:
    """True for keys that hold anchors or merge them: `x-…` at the top, `<<` anywhere."""
    return key == "<<" or (not path and key.startswith("x-"))


def _null_structs(work: Compilation, decoder: Decoder, struct: Struct, path: Path) -> None:
    """Structures that the text has as null: they count as empty."""
    node = work.source.find(path)
    if node is None or node.kind != MAPPING:
        return
    for name, entry in decoder.fields(type(struct)).items():
        found = node.entry(name)
        if entry.struct is None or entry.many or name in struct.__dict__ or found is None:
            continue
        if entry.nullable[0] <= work.row.spec < entry.nullable[1]:
            continue
        if found[1].kind != SCALAR:  # a null before this item of a list was left out, and the text is that of another item
            _unused(work, decoder, entry.struct(), (*path, name))
            continue
        work.warning("null-mapping", f"{name} is null where a mapping is expected; it counts as empty", (*path, name))


def _unused_key(work: Compilation, known: dict[str, Any], key: str, path: Path) -> None:
    from difflib import get_close_matches

    close = get_close_matches(key, list(known), 1) if len(work.report) < _SUGGESTIONS and len(key) < _LONGEST else []
    message = f"the key {key} means nothing here" + (f"; did you mean {close[0]}?" if close else "")
    work.report.entries.append(Entry(WARNING, "unused-key", message, work.source.key_place((*path, key))))
