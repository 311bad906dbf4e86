"""Which row of the variants a config is for, or why there is none: the first thing that is read."""

from __future__ import annotations

from butane_py.variants import REMOVED, VARIANTS, Variant
from butane_py.yaml.decode import Decoder
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, Node, Source
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.spec.kinds import is_semver
from ignition_py.spec.model import Struct, field

_KINDS = {ALIAS: "an alias", MAPPING: "a mapping", SCALAR: "a single value"}


def find_row(source: Source, report: Report) -> Variant | None:
    """The row; None with an error in `report` where the config names none that exists."""
    root = source.root
    name, version = _named(source)
    if name and version and (row := VARIANTS.get((name, _normal(version)))):
        return row
    code, message, key = _why(root, name, version)
    if root is None or root.kind != MAPPING:
        place = Place((), root.line if root else 1, root.column if root else 1, source.name)
    else:
        place = source.place((key,) if key and root.entry(key) else ())
    report.entries.append(Entry(ERROR, code, message, place))
    return None


class Header(Struct):
    """What tells which row a config is for."""

    variant: str = field("Which operating system the config is for.")
    version: str = field("Version of the variant's specification.")


def _named(source: Source) -> tuple[str, str]:
    """Variant and version, empty where the config has none. Raises YamlError."""
    root = source.root
    if root is None or root.kind != MAPPING:
        return "", ""
    header = Decoder(source, {"spec": 0}).struct(Header, root, ())
    return (header.variant, header.version) if header is not None else ("", "")


def _normal(version: str) -> str:
    """`1.05.0` as `1.5.0`: the reference reads the numbers."""
    head, dash, tail = version.partition("-")
    parts = head.split(".")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        return ".".join(str(int(part)) for part in parts) + dash + tail
    return version


def _why(root: Node | None, name: str, version: str) -> tuple[str, str, str]:
    """Code, sentence and the key to point at."""
    if root is None:
        return "variant-missing", "the config is empty; it starts with variant and version", ""
    if root.kind != MAPPING:
        return "wrong-type", f"a config is a mapping; this is {_KINDS.get(root.kind, 'a list')}", ""
    names = sorted({row.name for row in VARIANTS.values()})
    if not name:
        return "variant-missing", f"variant is missing; it is one of {', '.join(names)}", "variant"
    if (name, version) in REMOVED:
        return "variant-removed", REMOVED[name, version], "variant"
    if not version or not is_semver(version):
        known = _versions(name) or "1.0.0"
        return (
            "version-invalid",
            f"version is {'missing' if not version else 'not a version'}; for {name} write one of {known}",
            "version",
        )
    if name not in names:
        from difflib import get_close_matches

        close = get_close_matches(name, names, 1)
        better = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
        return "variant-unknown", f"the variant {name!r} is unknown; {better}", "variant"
    return "version-unknown", f"{name} has no version {version}; nearest: {_nearest(name, version)}", "version"


def _versions(name: str) -> str:
    return ", ".join(row.version for row in VARIANTS.values() if row.name == name)


def _nearest(name: str, version: str) -> str:
    """The known versions next to the one asked for, the older first."""

    def number(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.partition("-")[0].partition("+")[0].split("."))

    known = sorted((row.version for row in VARIANTS.values() if row.name == name), key=number)
    below = [text for text in known if number(text) <= number(version)][-1:]
    above = [text for text in known if number(text) > number(version)][:1]
    return " and ".join(below + above)
