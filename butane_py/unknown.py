"""Unknown keys of a Butane config: keys of the text that no field of the row has, and structures that are null in it.

Where they are looked for follows the reference. Why the row has no such key, ignition_py/spec/unknown.py says; variants are added here.
"""

from __future__ import annotations

from butane_py.compilation import Compilation
from butane_py.variants import BUILD, NAMES, Variant, load_languages, rows_of
from butane_py.yaml.decode import Decoder
from butane_py.yaml.source import ALIAS, MAPPING, SCALAR
from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING, Entry, Fix, Path, Place
from ignition_py.report.examples import file_
from ignition_py.spec.model import Field, Struct
from ignition_py.spec.unknown import MAX_ANSWERS, Answer, explain, place_name, shown

_OF_BUILDS = (("vars",), ("include",))


def report_unknown(work: Compilation, decoder: Decoder) -> None:
    """Warns of keys of the text that no field has. What an alias stands for is not looked at, as in the reference."""
    load_languages()
    _Search(work, decoder).struct(work.config, ())


class _Search:
    """Goes through the config beside the text."""

    def __init__(self, work: Compilation, decoder: Decoder) -> None:
        self.work = work
        self.decoder = decoder
        self.answered = 0

    @code(
        "not-checked",
        title="Keys are not checked here",
        why=(
            "The search for unknown keys reads the text itself and does not follow aliases, so an unknown key inside an "
            "aliased mapping goes unnoticed."
        ),
        fix="Write the mapping out where it is used, or check the text of its anchor yourself.",
        wrong="x: &one {path: /etc/one}\nstorage:\n  files: [*one]\n",
        right="storage:\n  files:\n    - path: /etc/one\n",
        severity=WARNING,
    )
    def struct(self, struct: Struct, path: Path) -> None:
        node = self.work.source.find(path)
        if node is not None and node.kind == MAPPING:
            known = self.decoder.fields(type(struct))
            for key, _ in node.items:
                if key.value not in known and not (self.work.options.allow_extensions and _extension(key.value, path)):
                    self.unknown((*path, key.value))
        elif node is not None:
            what = "an alias" if node.kind == ALIAS else "null" if node.kind == SCALAR else "a list"
            self.work.warning("not-checked", f"this is {what}: unknown keys are not found here", path)
        for entry, value in struct.items():
            if entry.struct is None:
                continue
            if entry.many:
                for i, item in enumerate(value):
                    self.struct(item, (*path, entry.name, i))
            else:
                self.struct(value, (*path, entry.name))
        self.nulls(struct, path)

    @code(
        "null-mapping",
        title="A mapping is null",
        why=(
            "The key has no value where a mapping is expected, often because the lines below it were removed. It counts as "
            "empty."
        ),
        fix="Remove the key, or write {} for an empty mapping.",
        wrong="storage:\n",
        right="storage: {}\n",
        severity=WARNING,
    )
    def nulls(self, struct: Struct, path: Path) -> None:
        """Structures that the text has as null: they count as empty."""
        node = self.work.source.find(path)
        if node is None or node.kind != MAPPING:
            return
        for name, entry in self.decoder.fields(type(struct)).items():
            found = node.entry(name)
            if entry.struct is None or entry.many or name in struct.__dict__ or found is None:
                continue
            if entry.nullable[0] <= self.work.row.spec < entry.nullable[1]:
                continue
            if found[1].kind != SCALAR:  # a null before this item of a list was left out, and the text is that of another item
                self.struct(entry.struct(), (*path, name))
                continue
            message = f"{name} is null where a mapping is expected; it counts as empty"
            self.work.warning("null-mapping", message, (*path, name))

    @code(
        "unused-key",
        title="A key is unknown",
        why=(
            "No field of this name exists at this place in this version, so the key and all that is below it is ignored. That"
            " is seldom meant."
        ),
        fix=(
            "Look for a typing error, an indent that is one level off, or a field that came with a newer version or belongs "
            "to another variant."
        ),
        wrong=file_("permissions: 0644"),
        right=file_("mode: 0644"),
        severity=WARNING,
    )
    def unknown(self, path: Path) -> None:
        """One warning. Of a text that is nothing but unknown keys only the first are answered."""
        place = self.work.source.key_place(path)
        key = str(path[-1])
        self.answered += 1
        if self.answered > MAX_ANSWERS:
            message = f"unknown key `{shown(key)}` {place_name(path)}"
            self.work.report.entries.append(Entry(WARNING, "unused-key", message, place))
            return
        if path in _OF_BUILDS:
            answer = Answer(f"unknown key `{key}` at the top level; only `butane-py build` knows it", "compile with butane-py build")
        elif _extension(key, path[:-1]):
            answer = Answer(f"unknown key `{shown(key)}` {place_name(path)}", "give --allow-extensions, which allows `<<` and `x-…`")
        else:
            row = self.work.row
            answer = explain(type(self.work.config), path, self.decoder.fields, lambda entry: came(entry, row, path), "name")
        fix = self.fix(place, key, answer.write) if answer.write else None
        self.work.report.entries.append(Entry(WARNING, "unused-key", answer.message, place, answer.hint, fix=fix))

    def fix(self, place: Place, key: str, write: str) -> Fix | None:
        """Another key in the place of this one, where the key is written as it is read."""
        line = self.work.source.line(place.line)
        start = place.column - 1
        start += line[start : start + 1] in ("'", '"')
        if line[start : start + len(key)] != key:
            return None
        span = place.but(column=start + 1, end_line=place.line, end_column=start + 1 + len(key))
        return Fix(f"write {write}", span, write)


def _extension(key: str, path: Path) -> bool:
    """True for keys that hold anchors or merge them: `x-…` at the top, `<<` anywhere."""
    return key == "<<" or (not path and key.startswith("x-"))


def came(entry: Field, row: Variant, path: Path) -> tuple[str, str]:
    """Why `row` lacks a field of the language, which stands at `path`, and the way out. Rows that know and forbid it are none."""
    spot = ".".join([*(part for part in path[:-1] if isinstance(part, str)), entry.name])
    of_variant = [each for each in rows_of(row.name) if each.knows(entry) and not each.refuses(spot)]
    if of_variant and not of_variant[-1].older(row):
        first = next(each for each in of_variant if not each.older(row))
        return f"it came with {first}; this config is {row.version}", f"set version: {first.version}, or remove the key"
    if of_variant:
        return f"it was removed after {of_variant[-1]}; this config is {row.version}", "remove the key"
    if entry.axis == BUILD:
        return "only `butane-py build` knows it", "compile with butane-py build"
    others = [name for name in NAMES if any(each.knows(entry) and not each.refuses(spot) for each in rows_of(name))]
    others = [name for name in others if not rows_of(name)[-1].neutral] or others
    if not others:
        return "the compiler writes it", "remove the key"
    return f"it is a key of {' and '.join(others)}, not of {row.name}", f"remove the key, or set variant: {others[0]}"

