"""Contents as `data:` URLs, and reading local files: what all sugar that embeds something is made of.

Of the three encodings (escaped text, base64, gzip in base64) the shortest is taken, as the reference does. The length of gzip
is zlib's, which differs by a few bytes from the reference's compressor: near the break-even the choice may be another one.
Sources: RFC 2397, RFC 2396 for what needs no escape.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Iterable

from butane_py.compilation import Compilation, Options
from ignition_py.report.catalog import code
from ignition_py.report.examples import file_


# Examples.
def _contents(text: str) -> str:
    return file_("contents:\n" + "".join(f"  {line}\n" for line in text.splitlines()))

_UNRESERVED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()"
_ESCAPES = {byte: b"%%%02X" % byte for byte in range(256) if byte not in _UNRESERVED}
_LARGE = 1 << 14  # bytes; zlib may split larger contents into several blocks
_PIECE = 1 << 14  # bytes of which there is a list
_REPLACE_AT_MOST = 64  # distinct bytes to escape; with more, one pass over all bytes is faster


class LocalFileError(ValueError):
    """A local file cannot be embedded; `code` says which kind of reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def escape(contents: bytes, reserved: Iterable[int]) -> str:
    """`contents` with every byte of `reserved` (those in it that are not unreserved) as %XX."""
    wanted = set(reserved)
    if len(wanted) > _REPLACE_AT_MOST:
        pieces = (contents[start : start + _PIECE] for start in range(0, len(contents), _PIECE))
        return b"".join([b"".join([_ESCAPES.get(byte) or b"%c" % byte for byte in piece]) for piece in pieces]).decode("ascii")
    if 0x25 in wanted:
        contents = contents.replace(b"%", b"%25")
    for byte in wanted - {0x25}:
        contents = contents.replace(b"%c" % byte, _ESCAPES[byte])
    return contents.decode("ascii")


def gzip_stream(contents: bytes) -> bytes:
    """`contents` as gzip; the same bytes at every time and on every machine with the same zlib."""
    import zlib

    # A window and tables no larger than the contents give the same stream and are set up in a tenth of the time.
    length = len(contents)
    window = min(15, max(9, (length + 262).bit_length()))
    tables = 4 if length < 1000 else 8 if length < _LARGE else 9
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + window, tables)
    return packer.compress(contents) + packer.flush()


def data_url(contents: bytes, compression: str | None, *, may_compress: bool) -> tuple[str, str | None]:
    """The URL for `contents` and the compression to declare (None: leave what the config declares).

    `compression` is what the config declares of the contents; declared contents are not compressed again.
    """
    reserved = contents.translate(None, _UNRESERVED)
    escaped = 1 + len(contents) + 2 * len(reserved)
    encoded = 8 + 4 * ((len(contents) + 2) // 3)
    shortest = min(escaped, encoded)
    if may_compress and not compression and shortest > _GZIP_LEAST:
        packed = gzip_stream(contents)
        most = 3 * ((shortest - 8 - 4 - 1) // 4)  # bytes; with more, its base64 and the word gzip are no shorter
        if len(packed) <= most:
            return "data:;base64," + b2a_base64(packed, newline=False).decode("ascii"), "gzip"
    declared = None if compression else ""
    if encoded < escaped:
        return "data:;base64," + b2a_base64(contents, newline=False).decode("ascii"), declared
    return "data:," + escape(contents, reserved), declared


def escaped_url(contents: bytes) -> str:
    """The URL for `contents` as escaped text, whatever its length."""
    return "data:," + escape(contents, contents.translate(None, _UNRESERVED))


def embedded(work: Compilation, contents: bytes, compression: str | None) -> tuple[str, str | None]:
    """The URL for contents that a config embeds, and the compression to declare, as `data_url`; by the options of the compilation.

    Without `packs` text is neither compressed nor in base64. What is no text is: a compressor finds little that comes again in base64.
    """
    if not work.options.packs and _is_text(contents):
        return escaped_url(contents), None if compression else ""
    return data_url(contents, compression, may_compress=work.row.may_compress)


def unpacked_url(contents: bytes) -> str:
    """The URL for `contents` without any compression: text escaped, all else in base64."""
    if _is_text(contents):
        return escaped_url(contents)
    return "data:;base64," + b2a_base64(contents, newline=False).decode("ascii")


def _is_text(contents: bytes) -> bool:
    try:
        contents.decode()
    except UnicodeDecodeError:
        return False
    return True


_GZIP_LEAST = 8 + 4 * ((10 + 8 + 5 + 2) // 3) + 4  # no gzip stream with anything in it is shorter


@code(
    "files-dir-escape",
    title="A local path leads out of --files-dir",
    why="Only files below --files-dir are embedded, so .. parts may not lead out of it.",
    fix="Move the file below the directory, or pass a directory that holds both.",
    wrong=_contents("local: ../secret"),
    right=_contents("local: a.txt"),
    local=True,
)
def inside(files_dir: str, path: str) -> str:
    """`path` below `files_dir`, lexically. Raises LocalFileError where it leads out of it."""
    joined = os.path.normpath(os.path.join(files_dir, path.lstrip("/")))
    base = os.path.abspath(files_dir)
    absolute = os.path.abspath(joined)
    if absolute != base and not absolute.startswith(base.rstrip("/") + "/"):
        raise LocalFileError("files-dir-escape", f"{path} leads out of the files directory")
    return joined


@code(
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
@code(
    "no-files-at-boot",
    title="A local file is used in a config that is compiled at boot",
    why="A machine that boots from Butane YAML has no files of the author's machine to embed.",
    fix="Compile the config before, with butane-py -d DIRECTORY, and boot from the result.",
)
def no_files(options: Options) -> LocalFileError:
    """Why a local file cannot be read where there is no files directory."""
    if options.at_boot:
        return LocalFileError("no-files-at-boot", "a config that is compiled at boot has no local files: compile it first")
    return LocalFileError("no-files-dir", "local files need --files-dir (-d), the directory that they may come from")


@code(
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
def read_local(path: str, options: Options) -> bytes:
    """A local file's contents. Raises LocalFileError."""
    files_dir = options.files_dir
    if not files_dir:
        raise no_files(options)
    try:
        with open(inside(files_dir, path), "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        if isinstance(error, LocalFileError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise LocalFileError("local-file", f"{path} cannot be read: {reason}") from None
