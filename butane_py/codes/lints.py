"""Codes of --lint: what compiles, and is still likely to go wrong."""

from __future__ import annotations

from butane_py.codes.code import Code, file_, unit

_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n    [Install]\n    WantedBy=multi-user.target\n"

LINTS = (
    Code("lint-local-link", "A symbolic link leads out of the files directory", "What is embedded is not in the files directory, so another machine "
         "embeds something else, or nothing.", file_("contents:\n  local: outside"), file_("contents:\n  local: a.txt"), local=True),
    Code("lint-child-config", "A local child config is broken", "The file that ignition.config.merge or replace embeds would be refused at boot.",
         "ignition:\n  config:\n    merge:\n      - local: a.txt\n", "ignition:\n  config:\n    merge:\n      - local: child.ign\n", local=True),
    Code("lint-unit-not-started", "Nothing starts a unit", "The unit is written, and neither enabled nor named by another unit of this config.",
         unit(f"contents: {_TEXT}"), unit(f"enabled: true\ncontents: {_TEXT}")),
    Code("lint-user-data-size", "The config is larger than user data may be", "Platforms limit the size of user data. Store the config elsewhere and "
         "hand the machine a small one that names it with ignition.config.replace.source.",
         file_("contents:\n  compression: ''\n  local: random.bin"), file_("contents:\n  local: a.txt"), local=True),
)  # fmt: skip
