"""`targets.NAME` of a config, or of the file of `--target-options`: what the target does without (skip), and its native text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from butane_py.targets.model import Target
from butane_py.targets.registry import NAMES, nearest
from butane_py.targets.report import Findings
from butane_py.yaml.decode import Decoder
from butane_py.yaml.edits import type_entry
from butane_py.yaml.source import Source, YamlError
from ignition_py.record import Record
from ignition_py.report.diag import ERROR, ConfigError, Entry, Path, Place, Report

Where: TypeAlias = "Callable[[Path], Place]"

SKIP = "skip"
_KINDS: dict[str, tuple[type, str]] = {
    "text": (str, "a text"),
    "bool": (bool, "true or false"),
    "list": (list, "a list"),
    "texts": (list, "a list of texts"),
    "map": (dict, "a mapping"),
}


class TargetOptions(Record):
    """What `targets` says, checked as far as every target has it in common.

    `sections` are the mappings by name of target, `where` gives the place of a path below `targets`.
    """

    sections: Mapping[str, Any]
    where: Where

    def place(self, *path: str | int) -> Place:
        return self.where(path)

    def skips(self, target: str) -> list[tuple[str, Place]]:
        """The entries of skip with their places; entries that are no texts are left out."""
        section = self.sections.get(target)
        entries = section.get(SKIP) if isinstance(section, dict) else None
        if not isinstance(entries, list):
            return []
        return [
            (entry, self.place(target, SKIP, index)) for index, entry in enumerate(entries) if isinstance(entry, str)
        ]

    def native(self, target: str) -> dict[str, Any]:
        """The native text of a target, {} for none."""
        section = self.sections.get(target)
        return {key: value for key, value in section.items() if key != SKIP} if isinstance(section, dict) else {}


def read_options(data: bytes, name: str) -> TargetOptions:
    """The options of a file that says what `targets` would. Raises ConfigError, whose report tells where it is wrong."""
    source, problem = None, None
    try:
        source = Source(data, name)
        decoder = Decoder(source, {})
        sections = decoder.data(source.root, ()) if source.root is not None else {}
        problem = next((type_entry(each, source) for each in decoder.problems), None)
    except YamlError as error:
        problem = Entry(ERROR, "yaml", str(error), Place((), error.line or 1, error.column, name), error.hint)
    if problem is None and not isinstance(sections, dict):
        hint = "write the names of targets, and below each what targets.NAME of variant machine would hold"
        problem = Entry(ERROR, "target-option", "the options of targets are a mapping", Place((), 1, 1, name), hint)
    if problem is not None or source is None:
        raise ConfigError(f"{name} has no options of targets", Report([problem] if problem else []))
    return TargetOptions(sections, source.place)


def check_names(options: TargetOptions, findings: Findings) -> None:
    """Reports keys of `targets` that are no targets."""
    for name in options.sections:
        if name not in NAMES:
            findings.error("target-unknown", f"there is no target {name!r}", options.place(name), hint=nearest(name))


def with_options(config: TargetOptions, file: TargetOptions) -> TargetOptions:
    """The options of a config with those of a file: of a target that both name, the file's count."""
    return TargetOptions(
        {**config.sections, **file.sections},
        lambda path: file.where(path) if path and path[0] in file.sections else config.where(path),
    )


def check_options(options: TargetOptions, target: Target, findings: Findings) -> None:
    """Reports what is wrong with the section of one target: types, and keys that the target does not have."""
    if target.name not in options.sections:
        return
    section = options.sections[target.name]
    if section is None:
        return
    if not isinstance(section, dict):
        findings.error(
            "target-option",
            f"targets.{target.name} has to be a mapping",
            options.place(target.name),
            hint="write its keys below it",
        )
        return
    known = {SKIP: "texts", **target.options}
    for key, value in section.items():
        kind = known.get(key)
        if kind is None:
            if not target.open_options:
                hint = f"it has {', '.join(known)}"
                findings.error(
                    "target-option", f"{target.name} has no option {key!r}", options.place(target.name, key), hint=hint
                )
            continue
        wanted, words = _KINDS[kind]
        if not isinstance(value, wanted) or (kind == "texts" and not _are_texts(value)):
            findings.error(
                "target-option",
                f"targets.{target.name}.{key} has to be {words}",
                options.place(target.name, key),
                hint=f"write {words}",
            )


def _are_texts(value: Any) -> bool:
    return all(isinstance(each, str) for each in value)


def merged(made: Any, native: Any) -> Any:
    """What a target has made with native text over it: mappings are merged, lists appended, anything else replaced."""
    if isinstance(made, dict) and isinstance(native, dict):
        out = dict(made)
        for key, value in native.items():
            out[key] = merged(out[key], value) if key in out else value
        return out
    if isinstance(made, list) and isinstance(native, list):
        return [*made, *native]
    return native
