"""Codes that several modules report: of texts that cannot be read, and of the program itself."""

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
    fix="Write the kind of value that the message names: numbers without quotes, a dash before each entry of a list. "
    "Of two equal keys remove one.",
    wrong=file_("mode: rw-r--r--"),
    right=file_("mode: 0644"),
)


declare(
    "key-repeated",
    title="A key is in a mapping twice",
    why="A mapping has each key once; of two values one would be lost. It happens where two snippets are pasted into one config.",
    fix="Join the two below one key, or remove one of them.",
    wrong="variant: fcos\nversion: 1.6.0\nstorage:\n  files: []\nstorage:\n  directories: []\n",
    right="variant: fcos\nversion: 1.6.0\nstorage:\n  files: []\n  directories: []\n",
)


declare(
    "not-butane",
    title="The text is of another kind than a Butane config",
    why="A Butane config is YAML that begins with a variant and a version. The text is of another kind, which the message names.",
    fix="Do what the report says for that kind, or give the right file.",
    wrong='{"ignition": {"version": "3.4.0"}, "storage": {}}  # without variant:\n',
    right="variant: fcos\nversion: 1.6.0\n",
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
    "internal",
    title="The compiler failed",
    why=(
        "Compiling ended unexpectedly, for lack of memory or because of a defect of the compiler. The config itself may "
        "be fine."
    ),
    fix="Please report it, with the config if it holds no secrets.",
)
