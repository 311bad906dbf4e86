"""`inline`, `local` and `contents_local`: contents that are written into the config or read from a local file become data URLs
and unit texts."""

from __future__ import annotations

from typing import Any

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.feature import Feature
from butane_py.registry import ButaneFindings, rule
from butane_py.resources import LocalFileError, embedded, read_local
from butane_py.variants import BUILD
from ignition_py.report.catalog import code
from ignition_py.report.examples import file_, unit
from ignition_py.spec.model import extends, field


# Examples.
def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


AUTO_COMPRESS_SINCE = 1  # spec 3.1: before it, inline contents were only escaped


@extends
class Resource(base.Resource):
    inline: str | None = field("The contents themselves.", secret=True)
    local: str | None = field("Path of a local file with the contents, below the files directory.", since=1)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)


@extends
class ConfigReference(base.ConfigReference):
    inline: str | None = field("The Ignition config itself.", since=1, secret=True)
    local: str | None = field("Path of a local Ignition config, below the files directory.", since=1)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)


@extends
class CaReference(base.CaReference):
    inline: str | None = field("The bundle itself.", since=1, secret=True)
    local: str | None = field("Path of a local bundle, below the files directory.", since=1)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)


@extends
class Dropin(base.Dropin):
    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=4)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)


@extends
class Unit(base.Unit):
    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=4)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)


@code(
    "sources-too-many",
    title="Contents come from several places",
    why=(
        "Contents are written in the config (inline), read when it is compiled (local) or fetched by the machine "
        "(source). With more than one, nothing says which counts."
    ),
    fix="Keep one of source, inline and local.",
    wrong=_contents("inline: hello\nsource: https://example.com/motd"),
    right=_contents("inline: hello"),
)
@rule(Resource)
@rule(ConfigReference)
@rule(CaReference)
def one_source(it: Resource, find: ButaneFindings) -> None:
    given = [name for name in ("local", "inline", "source") if getattr(it, name) is not None]
    if len(given) > 1:
        at = given[-1] if find.version else "inline"
        message = f"contents come from one place, not from {' and '.join(given)}"
        related = tuple((f"{name} is given here", (name,)) for name in given if name != at)
        find.error("sources-too-many", message, at, hint=f"keep one of {' and '.join(given)}", related=related)


@rule(ConfigReference, since=1)
def inline_config(it: ConfigReference, find: ButaneFindings) -> None:
    if it.inline is not None and it.local is None and it.source is None:
        from butane_py.child import check_child

        check_child(it.inline, find)


@code(
    "unit-sources-too-many",
    title="The text of a unit comes from two places",
    why="contents is the text itself, contents_local a file with it. With both, nothing says which counts.",
    fix="Keep contents or contents_local.",
    wrong=unit("contents: '[Unit]'\ncontents_local: a.service"),
    right=unit("contents: '[Unit]'"),
)
@rule(Unit)
@rule(Dropin)
def one_text(it: Unit | Dropin, find: ButaneFindings) -> None:
    if it.contents is not None and it.contents_local is not None:
        message = "the text of a unit comes from one place, not from contents and contents_local"
        related = (("contents are given here", ("contents",)),)
        find.error("unit-sources-too-many", message, "contents_local", related=related)


def _resource(work: Compilation, it: Any, values: dict[str, Any]) -> None:
    """`inline` and `local` become a data URL; both given is an error that was found before."""
    if it.local is not None:
        try:
            contents = read_local(it.local, work.options)
            if it.interpolate:
                contents = work.interpolated(contents, it.local, (*it._origin.path, "local"))
            _embed(work, it, values, "local", contents)
        except LocalFileError as error:
            work.local_file_error(error, it._origin, "local")
            return
    if it.inline is not None:
        _embed(work, it, values, "inline", it.inline.encode("utf-8", "surrogateescape"))


def _embed(work: Compilation, it: Any, values: dict[str, Any], name: str, contents: bytes) -> None:
    origin = it._origin.field(type(it).FIELDS[name])
    if work.row.spec < AUTO_COMPRESS_SINCE:
        from butane_py.resources import escaped_url

        values["source"] = escaped_url(contents)
        values["_sources"] = {"source": origin}
        return
    values["source"], compression = embedded(work, contents, values.get("compression"))
    values["_sources"] = {"source": origin}
    if compression is not None:
        values["compression"] = compression
        values["_sources"]["compression"] = origin


def _unit_text(work: Compilation, it: Any, values: dict[str, Any]) -> None:
    if not it.contents_local:
        return
    try:
        contents = read_local(it.contents_local, work.options)
        if it.interpolate:
            contents = work.interpolated(contents, it.contents_local, (*it._origin.path, "contents_local"))
    except LocalFileError as error:
        work.local_file_error(error, it._origin, "contents_local")
        return
    values["contents"] = contents.decode("utf-8", "surrogateescape")
    values["_sources"] = {"contents": it._origin.field(type(it).FIELDS["contents_local"])}


FEATURE = Feature(
    handlers={
        Resource: _resource,
        ConfigReference: _resource,
        CaReference: _resource,
        Unit: _unit_text,
        Dropin: _unit_text,
    }
)
