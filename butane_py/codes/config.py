"""Codes of the config as a whole: YAML, variant and version, keys and types, configs inside configs."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_

declare(
    "yaml",
    title="The text is not valid YAML",
    why=(
        "The YAML parser cannot read the text. The report is at the place where it gave up; the cause is often a line "
        "before: lines that are indented differently, a tab, a quote that is not closed, a text with a colon and a space "
        "that needs quotes."
    ),
    fix=(
        "Indent with spaces only, align the keys of a mapping, close quotes, and put quotes around text with ': ', '#', "
        "'{' or '%' in it."
    ),
    wrong="variant: fcos\nversion: 1.6.0\nstorage:\n\tfiles: []\n",
    right="variant: fcos\nversion: 1.6.0\nstorage:\n  files: []\n",
)


declare(
    "wrong-type",
    title="A value has the wrong type",
    why=(
        "The field needs another kind of value: a string, a whole number, true or false, a list or a mapping. Numbers "
        "with a leading zero are octal: 0644. A list has a dash before each entry."
    ),
    fix=(
        "Write the kind of value that the message names. Quotes make a string of a number, and a number in quotes is no "
        "number any more."
    ),
    wrong=file_("mode: rw-r--r--"),
    right=file_("mode: 0644"),
)


declare(
    "duplicate",
    title="An entry is given twice",
    why="Two entries of a list have the same key (path, name, device or source), so one of them could have no effect.",
    fix="Remove one of the two, or give it another path, name or device.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/issue\n",
)


declare(
    "null-object",
    title="An object is null",
    why="JSON null stands where an Ignition config has an object. It counts as empty.",
    fix="Remove the key, or write {}.",
    wrong='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": null}\'\n',
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": {}}\'\n',
    severity=WARNING,
)

declare(
    "json-syntax",
    title="The text is not valid JSON",
    why=(
        "An Ignition config is JSON: strings in double quotes, no comma after the last entry, no comments, no octal "
        "numbers. Reading stopped at the place of the report."
    ),
    fix="Correct the text there; to write configs by hand, write Butane and compile it.",
)

declare(
    "newer-field",
    title="A field is newer than the version",
    why=(
        "The config has a field that the version it is rewritten to does not have, and leaving it out would change what "
        "the machine becomes."
    ),
    fix="Remove the field, or choose a version that has it.",
)

declare(
    "special-bits",
    title="Special mode bits would be lost",
    why=(
        "Setuid, setgid and sticky bits have no effect before Ignition 3.6.0, so a config that is rewritten to an older "
        "version would lose them."
    ),
    fix="Remove the bits from the mode, or choose version 3.6.0 or newer.",
)

declare(
    "source-map-inline",
    title="A MachineConfig has no room for a source map",
    why=(
        "The machine-config operator refuses unknown keys in the config inside a MachineConfig, so a map cannot be "
        "embedded."
    ),
    fix="Write the map beside the output (--source-map=beside with --output), or write an Ignition config with --raw.",
)

declare(
    "internal",
    title="The compiler failed",
    why=(
        "Compiling ended unexpectedly, for lack of memory or because of a defect of the compiler. The config itself may "
        "be fine."
    ),
    fix="Please report it, with the config if it holds no secrets.",
)
