"""Codes of contents and where they come from: URLs, digests, headers, proxies, local files."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.examples import file_


def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


declare(
    "sources-too-many",
    title="Contents come from several places",
    why=(
        "Contents are written in the config (inline), read when it is compiled (local) or fetched by the machine "
        "(source). With more than one, nothing says which counts."
    ),
    fix="Keep one of source, inline and local.",
    wrong=_contents("inline: hello\nsource: https://example.com/motd"),
    right=_contents("inline: hello"),
)

declare(
    "local-file",
    title="A local file cannot be read",
    why=(
        "Contents named by local are embedded when the config is compiled. The file does not exist or may not be read. "
        "Paths are relative to --files-dir."
    ),
    fix="Correct the path, or pass the directory it is relative to with --files-dir.",
    wrong=_contents("local: missing.txt"),
    right=_contents("local: a.txt"),
    local=True,
)

declare(
    "no-files-dir",
    title="A local file is used without --files-dir",
    why=(
        "Local files are read only below a directory that is named on the command line, so that a config from elsewhere "
        "cannot embed any file of this machine."
    ),
    fix="Pass --files-dir DIRECTORY (-d), often -d . for the current one.",
    wrong=_contents("local: a.txt"),
    right=_contents("inline: hello"),
)

declare(
    "no-files-at-boot",
    title="A local file is used in a config that is compiled at boot",
    why="A machine that boots from Butane YAML has no files of the author's machine to embed.",
    fix="Compile the config before, with butane-py -d DIRECTORY, and boot from the result.",
)

declare(
    "files-dir-escape",
    title="A local path leads out of --files-dir",
    why="Only files below --files-dir are embedded, so .. parts may not lead out of it.",
    fix="Move the file below the directory, or pass a directory that holds both.",
    wrong=_contents("local: ../secret"),
    right=_contents("local: a.txt"),
    local=True,
)
