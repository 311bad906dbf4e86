"""`--emit butane`: the result for a host as plain Butane, which any Butane compiles to the same bytes.

Everything is in the one text: included files, local files, the values of variables, and what sugar has made. Contents are readable where
every compiler writes them the same; what may be packed stays a data URL, since two compressors differ in bytes.
"""

from __future__ import annotations

from typing import Any

from butane_py.compilation import Compilation, Options
from butane_py.decompiler import Writer
from butane_py.decompiler.unpack import as_text, contents_of
from butane_py.emit.document import document
from butane_py.features.contents import AUTO_COMPRESS_SINCE
from butane_py.pipeline import compile_source
from butane_py.resources import data_url, escaped_url, gzip_stream
from butane_py.result import Result
from ignition_py.report.diag import ConfigError
from ignition_py.spec import tables
from ignition_py.spec.model import Field

_SHARE, _BYTES = 1.02, 8  # how much longer than unpacked contents packed ones may be for other compressors to choose them


class _Exact(Writer):
    """Writes contents as text only where they come back as the same data URL."""

    def resource(self, resource: tables.Resource, wish: str) -> dict[str, Any]:
        data = super().resource(resource, wish)
        if "inline" in data and not self._comes_back(resource):
            del data["inline"]
            plain: dict[str, Any] = {"source": resource.source}
            if resource.compression is not None:
                plain["compression"] = resource.compression
            data = {**plain, **data}
        return data

    def keeps_empty(self, entry: Field) -> bool:
        return entry.nullable[0] <= self.row.spec < entry.nullable[1]

    def _comes_back(self, resource: tables.Resource) -> bool:
        contents = contents_of(resource)
        if resource.compression == "gzip" or contents is None or as_text(contents) is None:
            return False
        if self.row.spec < AUTO_COMPRESS_SINCE:
            return resource.compression is None and resource.source == escaped_url(contents)
        if self.row.may_compress:
            url, compression = data_url(contents, None, may_compress=False)
            packed = len("data:;base64,") + 4 * ((len(gzip_stream(contents)) + 2) // 3)
            near = packed < _SHARE * len(url) + _BYTES
            return (url, compression) == (resource.source, resource.compression) and not near
        return data_url(contents, None, may_compress=False) == (resource.source, resource.compression)


def emitted(result: Result, name: str = "") -> str:
    """The plain Butane of a result. Raises ConfigError where the result has errors, or says what its variant cannot say.

    `name` is that of the host, for the comment in front.
    """
    work = result.compilation
    if result.output is None or work is None:
        raise ConfigError("there is no config to write as Butane", result.report)
    head = f"# Written by butane-py build from {work.name}{f' for {name}' if name else ''}.\n"
    options = Options(pretty=work.options.pretty, raw=work.options.raw)
    for fold, unpack in ((True, True), (False, True), (False, False)):
        writer = _Exact(work.row, None, unpack=unpack, fold=fold)
        text = head + document({**writer.config(work.output), **_sections(work)})
        again = compile_source(text.encode("utf-8", "surrogatepass"), work.name, options)
        if again.output == work.text:
            return text
    raise ConfigError(f"{work.row} cannot say what {work.name} makes{f' for {name}' if name else ''}", again.report)


def _sections(work: Compilation) -> dict[str, Any]:
    """The sections of the main file that are no part of the Ignition config."""
    found: dict[str, Any] = {}
    for name in ("metadata", "openshift"):
        section = getattr(work.config, name, None)
        if section is not None and work.config.has(name):
            found[name] = {entry.name: list(value) if entry.many else value for entry, value in section.items()}
    return found
