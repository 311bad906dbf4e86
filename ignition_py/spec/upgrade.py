"""Upgrading a config to the newest version of the language: the stamp and the handful of effects besides it.

Fields that were plain until some version and optional from then on are filled in with their empty value, and special
mode bits, which had no effect before 3.6, are dropped. The advertisement of a Tang server in a 3.4 config is dropped too,
because the reference drops it: such a machine asks the server itself. `lossless` keeps what the reference loses.
Sources: the migration guide of the Ignition documentation; the reference, measured.
"""

from __future__ import annotations

from typing import Any

from ignition_py.spec import tables

SPECIAL_BITS_SINCE = 6
_LOSES_ADVERTISEMENT = 4
_SPECIAL_BITS = 0o7000
_PLAIN_UNTIL = 3  # the last version at which a field went from plain to optional


def upgrade(config: tables.Config, version: int, *, lossless: bool = False) -> tables.Config:
    """`config`, valid at minor `version`, as one of the newest version that means the same."""
    newest = tables.latest()
    if version < SPECIAL_BITS_SINCE:
        config = _struct(config, version)
    if version == _LOSES_ADVERTISEMENT and not lossless and config.storage.luks:
        luks = tuple([_without_advertisements(each) for each in config.storage.luks])
        config = config.but(storage=config.storage.but(luks=luks))
    return config.but(ignition=config.ignition.but(version=newest))


def _without_advertisements(luks: tables.Luks) -> tables.Luks:
    if not any(tang.has("advertisement") for tang in luks.clevis.tang):
        return luks
    return luks.but(clevis=luks.clevis.but(tang=tuple([tang.but(advertisement=None) for tang in luks.clevis.tang])))


def _struct(struct: Any, version: int) -> Any:
    changes: dict[str, Any] = {}
    for name, entry in type(struct).FIELDS.items():
        value = struct.__dict__.get(name)
        if value is None:
            if (
                entry.optional
                and entry.kind == "str"
                and entry.required_at(version)
                and entry.required_until <= _PLAIN_UNTIL
            ):
                changes[name] = ""
        elif entry.struct is not None:
            changes[name] = tuple([_struct(item, version) for item in value]) if entry.many else _struct(value, version)
    if isinstance(struct, tables.File | tables.Directory) and struct.mode is not None and struct.mode & _SPECIAL_BITS:
        changes["mode"] = struct.mode & ~_SPECIAL_BITS
    return struct.but(**changes) if changes else struct


__all__ = ["upgrade"]
