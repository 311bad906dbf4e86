"""The codes of what targets report, one a reason, with examples that a test compiles for the target that each names."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING

TYPE_CHECKING = False

_ROW = "machine 1.0.0-experimental"


def _machine(text: str) -> str:
    return "machine:\n" + "".join(f"  {line}\n" for line in text.splitlines())


declare(
    "target-missing",
    title="The variant names no system",
    why="variant: machine is for several systems, and what its section machine becomes depends on the system.",
    fix="Give --target NAME, several times for several systems; `butane-py targets` lists them.",
)
declare(
    "target-unknown",
    title="There is no target of this name",
    why="The section targets has native text by the name of the target, and would be ignored for a name that no target has.",
    fix="Write a name that `butane-py targets` lists.",
    wrong="targets:\n  coreos: {skip: []}\n",
    right="targets:\n  fcos: {skip: []}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-option",
    title="An option of a target is wrong",
    why="The native text of a target is merged last, and each target has keys of its own for it.",
    fix="Write a key and a value that the target has; docs/targets.md lists them.",
    wrong="targets:\n  fcos: {packages: [vim]}\n",
    right="targets:\n  fcos: {config: {}}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-skip-unknown",
    title="An entry of skip names nothing",
    why="skip says what a target does without. An entry that names nothing hides a mistake in its spelling, or is left over.",
    fix="Name a section, an entry by its key, or a field, as the config has it; or remove the entry.",
    wrong="targets:\n  fcos: {skip: [storage.raid]}\n",
    right="machine: {hostname: node1}\ntargets:\n  fcos: {skip: [machine.hostname]}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-twice",
    title="The config says the same twice",
    why="A value of the section machine becomes a file or a setting that the config has already. One of the two would be lost.",
    fix="Leave one of the two out.",
    wrong=_machine("hostname: node1")
    + "storage:\n  files:\n    - path: /etc/hostname\n      contents: {inline: node2}\n",
    right=_machine("hostname: node1"),
    row=_ROW,
    target="fcos",
)
declare(
    "target-value",
    title="The target takes no such value",
    why="The target has the setting, and refuses this form of its value.",
    fix="Write a value that the target takes, as the message says.",
    wrong=_machine("registry_mirrors:\n  - {registry: '*', endpoints: [https://mirror.example.com]}"),
    right=_machine("registry_mirrors:\n  - {registry: quay.io, endpoints: [https://mirror.example.com]}"),
    row=_ROW,
    target="fcos",
)
declare(
    "target-lost",
    title="A part of a value is not carried to the target",
    why="The target has no place for it, and does without.",
    fix="Do what the message says, or leave the entry out with skip.",
    severity=WARNING,
)
declare(
    "target-no-merge",
    title="The target merges no configs",
    why="Only Ignition fetches and merges other configs at boot. Embedded configs (inline, local) are merged when this is compiled.",
    fix="Embed the other config with local, or put what it says into this one.",
)
declare(
    "target-no-luks",
    title="The target makes no such encrypted volume",
    why="The system has no program that makes or opens it at first boot.",
    fix="Use another way of opening it that the message names, or encrypt when the system is installed.",
    wrong="storage:\n  luks:\n    - {name: data, device: /dev/sdb, clevis: {tpm2: true}}\n",
    right="storage:\n  luks:\n    - {name: data, device: /dev/sdb, key_file: {inline: secret}}\n",
    row=_ROW,
    target="flatcar",
)
