"""Where the programs of this stage come from (the initramfs, which upon the new root take `--root`, or the new root itself),
and what the image that it runs in has set for it.
"""

from __future__ import annotations

import os

from ignition_py.report.diag import StageError
from ignition_py.system.host import DIRECTORIES, which

TYPE_CHECKING = False
if TYPE_CHECKING:
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


def image_setting(name: str, default: bool) -> bool:
    """A setting in the environment of the stage, which is the image's. Raises StageError for what is neither true nor false."""
    value = os.environ.get(name) or str(default).lower()
    if value not in ("true", "1", "false", "0"):
        raise StageError(f"{name} is {value!r}", hint="The image has to set it to true or false")
    return value in ("true", "1")
