"""Codes of files, directories, links and trees."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_

declare(
    "mode-decimal",
    title="A mode looks octal and is decimal",
    why=(
        "YAML reads 644 as a decimal number, which as mode bits is 01204: the owner may write the file but not read it."
    ),
    fix="Write the leading zero: 0644.",
    wrong=file_("mode: 644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)

declare(
    "tree-local-missing",
    title="A tree names no directory",
    why="A tree embeds a directory of the machine that compiles, which local names; path is only where it goes.",
    fix="Add local, a directory below --files-dir.",
    wrong="storage:\n  trees:\n    - path: /etc\n",
    right="storage:\n  trees:\n    - local: tree\n      path: /etc\n",
    local=True,
)

declare(
    "tree-not-directory",
    title="A tree is not a directory",
    why="What local names is a single file, and a tree embeds the contents of a directory.",
    fix="Name a directory, or embed the one file with storage.files and contents.local.",
    wrong="storage:\n  trees:\n    - local: a.txt\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)

declare(
    "tree-file-type",
    title="A tree holds something that cannot be embedded",
    why="A config can carry files, directories and symbolic links. Pipes, sockets and devices have no contents to embed.",
    fix="Remove it from the directory; a unit or systemd-tmpfiles can create it on the machine.",
    wrong="storage:\n  trees:\n    - local: pipes\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)

declare(
    "node-exists",
    title="Something else is at the path already",
    why=(
        "A tree or a quadlet would write to a path where this config has another kind of entry, and only one of them can "
        "be there."
    ),
    fix="Remove one of the two, or change its path.",
    wrong="storage:\n  trees:\n    - local: tree\n  links:\n    - path: /hello\n      target: /etc\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)
