"""What the machine has become, held against the config: rows for each entry.

    rows(config, answers, contents) -> [Row]       facts.py (answers by what is asked for) -> disks.py, accounts.py, nodes.py, units.py

Pure. A row compares only what the config says; anything is right where it leaves things open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ignition_py.check import questions as ask
from ignition_py.check.contents import Contents
from ignition_py.check.findings.accounts import account_rows
from ignition_py.check.findings.disks import device_rows, karg_rows, mount_rows, partition_rows
from ignition_py.check.findings.facts import Facts
from ignition_py.check.findings.nodes import node_rows
from ignition_py.check.findings.row import NONE, Row
from ignition_py.check.findings.units import unit_rows
from ignition_py.spec.tables import Config, KernelArguments, Passwd, Storage, Systemd

# The kinds of rows, by the section of the config that they are about.
KINDS = {
    "kernel_arguments": ("kernel argument",),
    "storage": ("disk", "partition", "raid", "luks", "filesystem", "mount", "file", "directory", "link"),
    "passwd": ("group", "user", "groups", "ssh keys", "password"),
    "systemd": ("unit", "drop-in"),
}
LIVE = ("kernel argument", "disk", "partition", "raid", "luks", "filesystem", "mount")  # of a running machine, not of its root alone
_NODES = ("file", "directory", "link")


def rows(config: Config, answers: Mapping[str, str], contents: Contents | None = None) -> list[Row]:
    """All rows, in the order of the stages. Raises ValueError where an answer cannot be understood."""
    contents = contents or Contents()
    facts = Facts(config, ask.questions(config, contents), answers)
    return [
        *karg_rows(config, facts),
        *partition_rows(config, facts),
        *device_rows(config, facts),
        *mount_rows(config, facts),
        *account_rows(config, facts),
        *node_rows(config, facts, contents),
        *unit_rows(config, facts),
    ]


def failed_units(config: Config, text: str) -> Row:
    """The row of units that failed, besides those of the config, which have rows of their own. `text`: the answer to FAILED_UNITS."""
    own = {unit.name for unit in config.systemd.units}
    return Row("system", "units that failed", NONE, " ".join(name for name in text.splitlines() if name not in own))


def only(config: Config, kinds: Collection[str]) -> Config:
    """The config without the parts that have no row of these kinds, so that nobody is asked about them."""
    storage = config.storage
    if not any(kind in kinds for kind in KINDS["storage"] if kind not in _NODES):
        storage = storage.but(disks=(), raid=(), luks=(), filesystems=())
    if not any(kind in kinds for kind in _NODES):
        storage = storage.but(files=(), directories=(), links=())
    return config.but(
        kernel_arguments=config.kernel_arguments if "kernel argument" in kinds else KernelArguments(),
        storage=storage if any(kind in kinds for kind in KINDS["storage"]) else Storage(),
        passwd=config.passwd if any(kind in kinds for kind in KINDS["passwd"]) else Passwd(),
        systemd=config.systemd if any(kind in kinds for kind in KINDS["systemd"]) else Systemd(),
    )


__all__ = ["KINDS", "LIVE", "NONE", "Row", "failed_units", "only", "rows"]
