"""Shells read the words and contents that were written, byte for byte."""

from __future__ import annotations

import gzip
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.decompiler.unpack import LARGE
from butane_py.emit.shell import fed, words
from tests.helpers.texts import BYTES, PLAIN

SHELLS = ("bash", "dash")
A_FEW = settings(max_examples=10, suppress_health_check=list(HealthCheck))


def output(shell: str, script: str) -> bytes:
    head = "set -euo pipefail\n" if shell == "bash" else "set -eu\n"
    done = subprocess.run([shell], input=(head + script).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.mark.subprocess
@pytest.mark.parametrize("shell", SHELLS)
@A_FEW
@given(texts=st.lists(PLAIN, min_size=30, max_size=30))
def test_words(shell: str, texts: list[str]) -> None:
    assert output(shell, words("printf", "%s\\0", *texts)) == "".join(f"{text}\0" for text in texts).encode()


@pytest.mark.subprocess
@pytest.mark.parametrize("shell", SHELLS)
@A_FEW
@given(many=st.lists(BYTES, min_size=20, max_size=20))
def test_contents(shell: str, many: list[bytes]) -> None:
    script = "".join(fed("cat", contents) + "printf '|'\n" for contents in many)
    assert output(shell, script) == b"".join(contents + b"|" for contents in many)


def test_large_and_binary_contents_are_packed_where_that_is_smaller() -> None:
    large = b"x = 1\n" * LARGE
    assert fed("cat", large).startswith("base64 -d <<'BUTANE_EOF' | gzip -d | cat\n")
    assert len(fed("cat", large)) < len(large) // 10
    assert fed("cat", gzip.compress(b"x")).startswith("base64 -d <<'BUTANE_EOF' | cat\n")
    assert fed("cat", b"") == "cat </dev/null\n"


def test_delimiters_are_no_line_of_the_text() -> None:
    assert fed("cat", b"BUTANE_EOF\nBUTANE_EOF_1\n").startswith("cat <<'BUTANE_EOF_2'\n")


def test_nul_is_no_argument() -> None:
    with pytest.raises(ValueError, match="NUL"):
        words("a\0b")
