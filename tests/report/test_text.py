"""Reports for people: what is underlined, other places, tabs, long lines, colours."""

from __future__ import annotations

import pytest

from ignition_py.report.diag import ERROR, Entry, Fix, Place, Related, Report
from ignition_py.report.text import pretty


def _place(line: int, column: int, end_line: int = 0, end_column: int = 0) -> Place:
    return Place(("a",), line, column, "a.bu", end_line=end_line, end_column=end_column)


def _shown(text: str, place: Place, **more: bool) -> list[str]:
    return pretty(Report([Entry(ERROR, "x", "wrong", place)]), text.encode(), colour=False, **more).splitlines()


@pytest.mark.parametrize(
    ("text", "place", "line", "under"),
    [
        ("a: http://x:1/b, c\n", _place(1, 4, 1, 16), "a: http://x:1/b, c", "   ^^^^^^^^^^^^"),  # through a colon
        ("a: 'x y' # z\n", _place(1, 4, 1, 9), "a: 'x y' # z", "   ^^^^^"),  # with its quotes
        ("a: b\n", _place(1, 4), "a: b", "   ^"),  # only its beginning is known
        ("a:\n  - b\n  - c\n", _place(2, 3, 3, 6), "  - b", "  ^^^ to line 3"),  # several lines
        ("\ta: b\n", _place(1, 1, 1, 2), "→a: b", "^"),  # a tab is seen
        ("日本: b\n", _place(1, 5, 1, 6), "日本: b", "      ^"),  # wide characters
        (
            "e\u0301: b\n",
            _place(1, 5, 1, 6),
            "e\ufffd: b" if not "\u0301".isprintable() else "e\u0301: b",
            "   ^",
        ),  # a mark that combines
        ("a: b\x1b[2J\n", _place(1, 4, 1, 9), "a: b\ufffd[2J", "   ^^^^^"),  # what a terminal would act on
        ("a\x0c: b\rb: c\n", _place(2, 1, 2, 2), "b: c", "^"),  # line breaks are those of YAML
        ("a\n", _place(1, 2, 1, 9), "a", " ^"),  # beyond the line
    ],
)
def test_the_value_is_underlined(text: str, place: Place, line: str, under: str) -> None:
    shown = _shown(text, place)
    assert shown[3] == f"{place.line} | {line}"
    assert shown[4] == f"  | {under}"


def test_columns_of_json_count_bytes() -> None:
    text = '{"ä": 1}'
    assert _shown(text, _place(1, 8, 1, 9), is_json=True)[4] == "  |       ^"


def test_an_excerpt_of_a_minified_config_is_short() -> None:
    """It is one line; columns count bytes."""
    text = ("[" + '"ä", ' * 100_000 + "1]").encode()
    entries = [Entry(ERROR, "x", "wrong", _place(1, 2 + 5 * i, 1, 4 + 5 * i)) for i in range(50)]
    shown = pretty(Report(entries), text, colour=False, is_json=True)
    assert max(map(len, shown.splitlines())) < 140


def test_a_long_line_is_cut_around_the_value() -> None:
    shown = _shown("x" * 500 + " y " + "z" * 500, _place(1, 502, 1, 503))
    assert len(shown[3]) == 120 + len("1 | ")
    assert shown[3][shown[4].index("^")] == "y"


def test_other_places_have_lines_of_their_own() -> None:
    related = (Related("first given here", _place(1, 1, 1, 2)),)
    fix = Fix("write c", _place(10, 1, 10, 2), "c")
    entry = Entry(ERROR, "x", "wrong", _place(10, 1, 10, 2), "do this", related=related, fix=fix)
    text = "".join(f"{char}\n" for char in "abcdefghij")
    assert pretty(Report([entry]), text.encode(), colour=False) == (
        "error[x]: wrong\n"
        "  --> a.bu:10:1 ($.a)\n"
        "   |\n"
        "10 | j\n"
        "   | ^\n"
        "   = note: first given here\n"
        "  --> a.bu:1:1 ($.a)\n"
        "   |\n"
        " 1 | a\n"
        "   | -\n"
        "   = help: do this\n"
        "   = fix: write c\n\n"
    )


def test_colours_only_if_asked_for() -> None:
    report = Report([Entry(ERROR, "x", "wrong", _place(1, 1))])
    assert "\x1b[31;1merror[x]\x1b[0m" in pretty(report, b"a\n", colour=True)
    assert "\x1b" not in pretty(report, b"a\n", colour=False)
