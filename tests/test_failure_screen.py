"""failure_screen.py and author.py: lines that fit 24 x 80, can be put together again, and spell keys as the author does."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ignition_py.author import Author, respelled
from ignition_py.failure_screen import COLUMNS, LINES, Line, screen, unwrapped
from ignition_py.report.diag import Place

WORDS = st.lists(st.text("abc/é\u30ab", min_size=1, max_size=200), min_size=1, max_size=12)


def columns(text: str) -> int:
    return sum(2 if char >= "\u1100" else 1 for char in text)


@given(st.lists(WORDS, min_size=1, max_size=4))
@example([["a" * 78], ["b" * 79], ["c" * 80], ["x", "d" * 77]])
@example([["a" * 72, "b"], ["a" * 73, "b"], ["a" * 74]])
def test_what_is_broken_can_be_put_together(texts: list[list[str]]) -> None:
    lines = [f"  {' '.join(words)}" for words in texts]
    shown = screen([Line(line, 100) for line in lines])
    assert max(map(columns, shown)) <= COLUMNS
    assert unwrapped(shown) == lines


@given(st.lists(st.tuples(WORDS, st.integers(1, 4), st.booleans()), max_size=40))
def test_at_most_one_screen(items: list[tuple[list[str], int, bool]]) -> None:
    fixed = [Line(f"  {' '.join(words)}", most) for words, most, optional in items if not optional][:5]
    others = [Line(f"    {' '.join(words)}", most, optional=True) for words, most, optional in items if optional]
    shown = screen([*fixed, *others])
    assert len(shown) <= LINES
    assert all(columns(line) <= COLUMNS for line in shown)


@pytest.mark.parametrize("count", [1, 21, 22, 23, 100])
def test_what_is_left_out_is_counted(count: int) -> None:
    shown = screen([Line("head"), *(Line(f"    {number}", optional=True) for number in range(count)), Line("tail"), Line("end")])
    whole = count <= 21
    assert len(shown) == min(count + 3, LINES)
    assert (shown[0], shown[-2:]) == ("head", ["tail", "end"])
    assert shown[-3] == (f"    {count - 1}" if whole else f"    and {count - 20} more")


def test_a_value_that_is_cut_says_so() -> None:
    shown = screen([Line("  x: " + "word " * 100, 2)])
    assert len(shown) == 2
    assert shown[1].endswith("…") and columns(shown[1]) <= COLUMNS


@pytest.mark.parametrize(
    ("text", "yaml"),
    [
        ("Set `wipePartitionEntry: true`, or `sizeMiB` to 62", "Set `wipe_partition_entry: true`, or `size_mib` to 62"),
        ("`ignition.security.tls.certificateAuthorities`", "`ignition.security.tls.certificate_authorities`"),
        ("`timeouts.httpTotal`", "`timeouts.http_total`"),
        ("wipeTable outside of backticks, `options: [-O]`, `nosuchKey`", "wipeTable outside of backticks, `options: [-O]`, `nosuchKey`"),
        ("an odd ` backtick", "an odd ` backtick"),
    ],
)
def test_keys_as_the_author_spells_them(text: str, yaml: str) -> None:
    assert respelled(text, yaml=True) == yaml
    assert respelled(yaml, yaml=False) == text
    assert respelled(text, yaml=False) == text


def test_places_of_fetched_configs_are_led_to_their_authors() -> None:
    butane = b"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n"
    author = Author((("qemu", butane), ("https://a.example/b", b"{}")), "/run/ignition.json")
    found = author.place(Place(("storage", "files", 0), 1, 60, "qemu"))
    assert (found.place.line, found.place.column, found.place.source, found.yaml) == (5, 7, "qemu", True)
    found = author.place(Place(("storage", "files", 0), 1, 60, "https://a.example/b"))
    assert (found.place.line, found.yaml) == (1, False)
    assert author.place(Place(())).place == Place(())
