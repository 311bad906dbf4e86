"""The way back: an Ignition config as a Butane config that a person wants to edit, and that compiles to the same.

    decompile(data)        -> YAML text in one
    decompile_files(data)  -> YAML text, and files to put beside it

read (spec/read.py) -> the row of the variant -> unpack contents, fold mount units -> YAML (emit/document.py) -> compiled and compared.
What would not come back the same is never given out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from butane_py.decompiler.unpack import LARGE, Files, as_text, contents_of
from butane_py.emit.document import Octal, document
from butane_py.variants import IGNITION_NAMES as VARIANTS
from butane_py.variants import Variant, rows_of
from ignition_py.record import Record
from ignition_py.report.diag import ConfigError, Report
from ignition_py.spec import tables

if TYPE_CHECKING:
    from ignition_py.spec.model import Field, Struct

_FIRST = ("path", "name", "device", "number", "label", "target", "source")  # what an entry is known by comes first


class Decompiled(Record):
    """`text` is the YAML; `files` (name below the files directory -> contents) is what its `local` fields name; `report` has the
    warnings about the config, of keys that are unknown and therefore lost."""

    text: str
    files: dict[str, bytes]
    report: Report


def decompile(data: bytes, *, variant: str = "fcos", name: str = "<config>") -> str:
    """The Butane config of an Ignition config (JSON) or of the one in a MachineConfig, all in one text.

    `variant` is one of VARIANTS; `name` is what errors call the config. Raises ConfigError where the config is not valid
    or the variant cannot say what it says; the error's report tells where.
    """
    return decompiled(data, variant, name, None).text


def decompile_files(data: bytes, *, variant: str = "fcos", name: str = "<config>", folder: str = "") -> Decompiled:
    """The same, with binary and large contents as files of their own. Raises ConfigError.

    Names in `folder` that are there already, with other contents, are not used.
    """
    return decompiled(data, variant, name, Files(folder))


def decompiled(data: bytes, variant: str, name: str, files: Files | None) -> Decompiled:
    """The same, with the files in `files`, or with None all in one text. Raises ConfigError."""
    config, version, report = _read(data, name)
    row = _row(variant, version)
    if row.spec != version:
        from ignition_py.spec.downgrade import convert

        raised, problems = convert(config, version, row.spec)
        if raised is None:
            raise ConfigError(f"{name} cannot be raised to {variant} {row.version}", problems)
        config = raised
    problem: ConfigError | None = None
    for plainly in (False, True):  # contents that do not come back the same stay in their data URLs
        writer = Writer(row, None if plainly else files, unpack=not plainly)
        text = document(writer.config(config))
        made = Decompiled(text, writer.files.contents if writer.files else {}, report)
        try:
            _compare(made, config, row, name)
        except ConfigError as error:
            problem = error
        else:
            return made
    assert problem is not None
    raise problem


def _read(data: bytes, name: str) -> tuple[tables.Config, int, Report]:
    """The config, the minor number of its version, and what is reported about it. Raises ConfigError."""
    from ignition_py.programs.machine_config import embedded
    from ignition_py.spec.read import EmptyConfig, parse

    machine_config = embedded(data)
    try:
        config, version, report = parse(machine_config.data if machine_config else data, name)
    except EmptyConfig:
        raise ConfigError(f"{name} is empty") from None
    if machine_config:
        report = machine_config.led_back(report)
    if config is None or report.fatal:
        raise ConfigError(f"{name} is not valid", report)
    return config, version, report


def _row(variant: str, spec: int) -> Variant:
    """The version of the variant that has exactly this spec, else the first that has a later one."""
    rows = rows_of(variant)
    if variant not in VARIANTS:
        raise ConfigError(f"there is no decompiling to the variant {variant!r}; there is to {', '.join(VARIANTS)}")
    exact = [row for row in rows if row.spec == spec]
    if exact:
        return exact[-1]
    later = [row for row in rows if row.spec > spec]
    if not later:
        newest = max(rows, key=lambda row: row.spec)
        raise ConfigError(f"the config is newer than {variant} {newest.version}, the newest of that variant")
    return min(later, key=lambda row: row.spec)


class Writer:
    """Turns structures into the mappings and lists of the YAML text. `fold`: mount units of filesystems become with_mount_unit."""

    def __init__(self, row: Variant, files: Files | None, *, unpack: bool, fold: bool = True) -> None:
        self.row = row
        self._fold = fold
        self._unpack = unpack
        self.files = files

    def config(self, config: tables.Config) -> dict[str, Any]:
        folded = _Folded(config, self.row, fold=self._fold)
        data: dict[str, Any] = {"variant": self.row.name, "version": self.row.version}
        for entry, value in folded.config.items():
            below = self._struct(value, entry.name)
            below.pop("version", None)
            if below:
                data[entry.name] = below
        for index in folded.mounted:
            data["storage"]["filesystems"][index]["with_mount_unit"] = True
        return data

    def _struct(self, struct: Struct, wish: str) -> dict[str, Any]:
        """`wish` is what a file with something of this structure would be called."""
        if isinstance(struct, tables.Resource):
            return self.resource(struct, wish)
        wish = struct.key() or wish
        data: dict[str, Any] = {}
        for entry, value in sorted(
            struct.items(), key=lambda pair: _FIRST.index(pair[0].name) if pair[0].name in _FIRST else 99
        ):
            if entry.struct is None:
                if entry.name == "mode":
                    data[entry.name] = Octal(value)
                elif entry.many:
                    data[entry.name] = list(value)
                elif entry.optional or value or entry.required_at(self.row.spec):
                    data[entry.name] = value
            elif entry.many:
                data[entry.name] = [self._struct(item, f"{wish}-{entry.name}-{i}") for i, item in enumerate(value)]
            elif (below := self._struct(value, wish)) or self.keeps_empty(entry):
                data[entry.name] = below
        return data

    def keeps_empty(self, entry: Field) -> bool:
        """True if an empty structure is written."""
        return False

    def resource(self, resource: tables.Resource, wish: str) -> dict[str, Any]:
        """Contents and where they come from; `wish` as in _struct."""
        contents = contents_of(resource) if self._unpack and self._inlines(resource) else None
        data: dict[str, Any] = {}
        if contents is not None:
            text = as_text(contents)
            if self.files is not None and (text is None or len(contents) >= LARGE) and self.row.spec >= 1:
                data["local"] = self.files.add(wish, contents)
            elif text is not None:
                data["inline"] = text
        if not data:
            if resource.source is not None:
                data["source"] = resource.source
            if resource.compression is not None:
                data["compression"] = resource.compression
        if resource.http_headers:
            data["http_headers"] = [self._struct(each, "") for each in resource.http_headers]
        if resource.verification.hash is not None:
            data["verification"] = {"hash": resource.verification.hash}
        return data

    def _inlines(self, resource: tables.Resource) -> bool:
        """Spec 3.0's Butane takes inline contents for files alone."""
        return self.row.spec >= 1 or not isinstance(resource, tables.ConfigReference | tables.CaReference)


class _Folded:
    """A config without the mount units that the compiler writes itself, and the filesystems (`mounted`) that get them.

    The compiler puts them before all other units, in the order of the filesystems: what stands anywhere else is not its own.
    """

    def __init__(self, config: tables.Config, row: Variant, *, fold: bool) -> None:
        self.config = config
        self.mounted: list[int] = []
        if row.spec < 1 or not fold:
            return
        from butane_py.features.mount_units import written_unit

        units = config.systemd.units
        for i, filesystem in enumerate(config.storage.filesystems):
            if len(self.mounted) == len(units):
                break
            unit = units[len(self.mounted)]
            if unit == written_unit(filesystem, config, row.spec):
                self.mounted.append(i)
        if self.mounted:
            rest = units[len(self.mounted) :]
            self.config = config.but(systemd=config.systemd.but(units=rest or None))


def _compare(made: Decompiled, config: tables.Config, row: Variant, name: str) -> None:
    """Compiles what was made. Raises ConfigError where the result is another config."""
    from tempfile import TemporaryDirectory

    if not made.files:
        _compiled_alike(made, None, config, row, name)
        return
    with TemporaryDirectory() as folder:
        for file, contents in made.files.items():
            with open(f"{folder}/{file}", "wb") as stream:
                stream.write(contents)
        _compiled_alike(made, folder, config, row, name)


def _compiled_alike(made: Decompiled, folder: str | None, config: tables.Config, row: Variant, name: str) -> None:
    from butane_py.compilation import Options
    from butane_py.pipeline import compile_source

    result = compile_source(made.text.encode("utf-8", "surrogatepass"), name, Options(folder, raw=True))
    if result.output is None:
        raise ConfigError(f"{row.name} {row.version} cannot say what {name} says", result.report)
    again, _, _ = _read(result.output.encode(), name)
    if canonical(again, row.spec) != canonical(config, row.spec):
        raise ConfigError(f"{name} has something that does not come back from Butane {row.name} {row.version} the same")


def canonical(config: tables.Config, version: int) -> Any:
    """A config as data that is equal for configs that say the same: contents without their wrapping, nothing empty."""
    return _canonical(config, version)


def _canonical(value: Any, version: int) -> Any:
    from ignition_py.spec.model import Struct

    if isinstance(value, tuple):
        return [_canonical(item, version) for item in value]
    if not isinstance(value, Struct):
        return value
    data: dict[str, Any] = {}
    for entry, below in value.items():
        made = _canonical(below, version)
        if made not in ({}, []) and (entry.optional or made != entry.default):
            data[entry.name] = made
    if isinstance(value, tables.Resource):
        contents = contents_of(value)
        if contents is not None:
            data["source"] = contents
            data.pop("compression", None)
        elif not value.compression:
            data.pop("compression", None)
    return data


__all__ = ["VARIANTS", "Decompiled", "canonical", "decompile", "decompile_files"]
