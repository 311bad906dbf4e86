"""Text of POSIX shell scripts: words, and commands that are given contents on their standard input.

Source: POSIX.1-2024, Shell Command Language 2.2 (quoting) and 2.7.4 (here-documents); bash and dash, measured.
"""

from __future__ import annotations

import base64
import zlib
from shlex import quote

from butane_py.decompiler.unpack import LARGE, as_text

DELIMITER = "BUTANE_EOF"
# The function that scripts write files with.
PUT = """put() { # put PATH MODE OWNER: the file from standard input
  mkdir -p "$(dirname "$1")"
  rm -f "$1"
  (umask 077 && cat >"$1")
  chown "$3" "$1"
  chmod "$2" "$1"
}
"""
_WIDTH = 76  # characters of a line of base64
_GZIP = 31  # zlib's name for a window of 32 KiB in gzip's wrapping; the time stamp is zero


def word(text: str) -> str:
    """`text` as one word of a command. Raises ValueError for NUL, which no argument can hold."""
    if "\0" in text:
        raise ValueError("an argument of a command cannot hold NUL")
    return quote(text)


def words(*texts: str) -> str:
    """A command of several words. Raises ValueError as `word` does."""
    return " ".join(map(word, texts))


def fed(command: str, contents: bytes) -> str:
    """`command` (shell text of one line) with `contents` on its standard input, with a final newline.

    Text that ends with a newline and is not large is a here-document; anything else is base64, through gzip where that is smaller.
    The script needs base64 then, and gzip.
    """
    text = as_text(contents)
    if not contents:
        return f"{command} </dev/null\n"
    if text is not None and text.endswith("\n") and len(contents) < LARGE:
        return _here_document(command, text)
    packed = _gzipped(contents)
    smaller = len(packed) < len(contents)
    encoded = base64.b64encode(packed if smaller else contents).decode()
    lines = "".join(f"{encoded[i : i + _WIDTH]}\n" for i in range(0, len(encoded), _WIDTH))
    unpack = f"base64 -d <<'{DELIMITER}'" + (" | gzip -d" if smaller else "")
    return f"{unpack} | {command}\n{lines}{DELIMITER}\n"


def _gzipped(contents: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    return packer.compress(contents) + packer.flush()


def _here_document(command: str, text: str) -> str:
    delimiter, count, lines = DELIMITER, 0, set(text.split("\n"))
    while delimiter in lines:
        count += 1
        delimiter = f"{DELIMITER}_{count}"
    return f"{command} <<'{delimiter}'\n{text}{delimiter}\n"
