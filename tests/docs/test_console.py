"""tests/helpers/console.py: which commands a page has, and when their output is what the page shows."""

from __future__ import annotations

import pytest

from tests.helpers.console import blocks, differences, files, hidden_commands

PAGE = """Text

```yaml web.bu wrong
variant: fcos
```

```console status=2
$ cat a.bu
b: 1
# plan a.bu \\
    --disk vda=1G
two

lines
$ false
```

```console vm not-run: no machine: here
$ boot
```
"""


def test_commands() -> None:
    yaml, first, second = blocks(PAGE)
    assert (yaml.language, yaml.words, yaml.commands) == ("yaml", ("web.bu", "wrong"), [])
    assert [(command.line, command.who, command.text, command.output) for command in first.commands] == [
        (8, "user", "cat a.bu", "b: 1"),
        (10, "root", "plan a.bu \\\n    --disk vda=1G", "two\n\nlines"),
        (15, "user", "false", ""),
    ]
    assert (first.line, first.status, first.level, first.reason) == (7, 2, "root", "")
    assert (second.level, second.reason) == ("vm", "no machine: here")
    assert files(PAGE) == {"web.bu": "variant: fcos\n", "a.bu": "b: 1\n"}


@pytest.mark.parametrize(
    "page",
    ["```console\noutput\n```\n", "```console virtual\n$ true\n```\n", "```console not-run:\n$ true\n```\n"],
    ids=["no-command", "unknown-word", "no-reason"],
)
def test_wrong_blocks(page: str) -> None:
    with pytest.raises(ValueError, match=r"^line "):
        blocks(page)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("", "anything", True),
        ("a\nb", "a\nb\n", True),
        ("a\nb", "a\nb\nc\n", False),
        ("a\nb", "b\n", False),
        ("a  b", "a b\n", True),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n  ...\nd", "a\nd\n", True),
        ("...\nd", "d\ne\n", False),
        ("took 0.4 s", "took 12.25 s\n", True),
        ("took 0.4 s", "took no time\n", False),
        ("8 files", "9 files\n", False),
        ("UUID=... ok", "UUID=12-34 ok\n", True),
        ("|.... free", "|.... free\n", True),
        ("|.... free", "|..... free\n", False),
        ("a.b", "axb\n", False),
    ],
)
def test_differences(shown: str, printed: str, same: bool) -> None:
    assert (differences(shown, printed) == "") is same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("    butane-py x.bu", 1),
        ("```\nbutane-py x.bu\n```", 1),
        ("```sh\npip install .\n```", 0),
        ("```text\n$ butane-py x.bu\n```", 1),
        ("    butane-py [--check] x.bu", 0),
        ("```yaml\nbutane-py x.bu\n```", 0),
        ("```console\n$ butane-py x.bu\n```", 0),
        ("butane-py compiles", 0),
    ],
)
def test_hidden_commands(text: str, found: int) -> None:
    assert len(hidden_commands(text, ("butane-py",))) == found
