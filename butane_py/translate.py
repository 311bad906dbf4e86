"""Butane structures to Ignition structures: fields of the same name are carried over, sugar is worked out.

Single values are worked out here (contents, keys, unit text); sugar that makes whole entries (trees, mount units, boot
devices ...) is in sugar/ and works on the config that comes out of here. Origins go along.
"""

from __future__ import annotations

from butane_py import tables
from butane_py.resources import LocalFileError, data_url, no_files, read_local
from butane_py.yaml.source import At
from ignition_py.spec import tables as spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from butane_py.compilation import Compilation
    from ignition_py.spec.model import Origin, Struct

    Handler = Callable[["Translator", Any, dict[str, Any]], None]

AUTO_COMPRESS_SINCE = 1  # spec 3.1: before it, inline contents were only escaped
OPENSHIFT_COMPRESS_SINCE = 10  # the MCO of 4.8 and 4.9 could not unpack


class _Plan:
    """How one structure is translated: what it becomes, and which fields are carried over as what."""

    __slots__ = ("handler", "lists", "structs", "sugar", "target")

    def __init__(self, cls: type[Struct]) -> None:
        self.target: type[Struct] = next(base for base in cls.__mro__ if base.__module__ == spec.__name__)
        self.sugar = frozenset(name for name in cls.FIELDS if name not in self.target.FIELDS)
        structs = [entry for entry in cls.FIELDS.values() if entry.struct is not None and entry.name not in self.sugar]
        self.lists = frozenset(entry.name for entry in structs if entry.many)
        self.structs = frozenset(entry.name for entry in structs if not entry.many)
        self.handler = _HANDLERS.get(cls)


class Translator:
    """Translates the structures of one config."""

    def __init__(self, work: Compilation) -> None:
        self.work = work
        self.options = work.options
        row = work.row
        self.may_compress = not row.machine_config or row.openshift >= OPENSHIFT_COMPRESS_SINCE
        self._plans: dict[type[Struct], _Plan] = {}

    def struct(self, it: Struct) -> Any:
        """`it` as the Ignition structure that it stands for."""
        cls = type(it)
        plan = self._plans.get(cls)
        if plan is None:
            plan = self._plans[cls] = _Plan(cls)
        made = plan.target.__new__(plan.target)
        values = made.__dict__
        for name, value in it.__dict__.items():
            if name in plan.lists:
                values[name] = tuple([self.struct(item) for item in value])
            elif name in plan.structs:
                values[name] = self.struct(value)
            elif name not in plan.sugar:
                values[name] = value
        if plan.handler is not None:
            plan.handler(self, it, values)
        return made

    def failed(self, error: LocalFileError, origin: Origin | None, *more: str | int) -> None:
        path = origin.path if isinstance(origin, At) else ()
        self.work.error(error.code, str(error), (*path, *more))


def _config(translator: Translator, _it: tables.Config, values: dict[str, Any]) -> None:
    source = translator.work.source
    version = next(text for text, minor in spec.VERSIONS.items() if minor == translator.work.row.spec)
    ignition = values.get("ignition")
    values["ignition"] = (ignition or spec.Ignition(At(source, ("ignition",)))).but(
        version=version, _sources={"version": At(source, ("version",))}
    )


def _resource(translator: Translator, it: Any, values: dict[str, Any]) -> None:
    """`inline` and `local` become a data URL; both given is an error that was found before."""
    if it.local is not None:
        try:
            _embed(translator, it, values, "local", read_local(it.local, translator.options))
        except LocalFileError as error:
            translator.failed(error, it._origin, "local")
            return
    if it.inline is not None:
        _embed(translator, it, values, "inline", it.inline.encode("utf-8", "surrogateescape"))


def _embed(translator: Translator, it: Any, values: dict[str, Any], name: str, contents: bytes) -> None:
    origin = it._origin.field(type(it).FIELDS[name])
    if translator.work.row.spec < AUTO_COMPRESS_SINCE:
        from butane_py.resources import escaped_url

        values["source"] = escaped_url(contents)
        values["_sources"] = {"source": origin}
        return
    values["source"], compression = data_url(contents, values.get("compression"), may_compress=translator.may_compress)
    values["_sources"] = {"source": origin}
    if compression is not None:
        values["compression"] = compression
        values["_sources"]["compression"] = origin


class _Keys(At):
    """A user's keys: the first `count` stand in the config, each of the others in the local file of `files` that `file_of` names."""

    __slots__ = ("_count", "_file_of")

    def __init__(self, files: At, count: int, file_of: list[int]) -> None:
        super().__init__(files.source, files.path)
        self._count = count
        self._file_of = file_of

    def item(self, index: int) -> Origin:
        if index < self._count:
            return At(self.source, (*self.path[:-1], "ssh_authorized_keys", index))
        return super().item(self._file_of[index - self._count])


def _user(translator: Translator, it: tables.PasswdUser, values: dict[str, Any]) -> None:
    """Keys from local files follow those in the config, a key a line."""
    if not it.ssh_authorized_keys_local:
        return
    files = it._origin.field(type(it).FIELDS["ssh_authorized_keys_local"]) if it._origin else None
    if not translator.options.files_dir:
        translator.failed(no_files(translator.options), files)
        return
    keys = list(it.ssh_authorized_keys)
    file_of = []  # for each key that a file has, the index of the file
    for index, path in enumerate(it.ssh_authorized_keys_local):
        try:
            text = read_local(path, translator.options).decode("utf-8", "surrogateescape")
        except LocalFileError as error:
            translator.failed(error, files, index)
            continue
        lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
        keys += lines
        file_of += [index] * len(lines)
    values["ssh_authorized_keys"] = tuple(keys)
    if isinstance(files, At):
        values["_sources"] = {"ssh_authorized_keys": _Keys(files, len(it.ssh_authorized_keys), file_of)}


def _unit_text(translator: Translator, it: Any, values: dict[str, Any]) -> None:
    if not it.contents_local:
        return
    try:
        contents = read_local(it.contents_local, translator.options)
    except LocalFileError as error:
        translator.failed(error, it._origin, "contents_local")
        return
    values["contents"] = contents.decode("utf-8", "surrogateescape")
    values["_sources"] = {"contents": it._origin.field(type(it).FIELDS["contents_local"])}


_HANDLERS: dict[type[Struct], Handler] = {
    tables.Config: _config,
    tables.Resource: _resource,
    tables.ConfigReference: _resource,
    tables.CaReference: _resource,
    tables.PasswdUser: _user,
    tables.Unit: _unit_text,
    tables.Dropin: _unit_text,
}
