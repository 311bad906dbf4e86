"""What the library offers beside compile(): the way back, imports, upgrades, the linter, explanations and schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ignition_py.record import Record
from ignition_py.report.diag import Report

if TYPE_CHECKING:
    from butane_py import Source
    from butane_py.importer import Imported


class Upgraded(Record):
    """A rewritten config: its text, and notes on what the change means."""

    text: str
    notes: tuple[str, ...]


def decompile(config: str | bytes | Mapping[str, Any], *, variant: str = "fcos", name: str = "<config>") -> str:
    """An Ignition config (or a MachineConfig) as readable Butane that compiles to the same. Raises ConfigError."""
    import json

    from butane_py import decompiler

    if not isinstance(config, (str, bytes)):
        config = json.dumps(config)
    data = config.encode() if isinstance(config, str) else config
    return decompiler.decompile(data, variant=variant, name=name)


def upgrade(source: str | bytes, version: str = "latest", *, files_dir: str | None = None, name: str = "<config>") -> Upgraded:
    """The config at another version of its variant, by default the newest stable one; comments stay.

    Raises UpgradeError (a ValueError) where it cannot be rewritten.
    """
    from butane_py.upgrader import upgraded

    data = source.encode() if isinstance(source, str) else source
    text, notes = upgraded(data, name, version, files_dir)
    return Upgraded(text.decode(), tuple(notes))


def import_cloud_config(source: str | bytes, *, variant: str = "fcos", platform: str = "", name: str = "<config>") -> Imported:
    """A cloud-config of cloud-init as Butane: `text`, None where the `report` has errors. The report also tells what is not carried over.

    `variant` is fcos or flatcar; `platform` is where metadata of a template comes from (docs/cloud-config.md). Raises ValueError for
    another of the two.
    """
    from butane_py.importer import VARIANTS, Wanted, cloud_config
    from butane_py.importer.user_data import PLATFORMS

    if variant not in VARIANTS or (platform and platform not in PLATFORMS):
        raise ValueError(f"variants are {', '.join(VARIANTS)}, platforms {', '.join(PLATFORMS)}")
    data = source.encode() if isinstance(source, str) else source
    return cloud_config(data, name, Wanted(variant, platform=platform))


def lint(source: Source, *, files_dir: str | None = None, name: str = "<config>") -> Report:
    """The report of the compiler and the linter: what is wrong, and what compiles and is likely to go wrong."""
    from butane_py import compile  # noqa: A004  # the library's verb

    return compile(source, files_dir=files_dir, lint=True, name=name).report


def explain(code: str) -> str:
    """What a code of a report means, why it is reported and how to mend it, with examples. Raises KeyError."""
    from ignition_py.report.catalog import load
    from ignition_py.report.explain import explained

    return explained(load()[code])


def schema(variant: str, version: str, *, strict: bool = True) -> dict[str, Any]:
    """The JSON Schema of a variant at a version; `strict` refuses unknown keys. Raises KeyError for one that does not exist."""
    from butane_py.schemas import butane_schema

    return butane_schema(variant, version, strict=strict)
