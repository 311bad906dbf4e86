"""Rules of single files, directories and links: paths, modes, owners, contents."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_
from ignition_py.spec.rules.paths import check_path
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Directory, File, Node, NodeGroup, NodeUser
from ignition_py.spec.upgrade import SPECIAL_BITS_SINCE

_MODE_MAX = 0o7777
_SPECIAL_BITS = 0o7000


@rule(Node)
def node(node: Node, findings: Findings) -> None:
    check_path(findings, node.path, "path")


@rule(
    File,
    "mode-range",
    title="A mode is out of range",
    why="The mode bits of a file go from 0 to 07777: three digits of permissions, before them one for setuid, setgid and sticky. "
    "Larger numbers have no meaning as a mode.",
    fix="Write three or four octal digits with a leading zero, such as 0644 or 0755.",
    wrong=file_("mode: 077777"),
    right=file_("mode: 0755"),
)
@rule(Directory)
@code(
    "mode-special-bits",
    title="Special mode bits have no effect in this version",
    why="Ignition sets the setuid, setgid and sticky bits from spec 3.6.0 on (fcos 1.7.0, flatcar 1.2.0-experimental). Earlier versions "
    "ignore them.",
    fix="Use a newer version, or set the bits with a unit or systemd-tmpfiles.",
    severity=WARNING,
    wrong=file_("mode: 04755"),
    right=file_("mode: 0755"),
)
def mode(node: File | Directory, findings: Findings) -> None:
    if node.mode is None:
        return
    if not 0 <= node.mode <= _MODE_MAX:
        message = f"mode {node.mode} is outside 0 to {_MODE_MAX} (octal 7777)"
        findings.error("mode-range", message, "mode", hint="write octal digits with a leading zero, such as 0644")
    if node.mode & _SPECIAL_BITS and findings.version < SPECIAL_BITS_SINCE:
        message = "setuid, setgid and sticky bits have no effect before spec 3.6.0"
        usual = node.mode & 0o777
        hint = f"write {usual:#05o}".replace("0o", "0") + " in this version, or use a version of spec 3.6.0"
        findings.warning("mode-special-bits", message, "mode", hint=hint)


@rule(
    File,
    "overwrite-without-source",
    title="overwrite is true, but there are no contents",
    why="With overwrite, Ignition removes what is at the path and writes the contents. Without contents the file would just vanish.",
    fix='Add contents (inline, local or source), or remove overwrite. An empty file is contents: {inline: ""}.',
    wrong=file_("overwrite: true"),
    right=file_("overwrite: true\ncontents:\n  inline: hello"),
)
def overwrite(file: File, findings: Findings) -> None:
    if file.overwrite and file.contents.source is None:
        message = "overwrite is true, but there are no contents to write"
        hint = 'add contents, such as contents: {inline: ""} for an empty file, or remove overwrite'
        findings.error("overwrite-without-source", message, "overwrite", hint=hint)


@rule(
    NodeUser,
    "owner-id-and-name",
    title="An owner is given by id and by name",
    why="The id and the name could belong to two different users or groups, and nothing says which of them counts.",
    fix="Keep one of the two: the name where the user is in the image or in this config, the id otherwise.",
    wrong=file_("user:\n  id: 1000\n  name: core"),
    right=file_("user:\n  name: core"),
)
@rule(NodeGroup)
def owner(owner: NodeUser | NodeGroup, findings: Findings) -> None:
    if owner.id is not None and owner.name:
        hint = f"remove id: {owner.id} or name: {owner.name}"
        findings.error("owner-id-and-name", "an owner is given by id or by name, not by both", hint=hint)
