"""The flags and commands of `butane-py`, for its command line and for the completion of it."""

from __future__ import annotations

from ignition_py.goflags import SWITCH, TEXT, Flag

COMPLETE = "_BUTANE_PY_COMPLETE"  # a shell asks for completions
FORMATS = ("text", "json", "sarif")

# Subcommand -> module with `main(program: str, argv: Sequence[str]) -> int`, and one line of help.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "build": ("butane_py.cli.build", "build the configs of a fleet: variables, includes, inventories"),
    "completion": ("butane_py.cli.completion", "print the script by which a shell completes the words of this program"),
    "decompile": ("butane_py.cli.decompile", "write an Ignition config as readable Butane"),
    "drive": ("butane_py.cli.drive", "write a config drive, as an image to attach to a machine"),
    "explain": ("ignition_py.programs.explain", "what the code of a report means, with examples"),
    "external": ("butane_py.cli.external", "answer Terraform's data source `external`: JSON on standard input and output"),
    "import": ("butane_py.cli.importing", "write the config of another program (cloud-config) as Butane"),
    "platforms": ("butane_py.cli.platforms", "list the platforms and consumers of configs, and what each of them takes"),
    "iso": ("butane_py.cli.iso", "put a config into a CoreOS live ISO, show it, take it out"),
    "pxe": ("butane_py.cli.pxe", "write what a boot server hands out to the machines of a build"),
    "pxe-initrd": ("butane_py.cli.pxe_initrd", "wrap a config in an initramfs archive, and unwrap it"),
    "publish": ("butane_py.cli.publish", "list what builds have published somewhere, and prune it"),
    "schema": ("butane_py.cli.schema", "print the JSON Schema of a version of the language"),
    "targets": ("butane_py.cli.targets", "list the systems that configs are written for, and what each takes"),
    "upgrade": ("butane_py.cli.upgrade", "rewrite a config to a newer version of its variant"),
    "vars": ("butane_py.cli.vars", "print the variables that a config declares, or the JSON Schema of its inventory"),
}

FLAGS = (
    Flag("allow-extensions", SWITCH, "take keys x-... at the top, and <<, without a warning"),
    Flag("check", SWITCH, "check the config without writing any output", short="c"),
    Flag("color", TEXT, "colour reports: auto, always or never", default="auto", noun="when", bare="always"),
    Flag("debug", SWITCH, "print which part of the config made which part of the output", short="D", hidden=True),
    Flag("diff", SWITCH, "show what --fix would change, and write nothing"),
    Flag("files-dir", TEXT, "directory that local files may be embedded from", short="d", noun="folder"),
    Flag("fix", SWITCH, "correct what is mechanical in the configs themselves, comments kept"),
    Flag("format", TEXT, "format of reports", default="text", noun="format", choices=FORMATS),
    Flag("gzip", SWITCH, "with --target: compress what the system takes compressed as user data"),
    Flag("help", SWITCH, "show this help", short="h", hidden=True),
    Flag("ignore", TEXT, "leave reports of these codes out (lint-unit,lint-crlf)", noun="codes"),
    Flag("input", TEXT, "file to read (name it without a flag instead)", noun="file", hidden=True),
    Flag("jobs", TEXT, "with --output-dir: how many processes compile (default: 1)", noun="number"),
    Flag("lint", TEXT, "also run the linter; verify: with systemd-analyze", noun="mode", bare="on", choices=("on", "off", "verify")),
    Flag("output", TEXT, "file to write (default: standard output)", short="o", noun="file"),
    Flag("output-dir", TEXT, "compile several files, and all .bu files of folders, to this folder", noun="folder"),
    Flag("pretty", SWITCH, "indent the JSON", short="p"),
    Flag("private", SWITCH, "write files that only their owner can read (mode 0600): configs hold secrets"),
    Flag("raw", SWITCH, "write an Ignition config, never a MachineConfig around it", short="r"),
    Flag("raw-errors", SWITCH, "print reports a line each, for programs"),
    Flag("select", TEXT, "lint with these rules only", noun="codes"),
    Flag("source-map", TEXT, "also write which line of the YAML made what, beside the output (OUTPUT.map) or into it", noun="where",
         bare="beside", choices=("beside", "inline")),
    Flag("strict", SWITCH, "fail on any warning", short="s"),
    Flag("target", TEXT, "write it for another system, NAME[@VERSION][:FLAVOUR]; may be given several times", noun="name"),
    Flag("target-options", TEXT, "YAML file with what targets: of variant machine holds, for other variants", noun="file"),
    Flag("target-part", TEXT, "of a target with several outputs, the one to write", noun="part"),
    Flag("version", SWITCH, "print the version and exit", short="V"),
    Flag("watch", SWITCH, "compile again whenever a file changes (with --output or --output-dir)"),
)  # fmt: skip
