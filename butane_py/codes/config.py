"""Codes of the config as a whole: YAML, variant and version, keys and types, configs inside configs."""

from __future__ import annotations

from butane_py.codes.code import Code, file_

CONFIG = (
    Code("yaml", "The text is not YAML",
         "The YAML parser could not read the text. The place is where it gave up; the cause is often a line before: an indent that "
         "differs, a tab, a quote that is not closed, a text with a colon and a space that needs quotes.",
         "variant: fcos\nversion: 1.6.0\nstorage:\n\tfiles: []\n", "variant: fcos\nversion: 1.6.0\nstorage:\n  files: []\n"),
    Code("variant-missing", "The variant is missing", "A config begins with the variant (which operating system) and the version of its "
         "specification.", "# variant: is not here\nversion: 1.6.0\n".replace("variant:", "the variant"), "variant: fcos\nversion: 1.6.0\n"),
    Code("variant-unknown", "The variant is unknown", "The variant names the operating system: fcos, flatcar, openshift, r4e or fiot.",
         "variant: fcso\nversion: 1.6.0\n", "variant: fcos\nversion: 1.6.0\n"),
    Code("variant-removed", "The variant was taken away", "This variant exists no more; the message says what takes its place.",
         "variant: rhcos\nversion: 0.1.0\n", "variant: fcos\nversion: 1.6.0\n"),
    Code("version-invalid", "The version is missing or no version", "A version has three numbers, such as 1.6.0. YAML reads 1.6 as a number, "
         "and two numbers are no version.", "variant: fcos\nversion: 1.6\n", "variant: fcos\nversion: 1.6.0\n"),
    Code("version-unknown", "The version is unknown", "The variant has no such version; the message names the nearest ones.",
         "variant: fcos\nversion: 1.99.0\n", "variant: fcos\nversion: 1.6.0\n"),
    Code("wrong-type", "A value has the wrong type", "The field needs another kind of value: a string, a whole number, true or false, a list "
         "or a mapping. YAML 1.1 words such as yes are booleans only where a boolean is wanted; 0644 and 0o644 are octal.",
         file_("mode: rw-r--r--"), file_("mode: 0644")),
    Code("unused-key", "A key means nothing", "No field of that name exists at this place in this version. It is ignored, which is seldom what "
         "was meant: look for a typing error, an indent that is one level off, or a field of a newer version.",
         file_("permissions: 0644"), file_("mode: 0644")),
    Code("null-mapping", "A mapping is null", "The key has no value where a mapping is expected, often because what was below it has been "
         "taken out. It counts as empty.", "storage:\n", "storage: {}\n"),
    Code("not-checked", "Keys are not checked here", "Keys without meaning are looked for in the text itself; what an alias stands for is "
         "not searched where it is used.", "x: &one {path: /etc/one}\nstorage:\n  files: [*one]\n",
         "storage:\n  files:\n    - path: /etc/one\n"),
    Code("duplicate", "An entry is given twice", "Two entries of a list have the same key (path, name, device or source), so one of them "
         "would have no effect.", "storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/motd\n",
         "storage:\n  files:\n    - path: /etc/motd\n    - path: /etc/issue\n"),
    Code("child-invalid", "A config inside the config is broken", "The text of ignition.config.merge or replace has to be an Ignition config "
         "(JSON).", "ignition:\n  config:\n    merge:\n      - inline: 'no JSON'\n",
         "ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.5.0\"}}'\n"),
    Code("child-version", "A config inside the config has another version", "The inner config is of another version of the Ignition "
         "specification than this config compiles to. Ignition may well read it; it is not checked here.",
         "ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.4.0\"}}'\n",
         "ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.5.0\"}}'\n"),
    Code("null-object", "An object is null", "JSON null stands where an Ignition config has an object. It counts as empty.",
         "ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.5.0\"}, \"storage\": null}'\n",
         "ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.5.0\"}, \"storage\": {}}'\n"),
    Code("json-syntax", "The text is not JSON", "An Ignition config is JSON. The place is where reading stopped."),
    Code("newer-field", "A field is newer than the version", "The config has a field that the version it is rewritten to does not have."),
    Code("special-bits", "Special mode bits are lost", "Setuid, setgid and sticky bits have no effect before Ignition 3.6."),
    Code("source-map-inline", "A MachineConfig has no room for a source map", "The machine-config operator reads the config inside of a MachineConfig "
         "strictly, so --source-map=inline is refused. Put the map beside (--source-map with --output), or write an Ignition config with --raw."),
    Code("internal", "The compiler failed", "Compiling ended unexpectedly, for lack of memory or by a fault of the compiler. Please report it."),
)  # fmt: skip
