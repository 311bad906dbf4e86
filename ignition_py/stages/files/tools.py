"""Where the programs of this stage come from: the initramfs, which upon the new root take `--root`, or the new root itself."""

from __future__ import annotations

import os

from ignition_py.system.tools import DIRECTORIES, search_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ignition_py.system.rootfs import Root


def find_tool(root: Root, tool: str) -> tuple[list[str] | None, str | None]:
    """How to start a tool upon the root: its argv up to the flags, and the directory to chroot to; (None, None) for no way."""
    for directory in search_path():
        if os.access(f"{directory}/{tool}", os.X_OK):
            return [tool, "--root", root.path], None
    for directory in DIRECTORIES:
        found = root.lstat(f"{directory}/{tool}", follow=True)
        if found is not None and found.st_mode & 0o111:
            return [f"{directory}/{tool}"], root.path
    return None, None
