"""The entries of an output that are made of secrets, as reports name them."""

from __future__ import annotations

from collections.abc import Iterable

from butane_py.fleet.evaluation import given
from butane_py.fleet.interpolation import Grafted
from butane_py.fleet.result import HostResult
from butane_py.yaml.source import At
from ignition_py.record import Record, field
from ignition_py.report.diag import Path, Place, Related
from ignition_py.spec.model import Struct
from ignition_py.spec.origins import place_of, steps
from ignition_py.spec.tables import Config

_MOST_VALUES = 4  # that a report names


class TaintedEntry(Record):
    """An entry with secrets.

    path: names and indexes of the entry in the config. name: what it is called in a sentence, without secrets. fields: the paths of its
    values that are made of secrets, below `path`. place: that of the first of them in the YAML text. related: the secret values and
    where each comes from.
    """

    path: Path
    name: str
    fields: tuple[Path, ...]
    place: Place
    related: tuple[Related, ...] = field(default_factory=tuple)


def tainted_entries(config: Config, secrets: Iterable[Path]) -> list[TaintedEntry]:
    """The entries of a config that hold one of the values at `secrets`, paths in its JSON, in their order."""
    found: dict[Path, list[Path]] = {}
    for secret in secrets:
        path = named(config, secret)
        end = _entry_length(config, path)
        found.setdefault(path[:end], []).append(path[end:])
    return [_entry(config, path, tuple(fields)) for path, fields in found.items()]


def secret_paths(result: HostResult) -> list[Path]:
    """The paths of the values that are made of secrets in the JSON of a result's Ignition config, without a MachineConfig around it."""
    work = result.compilation
    return [path[2:] for path in result.secrets] if work is not None and work.wraps else list(result.secrets)


def named(config: Config, path: Path) -> Path:
    """A path in the JSON of a config, with the names of the tables' fields."""
    made: list[str | int] = []
    struct: type[Struct] | None = type(config)
    for part in path:
        if isinstance(part, int):
            made.append(part)
            continue
        assert struct is not None  # the path leads to a value of the config
        entry = struct.BY_JSON[part]
        made.append(entry.name)
        struct = entry.struct
    return tuple(made)


def _entry_length(config: Config, path: Path) -> int:
    """The length of the path of the first item of a list of structures on the way; that of the whole path where there is none."""
    for length, step in enumerate(steps(config, path), 1):
        if isinstance(step.part, int) and isinstance(step.value, Struct):
            return length
    return len(path)


def _entry(config: Config, path: Path, fields: tuple[Path, ...]) -> TaintedEntry:
    whole = [(*path, *each) for each in fields]
    # What the compiler has set beside a secret has the place of the whole entry.
    places = [place_of(config, each) for each in whole if each[-1] != "compression"] or [place_of(config, whole[0])]
    place = min(places, key=lambda each: (each.line, each.column))
    return TaintedEntry(path, _name(config, path, fields), fields, place, _values(config, whole))


def _name(config: Config, path: Path, fields: tuple[Path, ...]) -> str:
    *_, last = steps(config, path)
    if not isinstance(last.value, Struct):
        return ".".join(str(part) for part in path)
    key = last.value.key() or ""
    hidden = not key or key.startswith("data:") or any(getattr(last.value, str(each[0]), None) == key for each in fields)
    return f"{path[-2]} {path[-1] if hidden else key}"


def _values(config: Config, paths: list[Path]) -> tuple[Related, ...]:
    """The secret values that stand at the origins of some paths, each once."""
    found: dict[str, Related] = {}
    for path in paths:
        *_, last = steps(config, path)
        if isinstance(last.origin, At):
            node = last.origin.source.deepest(last.origin.path)
            for use in node.uses if isinstance(node, Grafted) else ():
                if use.value.secret:
                    found.setdefault(use.name, given(use))
    return tuple(found.values())[:_MOST_VALUES]
