"""What lint rules look at: the config as written, the Ignition config that came of it, and texts and contents unpacked once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeAlias

from butane_py import tables
from butane_py.compilation import Compilation
from butane_py.linter.settings import Settings
from butane_py.linter.unit_text import UnitText, read_unit
from butane_py.variants import Variant
from butane_py.yaml.source import At
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Entry, Fix, Path, Place
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct

Refusals: TypeAlias = "Callable[[Variant], list[Entry]]"

MOST_UNPACKED = 1 << 23  # bytes of one file's contents that rules look at
_SYSTEMD = ("/etc/systemd/system/", "/usr/lib/systemd/system/", "/run/systemd/system/")
_QUADLETS = ("/etc/containers/systemd/", "/usr/share/containers/systemd/")
_QUADLET_KINDS = (".container", ".pod", ".kube", ".network", ".volume", ".build", ".image", ".artifact")


class File(Record):
    """A file of the output: its path, the path of its entry, its mode, and its contents (None where they are not in the config)."""

    path: str
    at: Path
    mode: int
    contents: bytes | None
    node: spec.File

    @property
    def text(self) -> str | None:
        """The contents as text, None where they are unknown or binary."""
        if self.contents is None or b"\0" in self.contents[:8192]:
            return None
        return self.contents.decode("utf-8", "replace")

    @property
    def inside(self) -> Path:
        """The path of what makes the contents."""
        return (*self.at, "contents", "source")


class Text(Record):
    """A unit file, drop-in or quadlet: its unit, where its contents are, its text as written and as read."""

    unit: str
    at: Path
    text: str
    read: UnitText
    _: KW_ONLY
    dropin: bool = False
    quadlet: bool = False
    as_file: bool = False


class Facts:
    """One compilation as rules see it. Paths of `at` attributes are those of the output."""

    def __init__(
        self,
        work: Compilation,
        config: tables.Config,
        compiled: spec.Config,
        output: str,
        settings: Settings,
        refusals: Refusals,
    ) -> None:
        self.work = work
        self.config = config
        self.compiled = compiled
        self.output = output
        self.settings = settings
        self.refusals = refusals
        self.found: list[Entry] = []  # by the rules that have run
        self._sources = {work.source.name: work.source}  # of the places that were asked for
        self._texts: dict[str, list[str]] = {}

    @property
    def row(self) -> Variant:
        return self.work.row

    @property
    def merges(self) -> bool:
        """True if other configs are merged at boot: what is missing here may come from them."""
        config = self.compiled.ignition.config
        return bool(config.merge) or bool(config.replace.source)

    @property
    def part(self) -> bool:
        """True if this config is one of several that make a machine: a MachineConfig, or one that merges others."""
        return self.merges or self.row.machine_config

    @cached_property
    def files(self) -> list[File]:
        storage = self.compiled.storage
        found = []
        for i, node in enumerate(storage.files):
            contents = None if node.append else unpacked(node.contents)
            mode = 0o644 if node.mode is None else node.mode
            found.append(File(node.path, ("storage", "files", i), mode, contents, node))
        return found

    @cached_property
    def texts(self) -> list[Text]:
        """All unit files of the config: units, their drop-ins, and files below systemd's and Podman's folders."""
        found = []
        for i, unit in enumerate(self.compiled.systemd.units):
            at: Path = ("systemd", "units", i)
            if unit.contents:
                found.append(_text(unit.name, (*at, "contents"), unit.contents))
            for d, dropin in enumerate(unit.dropins):
                if dropin.contents:
                    found.append(_text(unit.name, (*at, "dropins", d, "contents"), dropin.contents, dropin=True))
        for file in self.files:
            text = self._file_text(file)
            if text is not None:
                found.append(text)
        return found

    @cached_property
    def by_unit(self) -> dict[str, list[Text]]:
        """The texts of each systemd unit; those of quadlets are not among them."""
        found: dict[str, list[Text]] = {}
        for text in self.texts:
            if not text.quadlet:
                found.setdefault(text.unit, []).append(text)
        return found

    def _file_text(self, file: File) -> Text | None:
        quadlet = file.path.startswith(_QUADLETS)
        if not quadlet and not file.path.startswith(_SYSTEMD):
            return None
        text = file.text
        parts = file.path.split("/")
        name, folder = parts[-1], parts[-2]
        dropin = name.endswith(".conf") and folder.endswith(".d")
        unit = folder.removesuffix(".d") if dropin else name
        if (
            text is None
            or "." not in unit
            or (quadlet and not unit.endswith(_QUADLET_KINDS))
            or folder.endswith((".wants", ".requires"))
        ):
            return None
        return _text(unit, file.inside, text, dropin=dropin, quadlet=quadlet, as_file=not quadlet)

    def place(self, path: Path) -> Place:
        """The place in the YAML of what made `path` of the output, or of what is around it."""
        found = self._traced(path)
        return found.place() if found is not None else self.work.source.place(())

    def _traced(self, path: Path) -> At | None:
        """What stands in a YAML text behind a path of the output, or behind what is around it."""
        from butane_py.places import traced

        for length in range(len(path), 0, -1):
            found = traced(self.compiled, path[:length], self.row.spec, empty_too=True)
            if found is not None and found.path:
                self._sources[found.source.name] = found.source
                return found
        return None

    def line_place(self, path: Path, line: int) -> Place:
        """The place of a line of a text whose contents have the output path `path`: exact where it is a literal block."""
        place = self.place(path)
        lines = self._lines(place)
        header = lines[place.line - 1][place.column - 1 :] if 0 < place.line <= len(lines) else ""
        number = place.line + line
        if not header.startswith("|") or number > len(lines) or self._grows(path):
            return place
        text = lines[number - 1]
        column = len(text) - len(text.lstrip()) + 1
        return place.but(line=number, column=column, end_line=number, end_column=len(text.rstrip()) + 1)

    def _grows(self, path: Path) -> bool:
        """True if a variable has put lines into the text that stand nowhere in the YAML (fleet/interpolation.py)."""
        found = self._traced(path)
        node = found.source.find(found.path) if found is not None else None
        return any("\n" in use.value.text for use in getattr(node, "uses", ()))

    def line_fix(self, place: Place, old: str, new: str) -> Fix | None:
        """Writing `new` for `old` in the line of `place`, None where that text is not in the line."""
        if not place.end_line:
            return None
        text = self._lines(place)[place.line - 1]
        start = text.find(old, place.column - 1) + 1
        if not start:
            return None
        span = place.but(column=start, end_column=start + len(old))
        return Fix(f"write {new}", span, new)

    def value_fix(self, path: Path, value: str | int) -> Fix | None:
        """Writing another value at a path of the output, None where the YAML has none of its own for it."""
        from butane_py.yaml.edits import scalar_fix

        written = self._traced(path)
        return scalar_fix(written.source, written.path, value) if written and written.path[-1] == path[-1] else None

    def _lines(self, place: Place) -> list[str]:
        """The lines of the text that a place is in."""
        known = self._texts.get(place.source)
        if known is None:
            source = self._sources.get(place.source, self.work.source)
            known = self._texts[place.source] = source.text.decode("utf-8", "replace").splitlines()
        return known


def _text(unit: str, at: Path, text: str, **kind: bool) -> Text:
    return Text(unit, at, text, read_unit(text), **kind)


def carried(resource: Any) -> bytes | None:
    """The bytes of a data: URL as they are, None for other sources and for bad URLs."""
    from ignition_py.spec.dataurl import DataUrlError, decode

    source = resource.source
    if source is None or not source.startswith("data:") or len(source) > 4 * MOST_UNPACKED:
        return None
    try:
        return decode(source)
    except DataUrlError:
        return None


def unpacked(resource: Any) -> bytes | None:
    """What a resource carries, after its compression; None where it is elsewhere, too large or damaged."""
    contents = carried(resource)
    if contents is None or resource.compression != "gzip":
        return contents
    return gunzip(contents)


def gunzip(contents: bytes) -> bytes | None:
    """The first `MOST_UNPACKED` bytes of a gzip stream, None where it is none or damaged."""
    out = b""
    try:
        while contents and len(out) < MOST_UNPACKED:
            unpacker = zlib.decompressobj(31)
            out += unpacker.decompress(contents, MOST_UNPACKED - len(out))
            if not unpacker.eof:
                return out if len(out) >= MOST_UNPACKED else None
            contents = unpacker.unused_data
    except zlib.error:
        return None
    return out


def resources(facts: Facts) -> Iterator[tuple[Path, Any]]:
    """Every resource of the output that has a source, with its path."""
    yield from _resources(facts.compiled, ())


def _resources(struct: Struct, path: Path) -> Iterator[tuple[Path, Any]]:
    if "source" in type(struct).FIELDS and getattr(struct, "source", None):
        yield path, struct
    for entry, value in struct.items():
        if entry.struct is None:
            continue
        for key, item in (
            (((entry.name, i), each) for i, each in enumerate(value)) if entry.many else (((entry.name,), value),)
        ):
            yield from _resources(item, (*path, *key))
