"""Path text: what the language takes as a path, and Go's path cleaning, which the checks are defined by."""

from __future__ import annotations

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


def check_path(findings: Findings, path: str, *where: str | int) -> None:
    """An absolute path in its shortest spelling."""
    if not path:
        findings.error("path-missing", "a path is needed here", *where)
    elif not path.startswith("/"):
        findings.error("path-relative", f"{path!r} is relative; a path starts with /", *where)
    elif clean(path) != path:
        findings.error("path-not-clean", f"{path!r} is not in its shortest spelling: write {clean(path)}", *where)


def extension(name: str) -> str:
    """`.service` of `a.b.service`; nothing where there is no dot. Source: Go's path.Ext."""
    last = name.rpartition("/")[2]
    _, dot, ext = last.rpartition(".")
    return dot + ext if dot else ""
