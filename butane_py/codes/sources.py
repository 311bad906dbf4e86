"""Codes of contents and where they come from: URLs, digests, headers, proxies, local files."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.examples import file_

_SUM = "sha256-" + "0123456789abcdef" * 4


def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


_URL = "source: https://example.com/motd"

declare(
    "sources-too-many",
    title="Contents come from several places",
    why="Give one of source, inline and local.",
    wrong=_contents("inline: hello\nsource: https://example.com/motd"),
    right=_contents("inline: hello"),
)

declare(
    "local-file",
    title="A local file cannot be read",
    why="The file is not there, or may not be read. Paths are relative to --files-dir.",
    wrong=_contents("local: missing.txt"),
    right=_contents("local: a.txt"),
    local=True,
)

declare(
    "no-files-dir",
    title="Local files need --files-dir",
    why="No local files are read without --files-dir, so that a config from elsewhere cannot embed what it likes.",
    wrong=_contents("local: a.txt"),
    right=_contents("inline: hello"),
)

declare(
    "no-files-at-boot",
    title="No local files at boot",
    why="A config that is compiled at boot has no local files. Compile it before.",
)

declare(
    "files-dir-escape",
    title="A local path leads out of --files-dir",
    why="Paths may not leave the files directory by .. parts.",
    wrong=_contents("local: ../secret"),
    right=_contents("local: a.txt"),
    local=True,
)
