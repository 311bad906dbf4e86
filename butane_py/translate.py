"""Butane structures to Ignition structures: fields of the same name are carried over, handlers of features work out the rest.

Sugar that makes whole entries (trees, mount units, boot devices ...) works on the config that comes out of here. Origins go along.
"""

from __future__ import annotations

from typing import Any

from butane_py import tables
from butane_py.compilation import Compilation
from butane_py.yaml.source import At
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct


def translated(work: Compilation) -> spec.Config:
    """The config as the Ignition config that it stands for, sugar of whole entries left out."""
    config: spec.Config = _Translator(work).struct(work.config)
    version = next(text for text, minor in spec.VERSIONS.items() if minor == work.row.spec)
    ignition = config.ignition if config.has("ignition") else spec.Ignition(At(work.source, ("ignition",)))
    return config.but(ignition=ignition.but(version=version, _sources={"version": At(work.source, ("version",))}))


class _Plan:
    """How one structure is translated: what it becomes, and which fields are carried over as what."""

    def __init__(self, cls: type[Struct]) -> None:
        self.target: type[Struct] = next(base for base in cls.__mro__ if base.__module__ == spec.__name__)
        self.sugar = frozenset(name for name in cls.FIELDS if name not in self.target.FIELDS)
        structs = [entry for entry in cls.FIELDS.values() if entry.struct is not None and entry.name not in self.sugar]
        self.lists = frozenset(entry.name for entry in structs if entry.many)
        self.structs = frozenset(entry.name for entry in structs if not entry.many)
        self.handler = _HANDLERS.get(cls)


class _Translator:
    """Translates the structures of one config."""

    def __init__(self, work: Compilation) -> None:
        self.work = work
        self._plans: dict[type[Struct], _Plan] = {}

    def struct(self, struct: Struct) -> Any:
        """`struct` as the Ignition structure that it stands for."""
        cls = type(struct)
        plan = self._plans.get(cls)
        if plan is None:
            plan = self._plans[cls] = _Plan(cls)
        made = plan.target.__new__(plan.target)
        values = made.__dict__
        for name, value in struct.__dict__.items():
            if name in plan.lists:
                values[name] = tuple([self.struct(item) for item in value])
            elif name in plan.structs:
                values[name] = self.struct(value)
            elif name not in plan.sugar:
                values[name] = value
        if plan.handler is not None:
            plan.handler(self.work, struct, values)
        return made


_HANDLERS = {cls: handler for each in tables.FEATURES for cls, handler in each.handlers.items()}
