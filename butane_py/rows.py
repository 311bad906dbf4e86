"""Which row of the variants a config is for, or why there is none: the first thing that is read."""

from __future__ import annotations

from butane_py.variants import ALIASES, NAMES, REMOVED, VARIANTS, Variant, newest_stable, rows_of
from butane_py.yaml.decode import Decoder
from butane_py.yaml.edits import type_entry
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR, Node, Source
from ignition_py.record import Record
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Entry, Place, Report
from ignition_py.spec.kinds import is_semver, not_butane
from ignition_py.spec.model import Struct, field

_KINDS = {ALIAS: "an alias", MAPPING: "a mapping", SCALAR: "a single value"}


class Header(Struct):
    """The keys that tell which row a config is for."""

    variant: str = field("Which operating system the config is for.")
    version: str = field("Version of the variant's specification.")


class _Why(Record):
    """Why a config has no row: code, sentence, the way out, and the key to point at."""

    code: str
    message: str
    hint: str = ""
    key: str = ""


def find_row(source: Source, report: Report) -> Variant | None:
    """The row; None with errors in `report` where the config names none that exists. Raises YamlError."""
    root = source.root
    decoder = Decoder(source, {"spec": 0})
    header = decoder.struct(Header, root, ()) if root is not None and root.kind == MAPPING else None
    name, version = (header.variant, header.version) if header is not None else ("", "")
    if name and version and not decoder.problems and (row := VARIANTS.get((name, _normal(version)))):
        return row
    why = None if name else _other_kind(source)
    if why is None and decoder.problems:
        report.entries += [type_entry(problem, source) for problem in decoder.problems]
        return None
    why = why or _why(root, name, version)
    if root is None or root.kind != MAPPING:
        place = Place((), root.line if root else 1, root.column if root else 1, source.name)
    else:
        place = source.place((why.key,) if why.key and root.entry(why.key) else ())
    report.entries.append(Entry(ERROR, why.code, why.message, place, why.hint))
    return None


def _other_kind(source: Source) -> _Why | None:
    """What a text without a variant is, where it is of a kind that is well known."""
    found = not_butane(source.text)
    return _Why("not-butane", *found) if found else None


def _normal(version: str) -> str:
    """`1.05.0` as `1.5.0`: the reference reads the numbers."""
    head, dash, tail = version.partition("-")
    parts = head.split(".")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        return ".".join(str(int(part)) for part in parts) + dash + tail
    return version


@code(
    "variant-missing",
    title="The variant is missing",
    why=(
        "A config begins with the variant, which names the operating system, and the version of the variant's language. "
        "Without them nothing says what the rest means."
    ),
    fix="Begin the config with the two lines that the right example shows.",
    wrong="version: 1.6.0  # and no variant: at all\n",
    right="variant: fcos\nversion: 1.6.0\n",
)
@code(
    "variant-removed",
    title="The variant was removed",
    why="Butane had this variant once and has removed it, so no version of it can be compiled any more.",
    fix="Use the variant that took its place; the message names it.",
    wrong="variant: rhcos\nversion: 0.1.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)
@code(
    "version-unknown",
    title="The version is unknown",
    why=(
        "The variant has no such version. Versions add fields and rules, so the config cannot be read as another one "
        "without being told."
    ),
    fix="Write a version that the message names; `butane-py upgrade` rewrites a config to a newer one.",
    wrong="variant: fcos\nversion: 1.99.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)
def _why(root: Node | None, name: str, version: str) -> _Why:
    known = ", ".join(sorted(NAMES))
    if root is None:
        return _Why("variant-missing", "the config is empty", "begin it with variant: fcos and version: " + newest_stable("fcos").version)
    if root.kind != MAPPING:
        hint = "begin the config with variant: and version:, each at the beginning of a line"
        return _Why("wrong-type", f"a config is a mapping; this is {_KINDS.get(root.kind, 'a list')}", hint)
    if not name and (key := _misspelled(root)):
        return _Why("variant-missing", f"variant is missing; did you mean it by {key!r}?", "write variant:", key)
    if not name:
        hint = f"add variant: fcos and version: {newest_stable('fcos').version}, or another variant of {known}"
        return _Why("variant-missing", f"variant is missing; it is one of {known}", hint, "variant")
    if (name, version) in REMOVED:
        return _Why("variant-removed", REMOVED[name, version], key="variant")
    if name not in NAMES:
        return _unknown_variant(name, known)
    if not version or not is_semver(version):
        return _bad_version(name, version)
    hint = f"write {_better(name, version)}"
    return _Why("version-unknown", f"{name} has no version {version}; nearest: {_nearest(name, version)}", hint, "version")


def _misspelled(root: Node) -> str:
    """The top-level key that is nearly `variant`, "" for none."""
    from difflib import get_close_matches

    keys = [key.value for key, _ in root.items if key.kind == SCALAR and len(key.value) < 20]
    return next((key for key in keys if key != "variant" and get_close_matches(key.strip().casefold(), ["variant"], 1, 0.8)), "")


@code(
    "variant-unknown",
    title="The variant is unknown",
    why="The variant names the operating system. The rest of the config cannot be read without it.",
    fix=f"Write one of {', '.join(NAMES)}.",
    wrong="variant: fcso\nversion: 1.6.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)
def _unknown_variant(name: str, known: str) -> _Why:
    meant = ALIASES.get(name.casefold().replace("_", "-").replace(" ", "-"), "")
    if not meant:
        from difflib import get_close_matches

        meant = (get_close_matches(name.casefold(), NAMES, 1) or [""])[0]
    better = f"did you mean {meant}?" if meant else f"known: {known}"
    hint = f"write variant: {meant} and version: {newest_stable(meant).version}" if meant else ""
    return _Why("variant-unknown", f"the variant {name!r} is unknown; {better}", hint, "variant")


@code(
    "version-invalid",
    title="The version is missing or malformed",
    why="A version has three numbers. YAML reads 1.6 as a decimal number, and two numbers are not a version.",
    fix="Write all three numbers, such as version: 1.6.0.",
    wrong="variant: fcos\nversion: 1.6\n",
    right="variant: fcos\nversion: 1.6.0\n",
)
def _bad_version(name: str, version: str) -> _Why:
    newest = newest_stable(name).version
    if not version:
        message = f"version is missing; {name} has {', '.join(row.version for row in rows_of(name))}"
        return _Why("version-invalid", message, f"add version: {newest}, the newest stable one", "version")
    if meant := _meant(name, version):
        return _Why("version-invalid", f"{version!r} is not a version; did you mean {meant}?", f"write version: {meant}", "version")
    whole = f"{version}.0"
    if version.count(".") == 1 and is_semver(whole):
        write = whole if (name, whole) in VARIANTS else newest
        return _Why("version-invalid", f"{version!r} has two numbers; a version has three", f"write {write}", "version")
    return _Why("version-invalid", f"{version!r} is not a version; a version has three numbers", f"write {newest}", "version")


def _better(name: str, version: str) -> str:
    """What to write in place of an unknown version: the one that it has become or is to become, or the newest stable one."""
    stable, experimental = version.partition("-")[0], f"{version.partition('-')[0]}-experimental"
    for other, why in ((stable, "which is stable now"), (experimental, "which is experimental still")):
        if other != version and (name, other) in VARIANTS:
            return f"{other}, {why}"
    spec = ", ".join(row.version for row in rows_of(name) if version == f"3.{row.spec}.0")
    newest = f"{newest_stable(name).version}, the newest stable version"
    return f"{newest}; {version} is a version of Ignition's spec, which {name} {spec} compiles to" if spec else newest


def _meant(name: str, version: str) -> str:
    """The known version that `version` spells with a v, blanks or commas, "" for none."""
    plain = version.strip().lower().removeprefix("v").replace(",", ".")
    return plain if plain != version and (name, plain) in VARIANTS else ""


def _nearest(name: str, version: str) -> str:
    """The known versions next to the one asked for, the older first."""

    def number(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.partition("-")[0].partition("+")[0].split("."))

    known = sorted((row.version for row in rows_of(name)), key=number)
    below = [text for text in known if number(text) <= number(version)][-1:]
    above = [text for text in known if number(text) > number(version)][:1]
    return " and ".join(below + above)
