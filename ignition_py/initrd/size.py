"""What each part of the executor weighs in an initramfs, as it is and compressed.

The modules stand in one file (bundle.py); they are told apart by the index at its head.
"""

from __future__ import annotations

import io
import json
import marshal
import sys

from ignition_py.initrd.modules import OWN
from ignition_py.initrd.newc import archive
from ignition_py.initrd.tree import BuildError, Tree
from ignition_py.record import Record
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

# Ignition 2.27 built with Go 1.26 for amd64, stripped: the binary alone, as it is and by `zstd -19`.
REFERENCE = (22 << 20, 8_800_000)
_LEVEL = "-19"
_ORDER = (
    "interpreter", "standard library", "packages", "ignition-py", "extension modules", "shared libraries",
    "units and scripts", "certificate authorities", "tools", "kernel modules",
)  # fmt: skip
LANGUAGE = _ORDER[:7]  # what stands in for the reference's binary
EXECUTOR = "all that runs the executor"


class Row(Record):
    """One kind of part: files or modules, bytes, bytes when compressed by itself."""

    name: str
    count: int
    raw: int
    compressed: int


def weigh(log: Log, tree: Tree) -> list[Row]:
    """A row a kind, then the sum of what runs the executor, then all of it as the archive. Raises BuildError."""
    parts: dict[str, list[bytes]] = {}
    for _, entry in tree:
        contents = entry.contents()
        if entry.part == "modules":
            for kind, code in _modules(contents):
                parts.setdefault(kind, []).append(code)
        else:
            parts.setdefault(entry.part, []).append(contents)
    rows = [_row(log, name, parts[name]) for name in _ORDER if name in parts]
    language = Tree()
    language.entries = {path: entry for path, entry in tree.entries.items() if entry.part in (*LANGUAGE, "modules")}
    for name, files in ((EXECUTOR, language), ("the archive", tree)):
        rows.append(_row(log, name, list(archive(files)), len(files.entries)))
    return rows


def _row(log: Log, name: str, pieces: list[bytes], count: int | None = None) -> Row:
    data = b"".join(pieces)
    return Row(name, len(pieces) if count is None else count, len(data), len(compress(log, data)))


def _modules(bundle: bytes) -> list[tuple[str, bytes]]:
    file = io.BytesIO(bundle)
    _, index = marshal.load(file)  # noqa: S302 - made a moment ago
    found = [("ignition-py", bundle[: file.tell()])]
    for name, (offset, length, *_) in index.items():
        first = name.partition(".")[0]
        kind = "ignition-py" if first in OWN else "standard library" if first in sys.stdlib_module_names else "packages"
        found.append((kind, bundle[offset : offset + length]))
    return found


def compress(log: Log, data: bytes) -> bytes:
    """By `zstd -19`, as images are. Raises BuildError."""
    try:
        done = run(log, ["zstd", _LEVEL, "--quiet", "--stdout"], what="compressing", stdin=data)
    except CommandError as error:
        raise BuildError(str(error), hint="zstd is in the package of that name") from None
    return done.stdout


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table, with the reference's binary as the last."""
    lines = ["| part | files | MB | MB, zstd -19 |", "| --- | ---: | ---: | ---: |"]
    for row in rows:
        lines.append(f"| {row.name} | {row.count} | {row.raw / 1e6:.2f} | {row.compressed / 1e6:.2f} |")
    lines.append(
        f"| for comparison: the reference's binary | 1 | {REFERENCE[0] / 1e6:.2f} | {REFERENCE[1] / 1e6:.2f} |"
    )
    return "\n".join(lines) + "\n"


def document(rows: list[Row]) -> str:
    """The same for programs: a JSON object; sizes in bytes."""
    parts = [{"part": row.name, "files": row.count, "bytes": row.raw, "zstd": row.compressed} for row in rows]
    return json.dumps({"parts": parts, "reference": {"bytes": REFERENCE[0], "zstd": REFERENCE[1]}}, indent=2) + "\n"
