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
    "variant-missing",
    title="The variant is missing",
    why=(
        "A config begins with the variant, which names the operating system, and the version of the variant's language. "
        "Without them nothing says what the rest means."
    ),
    fix="Begin the config with the two lines that the right example shows.",
    wrong="version: 1.6.0  # and no variant: at all\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "variant-unknown",
    title="The variant is unknown",
    why=(
        "The variant names the operating system: fcos (Fedora CoreOS), flatcar, openshift, r4e (RHEL for Edge) or fiot "
        "(Fedora IoT). The rest of the config cannot be read without it."
    ),
    fix="Write one of these names.",
    wrong="variant: fcso\nversion: 1.6.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "variant-removed",
    title="The variant was removed",
    why="Butane had this variant once and has removed it, so no version of it can be compiled any more.",
    fix="Use the variant that took its place; the message names it.",
    wrong="variant: rhcos\nversion: 0.1.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "version-invalid",
    title="The version is missing or malformed",
    why="A version has three numbers. YAML reads 1.6 as a decimal number, and two numbers are not a version.",
    fix="Write all three numbers, such as version: 1.6.0.",
    wrong="variant: fcos\nversion: 1.6\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "version-unknown",
    title="The version is unknown",
    why=(
        "The variant has no such version. Versions add fields and rules, so the config cannot be read as another one "
        "without being told."
    ),
    fix="Write a version that the message names; `butane-py upgrade` rewrites a config to a newer one.",
    wrong="variant: fcos\nversion: 1.99.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
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
    "unused-key",
    title="A key is unknown",
    why=(
        "No field of this name exists at this place in this version, so the key and all that is below it is ignored. That"
        " is seldom meant."
    ),
    fix=(
        "Look for a typing error, an indent that is one level off, or a field that came with a newer version or belongs "
        "to another variant."
    ),
    wrong=file_("permissions: 0644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)

declare(
    "null-mapping",
    title="A mapping is null",
    why=(
        "The key has no value where a mapping is expected, often because the lines below it were removed. It counts as "
        "empty."
    ),
    fix="Remove the key, or write {} for an empty mapping.",
    wrong="storage:\n",
    right="storage: {}\n",
    severity=WARNING,
)

declare(
    "not-checked",
    title="Keys are not checked here",
    why=(
        "The search for unknown keys reads the text itself and does not follow aliases, so an unknown key inside an "
        "aliased mapping goes unnoticed."
    ),
    fix="Write the mapping out where it is used, or check the text of its anchor yourself.",
    wrong="x: &one {path: /etc/one}\nstorage:\n  files: [*one]\n",
    right="storage:\n  files:\n    - path: /etc/one\n",
    severity=WARNING,
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
    "child-invalid",
    title="A config inside the config is invalid",
    why=(
        "Ignition merges or replaces this config by the inner one, which has to be an Ignition config in JSON. This one "
        "cannot be read, so the boot would fail."
    ),
    fix="Put the output of butane-py there, not Butane YAML.",
    wrong="ignition:\n  config:\n    merge:\n      - inline: 'no JSON'\n",
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
)

declare(
    "child-version",
    title="A config inside the config has another version",
    why=(
        "The inner config is of another version of the Ignition language than this one compiles to. Ignition may read it;"
        " it is not checked here."
    ),
    fix="Compile the inner config with a version of the same Ignition language, or leave it.",
    wrong='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.4.0"}}\'\n',
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
    severity=WARNING,
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
