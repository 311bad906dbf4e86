"""Hypothesis strategies of texts that a writer is likely to get wrong: quotes, escapes, templates, odd line ends, words of other types."""

from __future__ import annotations

from hypothesis import strategies as st

WORDS = (
    *("yes", "no", "on", "off", "y", "n", "Null", "~", "", "0644", "0o644", "1:30", "1e3", "0x1f", "1_000", ".5", ".inf", "2001-01-01"),
    *("---", "...", "- a", "? a", "a: b", "a #b", "#a", "[a]", "{a}", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "<<", "=", "a:", ":a"),
    *("${x}", "$${x}", "'${x}", "''", "'''", "''${x}", "\\${x}", "$", "$'", "'$", "\"", "\\", "\\n", "''\\n", "{{ x }}", "$(x)", "`x`"),
    *("EOF", "BUTANE_EOF", "BUTANE_EOF_1", "'\"'\"'", "a\rb", "\r\n", "\tx", "x\t", " x", "x ", "  ", "\u2028", "\x85", "\ufeff", "\x7f", "\x1b[0m"),
    *("é", "\U0001f600", "\ufffe", "\ud7ff", "-1", "+1", "-", "if", "or", "a-b", "a'b", "a.b", "x" * 1100),
)  # fmt: skip
_PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8"), max_size=6),
    st.sampled_from(["\n", "\n\n", "\n  ", "\n\t"]),
)
TEXTS = st.lists(_PIECES, max_size=8).map("".join)  # any Unicode text
LINES = TEXTS.map(lambda text: text + "\n")
PLAIN = st.one_of(TEXTS, LINES).map(lambda text: text.replace("\0", ""))  # without NUL, which many programs cannot hold
BYTES = st.one_of(
    st.binary(max_size=60),
    TEXTS.map(str.encode),
    LINES.map(str.encode),
    st.binary(max_size=9).map(lambda data: data * 400),
)
