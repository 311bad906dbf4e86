"""Which fields of the newest spec no part of the executor reads: found by the names of attributes in the sources."""

from __future__ import annotations

import ast
import json
from pathlib import Path

# Prints the fields of the newest spec as JSON: [structure, field].
PROGRAM = """
import json
from ignition_py.spec import tables
found, stack = {}, [tables.Config]
newest = max(tables.VERSIONS.values())
while stack:
    cls = stack.pop()
    if cls.__name__ not in found:
        found[cls.__name__] = [name for name, entry in cls.FIELDS.items() if entry.at(newest)]
        stack += [entry.struct for entry in cls.FIELDS.values() if entry.struct is not None]
print(json.dumps([[cls, name] for cls in sorted(found) for name in found[cls]]))
"""

# The parts of the executor that act on a structure. A structure that is not here is looked for in all of them.
PARTS = {
    ("stages/disks",): ("Disk", "Partition", "Raid", "Luks", "Clevis", "ClevisCustom", "Tang", "Cex"),
    ("stages/disks", "stages/mount.py"): ("Filesystem",),
    ("stages/files",): ("File", "Directory", "Link", "NodeUser", "NodeGroup", "PasswdUser", "PasswdGroup", "Unit", "Dropin", "Systemd"),
    ("stages/kargs",): ("KernelArguments",),
}
EVERYWHERE = ("stages", "fetch", "engine.py", "render.py", "cli.py")

# Fields that need no stage, each with its reason.
UNREAD: dict[str, str] = {
    "PasswdUser.no_log_init": "it keeps useradd from writing lastlog and faillog; the stage writes account files itself, and no login logs",
}


def unread(tree: Path, fields: str) -> list[str]:
    """The fields (PROGRAM's output) that the executor in `tree` does not read, without those that need not be read."""
    part_of = {cls: part for part, structs in PARTS.items() for cls in structs}
    read = {part: _names(tree / "ignition_py", part) for part in PARTS}
    anywhere = _names(tree / "ignition_py", EVERYWHERE)
    return [
        f"{cls}.{name}"
        for cls, name in json.loads(fields)
        if name not in (read[part_of[cls]] if cls in part_of else anywhere) and f"{cls}.{name}" not in UNREAD
    ]


def _names(package: Path, parts: tuple[str, ...]) -> set[str]:
    """The names of attributes that are read, and texts that may be the name of one (for getattr)."""
    found: set[str] = set()
    for part in parts:
        path = package / part
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found
