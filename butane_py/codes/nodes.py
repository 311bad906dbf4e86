"""Codes of files, directories, links and trees."""

from __future__ import annotations

from butane_py.codes.code import Code, entry, file_

_BELOW = "storage:\n  links:\n    - path: /etc/app\n      target: /opt/app\n  files:\n    - path: {}\n"
_HARD = "storage:\n  directories:\n    - path: /opt/app\n  links:\n    - path: /etc/app\n      target: /opt/app\n"

NODES = (
    Code("path-missing", "A path is missing", "The entry needs a path.", "storage:\n  files:\n    - mode: 0644\n", file_("mode: 0644")),
    Code("path-relative", "A path is relative", "Paths begin with a slash: they are paths of the machine that is provisioned.",
         "storage:\n  files:\n    - path: etc/motd\n", "storage:\n  files:\n    - path: /etc/motd\n"),
    Code("path-not-clean", "A path is not in its shortest spelling", "Paths are compared as text, so there is one spelling: no double slash, "
         "no slash at the end, no . or .. in it.", "storage:\n  files:\n    - path: /etc//motd\n", "storage:\n  files:\n    - path: /etc/motd\n"),
    Code("path-is-unit", "A path is written by a unit too", "A unit of this config is written to the same path.",
         "systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\nstorage:\n  files:\n    - path: /etc/systemd/system/a.service\n",
         "systemd:\n  units:\n    - name: a.service\n      contents: '[Service]'\n"),
    Code("mode-decimal", "A mode looks octal and is decimal", "644 is a decimal number and means other permissions than 0644. Write the "
         "leading zero.", file_("mode: 644"), file_("mode: 0644")),
    Code("mode-range", "A mode is out of range", "Permissions go from 0 to 07777.", file_("mode: 077777"), file_("mode: 0755")),
    Code("mode-special-bits", "Special mode bits have no effect", "Setuid, setgid and sticky bits are set from Ignition 3.6 on.",
         file_("mode: 04755"), file_("mode: 0755")),
    Code("owner-id-and-name", "An owner has id and name", "The two could contradict each other: give one.",
         file_("user:\n  id: 1000\n  name: core"), file_("user:\n  name: core")),
    Code("overwrite-without-source", "Overwriting without contents", "With overwrite, what is at the path is taken away; without contents "
         "there is nothing to put there.", file_("overwrite: true"), file_("overwrite: true\ncontents:\n  inline: hello")),
    Code("below-link", "A path lies below a link", "The path would go through a link that this config makes: name the real place.",
         _BELOW.format("/etc/app/config"), _BELOW.format("/opt/app/config")),
    Code("link-target-missing", "A link has no target", "A link needs to point to something.", entry("storage", "links", "path: /etc/localtime"),
         entry("storage", "links", "path: /etc/localtime\ntarget: ../usr/share/zoneinfo/UTC")),
    Code("hard-link-directory", "A hard link to a directory", "Only files can have hard links; use a symbolic link.",
         _HARD + "      hard: true\n", _HARD),
    Code("hard-link-owner", "A hard link has an owner", "A hard link is another name of a file, so it has that file's owner.",
         entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true\nuser:\n  name: core"),
         entry("storage", "links", "path: /etc/one\ntarget: /etc/two\nhard: true")),
    Code("tree-local-missing", "A tree without a directory", "A tree embeds a local directory, which local names.",
         "storage:\n  trees:\n    - path: /etc\n", "storage:\n  trees:\n    - local: tree\n      path: /etc\n", local=True),
    Code("tree-not-directory", "A tree is no directory", "What local names is not a directory. For one file use storage.files.",
         "storage:\n  trees:\n    - local: a.txt\n", "storage:\n  trees:\n    - local: tree\n", local=True),
    Code("tree-file-type", "A tree has something that cannot be embedded", "Only files, directories and symbolic links can be embedded; not "
         "pipes, sockets or devices.", "storage:\n  trees:\n    - local: pipes\n", "storage:\n  trees:\n    - local: tree\n", local=True),
    Code("node-exists", "Something is at the path already", "A tree or a quadlet would write to a path at which the config has something else.",
         "storage:\n  trees:\n    - local: tree\n  links:\n    - path: /hello\n      target: /etc\n", "storage:\n  trees:\n    - local: tree\n",
         local=True),
)  # fmt: skip
