"""Values of a wrong type: what was written, what the field takes, and what to write instead."""

from __future__ import annotations

import re

from butane_py.yaml import scalars
from butane_py.yaml.source import MAPPING, SCALAR, SEQUENCE, Node
from ignition_py.record import Record
from ignition_py.report.diag import Path
from ignition_py.spec.model import Struct
from ignition_py.spec.secrets import fields_by_name
from ignition_py.spec.words import WANTED

_KINDS = {MAPPING: WANTED["mapping"], SEQUENCE: WANTED["list"]}
_LONGEST = 40  # characters of a value that is shown whole
_LETTERS = re.compile(r"[-dl]?([r-])([w-])([xsS-])([r-])([w-])([xsS-])([r-])([w-])([xtT-])")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT])(?:i?[bB])?\s*")
_UNITS = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}  # in MiB
_TRUE, _FALSE = ("yes", "y", "on", "1", "true", "enabled", "enable"), ("no", "n", "off", "0", "false", "disabled", "disable")
_TEMPLATE = re.compile(r"\{\{|\$\{|\{%")


class TypeProblem(Record):
    """A node that is not what its field needs. `fix` is the text to write in its place where that is certain."""

    message: str
    node: Node
    path: Path
    hint: str = ""
    fix: str = ""
    code: str = "wrong-type"
    first: Node | None = None  # of a key that is repeated


def repeated_key(first: Node, again: Node, path: Path) -> TypeProblem:
    """A key that stands in a mapping twice."""
    message = f"the key {again.value!r} is in this mapping already, in line {first.line}"
    hint = "join the two: put the entries of one below the other" if again.value in _SECTIONS else "remove one of the two"
    return TypeProblem(message, again, (*path, again.value), hint, code="key-repeated", first=first)


_SECTIONS = frozenset(
    ("storage", "systemd", "passwd", "ignition", "files", "directories", "links", "units", "users", "disks", "filesystems")
)


def wrong_type(node: Node, path: Path, wanted: str, struct: type[Struct] | None = None) -> TypeProblem:
    """The problem of `node`, which has to be what `wanted` says (a key of WANTED).

    `struct` is the structure of the mapping, or of each entry of the list.
    """
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "the config")
    hidden = _may_hold_a_secret(name, struct)
    text = "a text" if hidden else f"{node.value!r}" if len(node.value) < _LONGEST else "a long text"
    what = _KINDS.get(node.kind) or text
    hint, fix = _way_out(node, name, wanted, struct)
    if hidden:
        for value in filter(None, _values(node)):
            hint = hint.replace(f" {value}", " …").replace(f"[{value}]", "[…]")
    words = WANTED.get(wanted, wanted)
    return TypeProblem(f"{name} is {what}; it has to be {words}", node, path, hint, fix)


def _may_hold_a_secret(name: str, struct: type[Struct] | None) -> bool:
    """True if what stands there may be meant for a secret field: of that name, or of the structure that should stand there."""
    return fields_by_name().get(name, False) or (struct is not None and any(entry.secret for entry in struct.FIELDS.values()))


def _values(node: Node) -> list[str]:
    """The texts that a hint may quote."""
    return [node.value] if node.kind == SCALAR else [item.value for item in node.items if node.kind == SEQUENCE and item.kind == SCALAR]


def _way_out(node: Node, name: str, wanted: str, struct: type[Struct] | None) -> tuple[str, str]:
    """The hint, and the text that replaces the node where it is certain."""
    if node.kind == MAPPING and _is_template(node):
        return f"render the template first, or put its braces in quotes: {name}: \"{{{{ … }}}}\"", ""
    if node.kind == SCALAR and _TEMPLATE.search(node.value):
        return "this is a template that has not been rendered: render it before compiling", ""
    if wanted == "list":
        return _as_list(node, name, struct), ""
    if wanted in ("mapping", "map"):
        return _as_mapping(node, name, struct), ""
    if wanted == "int":
        return _as_number(node, name)
    if wanted == "bool":
        return _as_bool(node, name)
    if wanted == "str":
        return _as_text(node, name)
    return "write a key as one word, such as `path`; braces of a template need quotes, or are to be rendered first", ""


def _is_template(node: Node) -> bool:
    """True for `{{ x }}`: a mapping whose only key is a mapping."""
    return len(node.items) == 1 and node.items[0][0].kind == MAPPING


def _as_list(node: Node, name: str, struct: type[Struct] | None) -> str:
    if node.kind == SCALAR:
        if struct is not None:
            return f"begin each entry with `- ` in a line below {name}:"
        return f"write {name}: [{node.value}]" if len(node.value) < _LONGEST else "put it into a list: a line `- …` for each entry"
    first = node.items[0][0].value if node.items else ""
    known = struct.FIELDS if struct is not None else {}
    if first and first not in known:
        key = "name" if "name" in known else "path" if "path" in known else "device" if "device" in known else ""
        if key:
            return f"the list has entries, each with its {key}: write `- {key}: {first}` and the other keys below it"
    return f"begin each entry with `- `, such as `- {first}: …`" if first else "begin each entry with `- `"


def _as_mapping(node: Node, name: str, struct: type[Struct] | None) -> str:
    if node.kind == SEQUENCE:
        return f"{name} has keys of its own: remove the dashes" if name != "the config" else "a config has keys: remove the dashes"
    fields = list(struct.FIELDS) if struct is not None else []
    text = node.value if len(node.value) < _LONGEST else "…"
    for key in ("inline", "source", "name", "id", "path", "hash"):
        if key in fields:
            key = "source" if key == "inline" and re.match(r"[a-z0-9+.-]+://", node.value) else key
            key = "id" if key == "name" and "id" in fields and node.value.isdigit() else key
            return f"write {name}: {{{key}: {text}}}"
    return f"write the keys of {name} in lines below it" + (f": {', '.join(fields[:6])}" if fields else "")


def _as_number(node: Node, name: str) -> tuple[str, str]:
    text = node.value.strip()
    if node.kind != SCALAR:
        return f"write one number, such as {name}: {'0644' if name.endswith('mode') else '1'}", ""
    if name.endswith("mode"):
        return _as_mode(node, text)
    size = _SIZE.fullmatch(text)
    if size and name.endswith("_mib"):
        mib = float(size[1]) * _UNITS[size[2].lower()]
        whole = str(int(mib)) if mib == int(mib) else ""
        return (f"sizes are numbers of MiB: write {whole}", whole) if whole else ("sizes are whole numbers of MiB", "")
    if not node.plain and re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return f"write it without quotes: {text}", text
    if scalars.resolve(text)[0] in (scalars.INT, scalars.FLOAT):
        return "the number is too large for 64 bits", ""
    return "write digits alone" + (", the number of MiB" if name.endswith("_mib") else ""), ""


def _as_mode(node: Node, text: str) -> tuple[str, str]:
    if re.fullmatch(r"0?o?[0-7]{3,4}", text):
        octal = "0" + text.lower().replace("o", "").lstrip("0").rjust(3, "0")
        return f"write it without quotes: {octal}" if not node.plain else f"write {octal}", octal
    found = _LETTERS.fullmatch(text)
    if found:
        octal = f"0{_octal(found):03o}"
        return f"a mode is an octal number: write {octal}", octal
    if re.fullmatch(r"0?o?\d+", text):
        return "digits of an octal number go from 0 to 7, as in 0644", ""
    return "a mode is an octal number, such as 0644 (rw-r--r--) or 0755 (rwxr-xr-x)", ""


def _octal(found: re.Match[str]) -> int:
    """The bits of a mode in letters, special ones included."""
    mode = 0
    for place, letter in enumerate(found.groups()):
        if letter not in "-ST":
            mode |= 1 << (8 - place)
        if letter in "sS":
            mode |= 0o4000 if place == 2 else 0o2000
        if letter in "tT":
            mode |= 0o1000
    return mode


def _as_bool(node: Node, name: str) -> tuple[str, str]:
    text = node.value.strip().lower() if node.kind == SCALAR else ""
    if text in _TRUE:
        return "write true", "true"
    if text in _FALSE:
        return "write false", "false"
    return f"write {name}: true or {name}: false", ""


def _as_text(node: Node, name: str) -> tuple[str, str]:
    if node.kind == SEQUENCE and len(node.items) == 1 and node.items[0].kind == SCALAR:
        return f"it is one text: write {name}: {node.items[0].value}", ""
    if node.kind == MAPPING and name in ("contents", "inline"):
        return "write text of several lines as a block: a | behind the key, and the text below it, indented", ""
    return "write one text; put it in quotes if it has brackets, braces or ': ' in it", ""
