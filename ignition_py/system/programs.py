"""Where a program comes from that works on the new root: the initramfs, with `--root`, or the new root itself, by chroot."""

from __future__ import annotations

from ignition_py.system.host import DIRECTORIES, which
from ignition_py.system.rootfs import Root


def find_tool(root: Root, tool: str) -> tuple[list[str] | None, str | None]:
    """How to start a tool upon the root: its argv up to the flags, and the directory to chroot to; (None, None) for no way."""
    if which(tool):
        return [tool, "--root", root.path], None
    path = path_in_root(root, tool)
    return ([path], root.path) if path else (None, None)


def path_in_root(root: Root, tool: str) -> str:
    """The path of a program of the new root, "" where it has none."""
    for directory in DIRECTORIES:
        found = root.lstat(f"{directory}/{tool}", follow=True)
        if found is not None and found.st_mode & 0o111:
            return f"{directory}/{tool}"
    return ""
