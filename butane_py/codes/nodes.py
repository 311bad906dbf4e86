"""Codes of files, directories, links and trees."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_

_BELOW = "storage:\n  links:\n    - path: /etc/app\n      target: /opt/app\n  files:\n    - path: {}\n"

_HARD = "storage:\n  directories:\n    - path: /opt/app\n  links:\n    - path: /etc/app\n      target: /opt/app\n"

declare(
    "mode-decimal",
    title="A mode looks octal and is decimal",
    why="644 is a decimal number and means other permissions than 0644. Write the leading zero.",
    wrong=file_("mode: 644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)

declare(
    "tree-local-missing",
    title="A tree without a directory",
    why="A tree embeds a local directory, which local names.",
    wrong="storage:\n  trees:\n    - path: /etc\n",
    right="storage:\n  trees:\n    - local: tree\n      path: /etc\n",
    local=True,
)

declare(
    "tree-not-directory",
    title="A tree is no directory",
    why="What local names is not a directory. For one file use storage.files.",
    wrong="storage:\n  trees:\n    - local: a.txt\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)

declare(
    "tree-file-type",
    title="A tree has something that cannot be embedded",
    why="Only files, directories and symbolic links can be embedded; not pipes, sockets or devices.",
    wrong="storage:\n  trees:\n    - local: pipes\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)

declare(
    "node-exists",
    title="Something is at the path already",
    why="A tree or a quadlet would write to a path at which the config has something else.",
    wrong="storage:\n  trees:\n    - local: tree\n  links:\n    - path: /hello\n      target: /etc\n",
    right="storage:\n  trees:\n    - local: tree\n",
    local=True,
)
