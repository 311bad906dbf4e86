"""Types, forms, constraints and patterns: what is taken, what is refused, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from butane_py.fleet.forms import FORMS
from butane_py.fleet.pattern import Pattern, PatternError
from butane_py.fleet.values import Value
from tests.helpers.fleet import HEAD, build, contents, data, hosts, var, write

FILE = 'storage:\n  files:\n    - path: /f\n      contents: {inline: "${{ x | json }}"}\n'


def bound(declaration: str, value: Value | None) -> Any:
    """What a variable is bound to; the code of the error where it is refused."""
    write({"node.bu": f"{HEAD}vars:\n  x: {declaration}\n"})
    result = build(values={} if value is None else {"x": value})
    errors = [entry.code for entry in result.report if entry.severity == "error"]
    return errors[0] if errors else result.variables["x"].data


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("hostname", ["n1", "n1.lab.example", "A-1", "a" * 63, "1"], ["", "n_1", "-a", "a-", "a..b", "a.", "a" * 64, ".".join(["a" * 60] * 5), "é"]),
        ("ip", ["10.0.0.1", "fd00::1"], ["10.0.0", "10.0.0.1/24", "10.0.0.256", "fe80::1%eth0", "", "010.0.0.1"]),
        ("ipv4", ["10.0.0.1"], ["fd00::1", "::ffff:10.0.0.1"]),
        ("ipv6", ["fd00::1", "::"], ["10.0.0.1"]),
        ("cidr", ["10.0.0.11/24", "fd00::1/64", "10.0.0.0/0"], ["10.0.0.1", "10.0.0.1/33", "10.0.0.1/255.255.255.0", "10.0.0.1/", "/24", "fe80::1%e/64"]),
        ("mac", ["52:54:00:12:34:56", "52-54-00-AB-CD-EF"], ["52:54:00:12:34", "52:54-00:12:34:56", "525400123456", "g2:54:00:12:34:56"]),
        ("url", ["https://example.com/", "http://[fd00::1]:8080/x", "tftp://10.0.0.1/a", "data:,x"], ["example.com", "https://", "http://a b/", "http://a:99999/", "://x", "http:/x"]),
        ("path", ["/", "/var/lib"], ["var", "", "./x", "/a\0b"]),
        ("ssh_key", ["ssh-ed25519 AAAA me@desk", 'from="10.0.0.1" ssh-rsa AAAAB3Nz', "sk-ssh-ed25519@openssh.com AAAA"], ["", "AAAA", "ssh-foo AAAA", "ssh-ed25519", "ssh-ed25519 AAAA\nssh-rsa BBBB"]),
        ("base64", ["", "aGVsbG8=", "AAAA"], ["aGVsbG8", "a b=", "é", "A==="]),
    ],
)  # fmt: skip
def test_forms(form: str, good: list[str], bad: list[str]) -> None:
    problem = FORMS[form].problem
    assert [text for text in good if problem(text)] == []
    assert [text for text in bad if not problem(text)] == []


# Declaration, value as written in YAML -> what it becomes, or the code of the error.
TYPES: list[tuple[str, str, Any]] = [
    ("string", "0644", "0644"), ("string", "1.10", "1.10"), ("string", "yes", "yes"), ("string", "2024-01-02", "2024-01-02"),
    ("string", "~", "var-type"), ("string", "''", ""), ("string", "[a]", "var-type"), ("string", "{a: b}", "var-type"),
    ("int", "0644", 0o644), ("int", "1_000", 1000), ("int", "0x10", 16), ("int", "-5", -5), ("int", "'5'", "var-type"), ("int", "1.0", "var-type"),
    ("int", "1e3", "var-type"), ("int", "9223372036854775807", 2**63 - 1), ("int", "9223372036854775808", "var-type"), ("int", "true", "var-type"),
    ("int", "", "var-type"), ("bool", "true", True), ("bool", "yes", True), ("bool", "Off", False), ("bool", "'true'", "var-type"), ("bool", "1", "var-type"),
    ("[int]", "[1, 0x2]", [1, 2]), ("[int]", "[]", []), ("[int]", "[1, a]", "var-type"), ("[int]", "[1, ~]", "var-type"), ("[int]", "1", "var-type"),
    ("[[string]]", "[[a], []]", [["a"], []]),
    ('{type: {a: int, "b?": string}}', "{a: 1}", {"a": 1, "b": None}), ('{type: {a: int, "b?": string}}', "{a: 1, b: ~}", {"a": 1, "b": None}),
    ('{type: {a: int, "b?": string}}', "{b: x}", "var-type"), ('{type: {a: int}}', "{a: 1, c: 2}", "var-type"), ('{type: {a: int}}', "[1]", "var-type"),
    ('{type: {"*": int}}', "{x: 1, y: 2}", {"x": 1, "y": 2}), ('{type: {"*": int}}', "{x: a}", "var-type"),
    ("{type: int, min: 1, max: 3}", "1", 1), ("{type: int, min: 1, max: 3}", "3", 3), ("{type: int, min: 1, max: 3}", "0", "var-range"),
    ("{type: int, min: 1, max: 3}", "4", "var-range"), ("{type: [int], max: 3}", "[1, 4]", "var-range"),
    ("{type: string, one_of: [a, b]}", "b", "b"), ("{type: string, one_of: [a, b]}", "c", "var-one-of"), ("{type: int, one_of: [0x10]}", "16", 16),
    ("{type: [string], one_of: [a]}", "[a, b]", "var-one-of"),
    ("{type: string, length: 3}", "abc", "abc"), ("{type: string, length: 3}", "ab", "var-range"), ("{type: string, length: {min: 2}}", "a", "var-range"),
    ("{type: [int], length: {max: 1}}", "[1, 2]", "var-range"), ("{type: [int], length: {max: 1}}", "[1]", [1]),
    ("{type: string, pattern: '[a-z]+(-[a-z]+)*'}", "a-b", "a-b"), ("{type: string, pattern: '[a-z]+'}", "ab1", "var-pattern"),
    ("{type: url, default: null}", "~", None), ("{type: int, default: null, min: 3}", "~", None), ("{type: int, default: 5}", "~", "var-type"),
]  # fmt: skip


@pytest.mark.parametrize(("declaration", "text", "expected"), TYPES)
def test_values_of_yaml(declaration: str, text: str, expected: Any) -> None:
    write({"node.bu": f"{HEAD}vars:\n  x: {declaration}\n", "hosts.yaml": f"all:\n  hosts:\n    n1:\n      x: {text}\n"})
    result = hosts("node.bu", "hosts.yaml")["n1"]
    errors = [entry.code for entry in result.report]
    assert (errors[0] if errors else result.variables["x"].data) == expected


# A text of CSV or --var: the declared type decides.
LOOSE: list[tuple[str, str, Any]] = [
    ("string", "0644", "0644"), ("string", "null", "null"), ("string", "[a", "[a"), ("int", "0644", 0o644), ("int", "x", "var-type"), ("bool", "yes", True),
    ("bool", "1", "var-type"), ("[string]", "a;b", ["a", "b"]), ("[string]", "a", ["a"]), ("[string]", "", []), ("[string]", "['a;b', c]", ["a;b", "c"]),
    ("[int]", "1; 2", [1, 2]), ("[int]", "[1, x]", "var-type"), ("[int]", "[1", "var-type"), ("{type: {a: int}}", "{a: 1}", {"a": 1}),
    ("{type: {a: int}}", "a", "var-type"), ("{type: url, default: null}", "null", None), ("{type: string, default: null}", "null", "null"),
    ("[[int]]", "[[1]]", [[1]]),
]  # fmt: skip


@pytest.mark.parametrize(("declaration", "text", "expected"), LOOSE)
def test_texts_of_the_command_line(declaration: str, text: str, expected: Any) -> None:
    assert bound(declaration, var(text)) == expected


def test_values_of_python() -> None:
    assert bound("[int]", data([1, 2])) == [1, 2]
    assert bound("bool", data(True)) is True
    assert bound("int", data("5")) == "var-type"
    assert bound("string", data(5)) == "5"
    with pytest.raises(TypeError):
        data(object())


def test_a_number_keeps_its_spelling_and_a_string_its_text() -> None:
    write({"node.bu": f"{HEAD}vars:\n  x: int\n  y: string\nstorage:\n  files:\n    - path: /f\n      mode: ${{{{ x }}}}\n"
                      '      contents: {inline: "chmod ${{ x }} ${{ y }}"}\n'})  # fmt: skip
    result = build(values={"x": var("0644"), "y": var("1.10")})
    assert contents(result, "/f") == "chmod 0644 1.10"
    assert result.output is not None
    assert '"mode":420' in result.output


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [
        ("[a-z]+(-[a-z]+)*", ["a", "a-b-c"], ["", "a-", "-a", "A"]),
        ("^n[0-9]{2,3}$", ["n12", "n123"], ["n1", "n1234", "xn12"]),
        ("a|b|", ["a", "b", ""], ["ab"]),
        ("x{3}", ["xxx"], ["xx", "xxxx"]),
        ("x{2,}", ["xx", "x" * 50], ["x"]),
        (r"\d+\.\d+", ["1.2"], ["1x2"]),
        ("[]a]+", ["]a"], ["b"]),
        ("[^/]+", ["a.b"], ["a/b"]),
        ("(?:ab)?c", ["c", "abc"], ["abab"]),
        ("()", [""], ["a"]),
        ("(a*)*", ["", "aaa"], ["b"]),
        (".", ["a", "\n", "é"], ["", "ab"]),
        (r"a\$", ["a$"], ["a"]),
    ],
)
def test_patterns(pattern: str, fits: list[str], not_fits: list[str]) -> None:
    made = Pattern(pattern)
    assert [text for text in fits if not made.fits(text)] == []
    assert [text for text in not_fits if made.fits(text)] == []


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a{", "a**", "a*?", "(?=a)", "(?P<x>a)", r"(a)\1", "a{2,1}", "a" * 1001, "*a", r"\q", "a{9999}", "((a{1000}){1000}){9}", "(" * 99])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(PatternError):
        Pattern(pattern)


def test_no_pattern_makes_a_build_hang() -> None:
    for pattern in ("(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "a?" * 50 + "a" * 50):
        assert not Pattern(pattern).fits("a" * 3000)
