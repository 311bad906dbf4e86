"""Values of a cloud-config, each with its place: YAML nodes read as cloud-init reads them (YAML 1.1), reports of what they are not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.importer.user_data import UserData
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, Source
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Path, Place, Report

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off"))
_NUMBER = re.compile(r"[-+]?(?:0[0-7]+|0x[0-9a-fA-F]+|0|[1-9][0-9]*)\Z")
_MOST_VALUES = 200_000  # values that a cloud-config may have, those of aliases counted each time
_WORDS = {MAPPING: "a mapping", SEQUENCE: "a list"}

declare(
    "import-value",
    title="A value of the cloud-config cannot be read",
    why="cloud-init would refuse the value, warn of it on the machine only, or take it for something else than it says.",
    fix="Write the value in the form that the message names.",
)
declare(
    "import-unknown-key",
    title="The cloud-config has an unknown key",
    why="cloud-init ignores keys that it does not know, so what the key says has never been done. A typing error is likely.",
    fix="Mend the key, or remove it.",
)
declare(
    "import-lost",
    title="Something of the cloud-config is not carried over",
    why="Neither Ignition nor the system has what the key asks for. The Butane config does without it.",
    fix="Do what the hint says, or without it.",
    severity=WARNING,
)
declare(
    "import-differs",
    title="Something of the cloud-config is carried over with a difference",
    why="The Butane config does nearly the same; the message names the difference.",
    fix="Check that the difference is none for you.",
    severity=WARNING,
)


class TooLarge(Exception):
    """Aliases make the text too large."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.message)
        self.entry = entry


class Reader:
    """What all values of one text share."""

    def __init__(self, user_data: UserData, name: str, report: Report) -> None:
        self.source = Source(user_data.text.encode(), name)
        self.report = report
        self.expressions = user_data.expressions
        self.secrets: list[Place] = []  # values that no excerpt of the text may show
        self._lines = user_data.text.split("\n")
        self._headers = user_data.headers
        self._count = 0

    def tick(self, node: Node) -> None:
        """Counts one value. Raises TooLarge."""
        self._count += 1
        if self._count > _MOST_VALUES:
            message = "aliases make this document far larger than it is written"
            place = self.source.node_place(node, ())
            raise TooLarge(Entry(ERROR, "import-value", message, place, "write out what the aliases stand for"))

    def restored(self, text: str) -> str:
        """`text` with the template's expressions in the place of the words that stand for them."""
        for word, (expression, _) in self.expressions.items():
            text = text.replace(word, expression)
        return text

    @property
    def shown(self) -> bytes:
        """The text as reports may show it: secrets are starred out."""
        lines = list(self._lines)
        for place in self.secrets:
            for number in range(place.line, max(place.end_line, place.line) + 1):
                line = lines[number - 1]
                first = place.column - 1 if number == place.line else 0
                last = place.end_column - 1 if number == place.end_line else len(line)
                lines[number - 1] = line[:first] + "*" * (last - first) + line[last:]
        return self.restored("\n".join(lines)).encode("utf-8", "surrogateescape")

    @property
    def heading(self) -> tuple[str, ...]:
        """The comment at the beginning of the text that is about the whole: followed by an empty line."""
        lines = self._lines[self._headers :]
        count = next((index for index, line in enumerate(lines) if not line.startswith("#")), len(lines))
        return tuple(map(_comment, lines[:count])) if count < len(lines) and not lines[count].strip() else ()

    def comment(self, line: int) -> tuple[str, ...]:
        """The lines of comment right above a line (from 1) that begins a key or an entry of a list."""
        text = self._lines[line - 1]
        indent = len(text) - len(text.lstrip())
        first = line - 1
        while first > self._headers:
            above = self._lines[first - 1]
            # What is indented more belongs to the text of the value before.
            if not above.lstrip().startswith("#") or len(above) - len(above.lstrip()) > indent:
                break
            first -= 1
        return tuple(_comment(above.strip()) for above in self._lines[first : line - 1])


def _comment(line: str) -> str:
    return line.removeprefix("#").removeprefix(" ").rstrip()


class Value:
    """One value: its node (aliases followed), the path to it, and the node of its key."""

    __slots__ = ("_written", "key", "node", "path", "reader")

    def __init__(self, reader: Reader, node: Node, path: Path, key: Node | None = None) -> None:
        self._written = node
        while node.kind == ALIAS:
            reader.tick(node)
            assert node.target is not None
            node = node.target
        reader.tick(node)
        self.reader = reader
        self.node = node
        self.path = path
        self.key = key

    @property
    def place(self) -> Place:
        return self.reader.source.node_place(self._written, self.path)

    @property
    def remark(self) -> tuple[str, ...]:
        """The comment above the value, or above its key."""
        return self.reader.comment((self.key or self._written).line)

    @property
    def null(self) -> bool:
        return self.node.kind == SCALAR and self.node.plain and self.node.value in _NULLS

    @property
    def is_mapping(self) -> bool:
        return self.node.kind == MAPPING

    @property
    def is_list(self) -> bool:
        return self.node.kind == SEQUENCE

    @property
    def is_text(self) -> bool:
        return self.node.kind == SCALAR and not self.null

    @property
    def shown(self) -> str:
        """The value in a message, shortened."""
        if self.node.kind != SCALAR:
            return _WORDS[self.node.kind]
        text = self.reader.restored(self.node.value)
        return repr(text if len(text) <= 60 else f"{text[:60]}…")

    def error(self, message: str, hint: str = "", code: str = "import-value") -> None:
        self.reader.report.add(ERROR, code, message, self.place, hint)

    def not_carried(self, name: str, sentence: str) -> None:
        """Warns of a key that is not carried; the sentence is the reason, and behind a semicolon the way out."""
        why, _, hint = sentence.partition("; ")
        self.lost(f"{name} is not carried over: {why}", hint)

    def lost(self, message: str, hint: str = "") -> None:
        """Warns of what is not carried, at the key where the value has one."""
        self.reader.report.add(WARNING, "import-lost", message, self._key_place, hint)

    def differs(self, message: str, hint: str = "") -> None:
        self.reader.report.add(WARNING, "import-differs", message, self._key_place, hint)

    def info(self, message: str) -> None:
        self.reader.report.add(INFO, "import-differs", message, self._key_place)

    @property
    def _key_place(self) -> Place:
        return self.reader.source.node_place(self.key, self.path) if self.key is not None else self.place

    def hide(self) -> Value:
        """Keeps the value, a secret, out of what reports show of the text."""
        self.reader.secrets.append(self.place)
        return self

    def unknown(self, known: list[str]) -> None:
        """Reports the key of the value, which is none of `known`."""
        from butane_py.linter.rule import near

        name = str(self.path[-1])
        close = near(name, known)
        hint = f"write {close}" if close else "remove it: cloud-init ignores it too"
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        self.reader.report.add(ERROR, "import-unknown-key", f"unknown key `{shown}`", self._key_place, hint)

    def mapping(self) -> dict[str, Value]:
        """The values of a mapping by their keys, merge keys followed; reports another kind of value."""
        if self.null:
            return {}
        if self.node.kind != MAPPING:
            self.error(f"this has to be a mapping, not {self.shown}", "write keys with their values in lines below it")
            return {}
        found: dict[str, Value] = {}
        self._collect(self.node, found, 0)
        return found

    def _collect(self, node: Node, found: dict[str, Value], depth: int) -> None:
        merges = []
        for key, value in node.items:
            name = key.target if key.kind == ALIAS and key.target is not None else key
            if name.kind != SCALAR:
                self.error("a key has to be one word")
            elif name.value == "<<" and name.plain:
                merges.append(value)
            elif name.value not in found:
                found[name.value] = Value(self.reader, value, (*self.path, name.value), key)
            elif depth == 0:
                found[name.value].error(
                    f"the key {name.value[:60]!r} is in this mapping twice", "remove one of the two"
                )
        for value in merges:
            for each in value.items if value.kind == SEQUENCE else [value]:
                target = each.target if each.kind == ALIAS else each
                if target is None or target.kind != MAPPING or depth > 50:
                    self.error("<< takes a mapping or a list of mappings")
                else:
                    self._collect(target, found, depth + 1)

    def items(self) -> list[Value]:
        """The values of a list; reports another kind of value. Null entries are left out."""
        if self.null:
            return []
        if self.node.kind != SEQUENCE:
            self.error(f"this has to be a list, not {self.shown}", "begin each entry with `- `")
            return []
        values = [Value(self.reader, node, (*self.path, index)) for index, node in enumerate(self.node.items)]
        return [value for value in values if not value.null]

    def text(self, *, templated: bool = False) -> str:
        """A scalar as text, "" for null; reports another kind of value, and an expression of the template unless it may have one."""
        if self.null:
            return ""
        if self.node.kind != SCALAR:
            self.error(f"this has to be a text, not {self.shown}")
            return ""
        text = self.reader.restored(self.node.value)
        if text != self.node.value and not templated:
            self.error(
                "metadata of the instance can stand in contents and commands alone",
                "write the value",
                "import-template",
            )
            return self.node.value
        return text

    def texts(self) -> list[str]:
        """The texts of a list, or of a text with commas between them."""
        if self.is_text:
            return [part for part in map(str.strip, self.text().split(",")) if part]
        return [text for text in (value.text() for value in self.items()) if text]

    def flag(self, *, default: bool) -> bool:
        """A boolean of YAML 1.1; reports anything else."""
        if self.null:
            return default
        word = self.node.value.lower() if self.node.kind == SCALAR else ""
        if word not in _TRUE | _FALSE:
            self.error(f"this has to be true or false, not {self.shown}")
        return word in _TRUE

    def number(self) -> int | None:
        """A whole number, in quotes too; reports anything else."""
        text = self.node.value.strip() if self.node.kind == SCALAR else ""
        if not _NUMBER.match(text) or len(text) > 18:
            self.error(f"this has to be a whole number, not {self.shown}")
            return None
        digits = text.lstrip("+-")
        value = int(digits, 16 if digits[:2] == "0x" else 8 if digits[0] == "0" and self.node.plain else 10)
        return -value if text[0] == "-" else value

    def take(self, known: dict[str, str]) -> Iterator[tuple[str, Value]]:
        """Names and values of a mapping whose names are in `known`; reports others, and warns of those that have a sentence there.

        Dashes in names count as underscores, as in older versions of cloud-init.
        """
        for name, value in self.mapping().items():
            plain = name.replace("-", "_")
            sentence = known.get(plain)
            if sentence is None:
                value.unknown(list(known))
            elif sentence:
                value.not_carried(name, sentence)
            elif not value.null:
                yield plain, value


def reader_of(user_data: UserData, name: str, report: Report) -> Value:
    """The root of a cloud-config. Raises YamlError."""
    reader = Reader(user_data, name, report)
    root = reader.source.root
    return Value(reader, root if root is not None else Node(MAPPING, 1, 1), ())
