"""`systemd.quadlets`: Podman quadlets become files; an instance of a template becomes a link. Source: podman-systemd.unit(5)."""

from __future__ import annotations

from butane_py.features.nodes import Nodes
from butane_py.resources import LocalFileError, data_url, read_local
from butane_py.yaml.source import Whole
from ignition_py.spec import tables as spec
from ignition_py.spec.rules.paths import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py import tables
    from butane_py.compilation import Compilation
    from ignition_py.report.diag import Path

SYSTEM = "/etc/containers/systemd"
USERS = "/etc/containers/systemd/users"


def template_of(name: str) -> str | None:
    """`web@.container` for `web@blue.container`; None where the name is no instance of a template."""
    at, dot = name.find("@"), name.rfind(".")
    if at < 0 or dot < 0 or at + 1 == dot:
        return None
    return f"{name[:at]}@.{name[dot + 1 :]}"


def add_quadlets(
    work: Compilation, config: spec.Config, quadlets: tuple[tables.Quadlet, ...], *, may_compress: bool
) -> spec.Config:
    """`config` with the quadlets and their drop-ins."""
    if not quadlets:
        return config
    nodes = Nodes(config)
    for i, quadlet in enumerate(quadlets):
        path: Path = ("systemd", "quadlets", i)
        target = clean(f"{SYSTEM if quadlet.rootful else USERS}/{quadlet.name}")
        template = template_of(quadlet.name)
        if template is None:
            _file(work, nodes, quadlet, target, path, may_compress)
        elif nodes.exists(target):
            _taken(work, target, path)
        else:
            link = spec.Link(Whole(work.source, path), path=target, target=template)
            nodes.put("links", link.but(_sources={"path": Whole(work.source, (*path, "name"))}))
        for j, dropin in enumerate(quadlet.dropins):
            _file(work, nodes, dropin, f"{target}.d/{dropin.name}", (*path, "dropins", j), may_compress)
    return nodes.into(config, Whole(work.source, ("systemd", "quadlets")))


def _taken(work: Compilation, target: str, path: Path) -> None:
    work.error("node-exists", f"the config has something at {target} already", path)


def _file(
    work: Compilation, nodes: Nodes, it: tables.Quadlet | tables.Dropin, target: str, path: Path, may_compress: bool
) -> None:
    if nodes.exists(target):
        _taken(work, target, path)
        return
    origin = Whole(work.source, path)
    contents, behind = b"", Whole(work.source, ())
    if it.contents_local:
        behind = Whole(work.source, (*path, "contents_local"))
        try:
            contents = read_local(it.contents_local, work.options)
        except LocalFileError as error:
            work.error(error.code, str(error), behind.path)
            nodes.put("files", spec.File(origin, path=target))  # its place is taken all the same
            return
    if it.contents:
        contents, behind = it.contents.encode("utf-8", "surrogateescape"), Whole(work.source, (*path, "contents"))
    url, compression = data_url(contents, None, may_compress=may_compress)
    resource = spec.Resource(origin, source=url, compression=compression, _sources={"source": behind})
    sources = {"path": Whole(work.source, (*path, "name")), "contents": behind}
    nodes.put("files", spec.File(origin, path=target, contents=resource, mode=0o644, _sources=sources))
