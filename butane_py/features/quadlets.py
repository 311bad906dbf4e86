"""`systemd.quadlets`: Podman quadlets become files; an instance of a template becomes a link. Source: podman-systemd.unit(5)."""

from __future__ import annotations

from butane_py import base
from butane_py.compilation import Compilation
from butane_py.features.contents import Dropin
from butane_py.features.feature import Feature
from butane_py.features.nodes import Nodes
from butane_py.registry import ButaneFindings, rule
from butane_py.resources import LocalFileError, embedded, read_local
from butane_py.variants import BUILD
from butane_py.yaml.source import Whole
from ignition_py.report.catalog import code
from ignition_py.report.diag import Path
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field
from ignition_py.spec.rules.paths import clean

# Examples.
_NEW = "fcos 1.8.0-experimental"

SYSTEM = "/etc/containers/systemd"
USERS = "/etc/containers/systemd/users"


TYPES = (".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact")


class Quadlet(Struct):
    """A Podman quadlet."""

    contents: str | None = field("Text of the quadlet.", since=7)
    contents_local: str | None = field("Path of a local file with the text, below the files directory.", since=7)
    interpolate: bool = field("Whether ${{ }} in the local file counts.", axis=BUILD)
    name: str = field("File name of the quadlet, such as web.container.", since=7, required=True)
    rootful: bool = field("Whether root runs it (default: users do).", since=7)
    dropins: tuple[Dropin, ...] = field("Drop-ins of the quadlet.", since=7)


@extends
class Systemd(base.Systemd):
    quadlets: tuple[Quadlet, ...] = field("Podman quadlets.", since=7)


@code(
    "quadlet-name",
    title="The name of a quadlet has no type",
    why="Podman tells by the end of the name what a quadlet describes, and ignores files with another ending.",
    fix="End the name with .container, .volume, .network, .kube, .image, .build, .pod or .artifact.",
    wrong="systemd:\n  quadlets:\n    - name: web\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web.container\n      contents: '[Container]'\n",
    row=_NEW,
)
@code(
    "quadlet-instance-contents",
    title="An instance of a quadlet has contents of its own",
    why="An instance such as web@a.container is a link to its template web@.container and has the template's contents.",
    fix="Move the contents to the template, or name the quadlet without @.",
    wrong="systemd:\n  quadlets:\n    - name: web@a.container\n      contents: '[Container]'\n",
    right="systemd:\n  quadlets:\n    - name: web@.container\n      contents: '[Container]'\n    - name: web@a.container\n",
    row=_NEW,
)
@rule(Quadlet)
def quadlet(it: Quadlet, find: ButaneFindings) -> None:
    if not it.name.endswith(TYPES):
        stem = it.name.removesuffix(".service")
        hint = f"write {stem}.container, or the type that it has" if stem and stem[-1] != "." else ""
        find.error("quadlet-name", f"the name of a quadlet ends with its type: one of {' '.join(TYPES)}", "name", hint=hint)
    elif template_of(it.name) is not None:
        for name in ("contents", "contents_local"):
            if it.has(name):
                find.error(
                    "quadlet-instance-contents",
                    "an instance has the contents of its template and none of its own",
                    name,
                )
    elif it.contents is not None and it.contents_local is not None:
        message = "the text of a quadlet comes from one place, not from contents and contents_local"
        related = (("contents are given here", ("contents",)),)
        find.error("unit-sources-too-many", message, "contents_local", related=related)


def template_of(name: str) -> str | None:
    """`web@.container` for `web@blue.container`; None where the name is no instance of a template."""
    at, dot = name.find("@"), name.rfind(".")
    if at < 0 or dot < 0 or at + 1 == dot:
        return None
    return f"{name[:at]}@.{name[dot + 1 :]}"


def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    """`output` with the quadlets and their drop-ins."""
    systemd = work.config.systemd
    assert isinstance(systemd, Systemd)
    if not systemd.quadlets:
        return output
    nodes = Nodes(output)
    for i, quadlet in enumerate(systemd.quadlets):
        path: Path = ("systemd", "quadlets", i)
        target = clean(f"{SYSTEM if quadlet.rootful else USERS}/{quadlet.name}")
        template = template_of(quadlet.name)
        if template is None:
            _file(work, nodes, quadlet, target, path)
        elif nodes.exists(target):
            _taken(work, target, path)
        else:
            link = spec.Link(Whole(work.source, path), path=target, target=template)
            nodes.put("links", link.but(_sources={"path": Whole(work.source, (*path, "name"))}))
        for j, dropin in enumerate(quadlet.dropins):
            _file(work, nodes, dropin, f"{target}.d/{dropin.name}", (*path, "dropins", j))
    return nodes.into(output, Whole(work.source, ("systemd", "quadlets")))


def _taken(work: Compilation, target: str, path: Path) -> None:
    work.error("node-exists", f"the config has something at {target} already", path)


def _file(work: Compilation, nodes: Nodes, it: Quadlet | Dropin, target: str, path: Path) -> None:
    if nodes.exists(target):
        _taken(work, target, path)
        return
    origin = Whole(work.source, path)
    contents, behind = b"", Whole(work.source, ())
    if it.contents_local:
        behind = Whole(work.source, (*path, "contents_local"))
        try:
            contents = read_local(it.contents_local, work.options)
            if it.interpolate:
                contents = work.interpolated(contents, it.contents_local, behind.path)
        except LocalFileError as error:
            work.error(error.code, str(error), behind.path)
            nodes.put("files", spec.File(origin, path=target))  # its place is taken all the same
            return
    if it.contents:
        contents, behind = it.contents.encode("utf-8", "surrogateescape"), Whole(work.source, (*path, "contents"))
    url, compression = embedded(work, contents, None)
    resource = spec.Resource(origin, source=url, compression=compression, _sources={"source": behind})
    sources = {"path": Whole(work.source, (*path, "name")), "contents": behind}
    nodes.put("files", spec.File(origin, path=target, contents=resource, mode=0o644, _sources=sources))


FEATURE = Feature(desugar=desugar)
