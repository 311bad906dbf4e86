"""Codes of the config as a whole: YAML, variant and version, keys and types, configs inside configs."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import file_

declare(
    "yaml",
    title="The text is not YAML",
    why="The YAML parser could not read the text. The place is where it gave up; the cause is often a line before: an indent that "
    "differs, a tab, a quote that is not closed, a text with a colon and a space that needs quotes.",
    wrong="variant: fcos\nversion: 1.6.0\nstorage:\n\tfiles: []\n",
    right="variant: fcos\nversion: 1.6.0\nstorage:\n  files: []\n",
)

declare(
    "variant-missing",
    title="The variant is missing",
    why="A config begins with the variant (which operating system) and the version of its specification.",
    wrong="version: 1.6.0  # and no variant: at all\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "variant-unknown",
    title="The variant is unknown",
    why="The variant names the operating system: fcos, flatcar, openshift, r4e or fiot.",
    wrong="variant: fcso\nversion: 1.6.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "variant-removed",
    title="The variant was taken away",
    why="This variant exists no more; the message says what takes its place.",
    wrong="variant: rhcos\nversion: 0.1.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "version-invalid",
    title="The version is missing or no version",
    why="A version has three numbers, such as 1.6.0. YAML reads 1.6 as a number, and two numbers are no version.",
    wrong="variant: fcos\nversion: 1.6\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "version-unknown",
    title="The version is unknown",
    why="The variant has no such version; the message names the nearest ones.",
    wrong="variant: fcos\nversion: 1.99.0\n",
    right="variant: fcos\nversion: 1.6.0\n",
)

declare(
    "wrong-type",
    title="A value has the wrong type",
    why="The field needs another kind of value: a string, a whole number, true or false, a list "
    "or a mapping. YAML 1.1 words such as yes are booleans only where a boolean is wanted; 0644 and 0o644 are octal.",
    wrong=file_("mode: rw-r--r--"),
    right=file_("mode: 0644"),
)

declare(
    "unused-key",
    title="An unknown key",
    why="No field of that name exists at this place in this version. It is ignored, which is seldom what "
    "was meant: look for a typing error, an indent that is one level off, or a field of a newer version.",
    wrong=file_("permissions: 0644"),
    right=file_("mode: 0644"),
    severity=WARNING,
)

declare(
    "null-mapping",
    title="A mapping is null",
    why="The key has no value where a mapping is expected, often because what was below it has been "
    "taken out. It counts as empty.",
    wrong="storage:\n",
    right="storage: {}\n",
    severity=WARNING,
)

declare(
    "not-checked",
    title="Keys are not checked here",
    why="Keys without meaning are looked for in the text itself; what an alias stands for is "
    "not searched where it is used.",
    wrong="x: &one {path: /etc/one}\nstorage:\n  files: [*one]\n",
    right="storage:\n  files:\n    - path: /etc/one\n",
    severity=WARNING,
)

declare(
    "duplicate",
    title="An entry is given twice",
    why="Two entries of a list have the same key (path, name, device or source), so one of them would have no effect.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/motd\n",
    right="storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/issue\n",
)

declare(
    "child-invalid",
    title="A config inside the config is broken",
    why="The text of ignition.config.merge or replace has to be an Ignition config (JSON).",
    wrong="ignition:\n  config:\n    merge:\n      - inline: 'no JSON'\n",
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
)

declare(
    "child-version",
    title="A config inside the config has another version",
    why="The inner config is of another version of the Ignition "
    "specification than this config compiles to. Ignition may well read it; it is not checked here.",
    wrong='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.4.0"}}\'\n',
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}}\'\n',
    severity=WARNING,
)

declare(
    "null-object",
    title="An object is null",
    why="JSON null stands where an Ignition config has an object. It counts as empty.",
    wrong='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": null}\'\n',
    right='ignition:\n  config:\n    merge:\n      - inline: \'{"ignition": {"version": "3.5.0"}, "storage": {}}\'\n',
    severity=WARNING,
)

declare(
    "json-syntax", title="The text is not JSON", why="An Ignition config is JSON. The place is where reading stopped."
)

declare(
    "newer-field",
    title="A field is newer than the version",
    why="The config has a field that the version it is rewritten to does not have.",
)

declare(
    "special-bits",
    title="Special mode bits are lost",
    why="Setuid, setgid and sticky bits have no effect before Ignition 3.6.",
)

declare(
    "source-map-inline",
    title="A MachineConfig has no room for a source map",
    why="The machine-config operator reads the config inside of a MachineConfig "
    "strictly, so --source-map=inline is refused. Put the map beside (--source-map with --output), or write an Ignition config with --raw.",
)

declare(
    "internal",
    title="The compiler failed",
    why="Compiling ended unexpectedly, for lack of memory or by a fault of the compiler. Please report it.",
)
