"""Path text: what the language takes as a path, and Go's path cleaning, which the checks are defined by."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.examples import file_
from ignition_py.spec.rules.registry import Findings


def clean(path: str) -> str:
    """The shortest path that means the same lexically. Source: Go's path.Clean."""
    rooted = path.startswith("/")
    out: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if out and out[-1] != "..":
                out.pop()
            elif not rooted:
                out.append("..")
        else:
            out.append(part)
    return ("/" if rooted else "") + "/".join(out) or "."


@code(
    "path-missing",
    title="A path is missing",
    why="Ignition has to know where on the machine the entry goes; without a path it refuses the config.",
    fix="Give the entry a path, such as path: /etc/motd.",
    wrong="storage:\n  files:\n    - mode: 0644\n",
    right=file_("mode: 0644"),
)
@code(
    "path-relative",
    title="A path is relative",
    why="Paths are those of the machine that is provisioned, where no directory is the current one, so they begin with a slash.",
    fix="Write the whole path, beginning with /.",
    wrong="storage:\n  files:\n    - path: etc/motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n",
)
@code(
    "path-not-clean",
    title="A path is not written in its shortest form",
    why="Ignition compares paths as text to find entries that collide, so each path has one spelling: no double slash, no slash "
    "at the end, no . or .. part.",
    fix="Write the path that the message shows.",
    wrong="storage:\n  files:\n    - path: /etc//motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n",
)
def check_path(findings: Findings, path: str, *where: str | int) -> None:
    """Reports a path that is not absolute or not in its shortest form. `where` is a field of a node, or of a device."""
    device = where[-1] != "path"
    if not path:
        example = "/dev/disk/by-id/…" if device else "/etc/motd"
        findings.error("path-missing", "a path is missing here", *where, hint=f"write a whole path, such as {example}")
    elif not path.startswith("/"):
        whole = f"/dev/{clean(path)}" if device and "/" not in path else clean("/" + path)
        message = f"{path!r} is relative; a path begins with /"
        findings.error("path-relative", message, *where, hint=f"write {whole}", fix=whole)
    elif (shortest := clean(path)) != path:
        message = f"{path!r} is not in its shortest form"
        findings.error("path-not-clean", message, *where, hint=f"write {shortest}", fix=shortest)


def extension(name: str) -> str:
    """`.service` of `a.b.service`; nothing where there is no dot. Source: Go's path.Ext."""
    last = name.rpartition("/")[2]
    _, dot, ext = last.rpartition(".")
    return dot + ext if dot else ""
