"""Codes of files, directories, links and trees."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import entry, file_

_BELOW = "storage:\n  links:\n    - path: /etc/app\n      target: /opt/app\n  files:\n    - path: {}\n"

_HARD = "storage:\n  directories:\n    - path: /opt/app\n  links:\n    - path: /etc/app\n      target: /opt/app\n"

declare(
    "path-missing",
    title="A path is missing",
    why="The entry needs a path.",
    wrong="storage:\n  files:\n    - mode: 0644\n",
    right=file_("mode: 0644"),
)

declare(
    "path-relative",
    title="A path is relative",
    why="Paths begin with a slash: they are paths of the machine that is provisioned.",
    wrong="storage:\n  files:\n    - path: etc/motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n",
)

declare(
    "path-not-clean",
    title="A path is not in its shortest spelling",
    why="Paths are compared as text, so there is one spelling: no double slash, no slash at the end, no . or .. in it.",
    wrong="storage:\n  files:\n    - path: /etc//motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n",
)

declare(
    "path-is-unit",
    title="A path is written by a unit too",
    why="A unit of this config is written to the same path.",
    wrong="systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\nstorage:\n  files:\n    - path: /etc/systemd/system/a.service\n",
    right="systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\n",
)

declare(
    "mode-decimal",
    title="A mode looks octal and is decimal",
    why="644 is a decimal number and means other permissions than 0644. Write the leading zero.",
    wrong=file_("mode: 644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)

declare(
    "mode-range",
    title="A mode is out of range",
    why="Permissions go from 0 to 07777.",
    wrong=file_("mode: 077777"),
    right=file_("mode: 0755"),
)

declare(
    "mode-special-bits",
    title="Special mode bits have no effect",
    why="Setuid, setgid and sticky bits are set from Ignition 3.6 on.",
    wrong=file_("mode: 04755"),
    right=file_("mode: 0755"),
    severity=WARNING,
)

declare(
    "owner-id-and-name",
    title="An owner has id and name",
    why="The two could contradict each other: give one.",
    wrong=file_("user:\n  id: 1000\n  name: core"),
    right=file_("user:\n  name: core"),
)

declare(
    "overwrite-without-source",
    title="Overwriting without contents",
    why="With overwrite, what is at the path is taken away; without contents there is nothing to put there.",
    wrong=file_("overwrite: true"),
    right=file_("overwrite: true\ncontents:\n  inline: hello"),
)

declare(
    "below-link",
    title="A path lies below a link",
    why="The path would go through a link that this config makes: name the real place.",
    wrong=_BELOW.format("/etc/app/config"),
    right=_BELOW.format("/opt/app/config"),
)

declare(
    "link-target-missing",
    title="A link has no target",
    why="A link needs to point to something.",
    wrong=entry("storage", "links", "path: /etc/localtime"),
    right=entry("storage", "links", "path: /etc/localtime\ntarget: ../usr/share/zoneinfo/UTC"),
)

declare(
    "hard-link-directory",
    title="A hard link to a directory",
    why="Only files can have hard links; use a symbolic link.",
    wrong=_HARD + "      hard: true\n",
    right=_HARD,
)

declare(
    "hard-link-owner",
    title="A hard link has an owner",
    why="A hard link is another name of a file, so it has that file's owner.",
    wrong=entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true\nuser:\n  name: core"),
    right=entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true"),
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
