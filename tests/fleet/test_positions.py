"""Where each mistake is reported: the place of the use, the place of the value, line and column, in every kind of file and scalar."""

from __future__ import annotations

import json

import pytest

from butane_py.fleet.values import Value
from ignition_py.report.sarif import sarif
from tests.helpers.fleet import HEAD, build, hosts, spots, var, write

DECLARED = """vars:
  name: string
  n: {type: int, min: 1, max: 10, default: 5}
  l: {type: [string], default: [a, b]}
  a: {type: cidr, default: 10.0.0.1/24}
  o: {type: {x: int, "y?": string}, default: {x: 1}}
  p: {type: url, default: null}
  m: {type: {"*": string}, default: {k: v}}
storage:
  files:
    - path: /etc/f
      contents:
        inline: """
# What follows `inline: ` (line 15, column 17) -> code, place, places of values.
USES = {
    "plain": ("${{ nme }}", "var-undeclared", "15:21"),
    "plain with text": ("see ${{ nme }}", "var-undeclared", "15:25"),
    "second of three": ('"${{ name }} ${{ nme }} ${{ n }}"', "var-undeclared", "15:34"),
    "single quotes": ("'it''s ${{ nme }}'", "var-undeclared", "15:28"),
    "double quotes": ('"tab\\t ${{ nme }}"', "var-undeclared", "15:28"),
    "behind a wide character": ('"é ${{ nme }}"', "var-undeclared", "15:24"),
    "behind an escape of the mark": ('"$${{ x }} ${{ nme }}"', "var-undeclared", "15:32"),
    "mark written as an escape": ('"\\x24{{ nme }}"', "var-undeclared", "15:17"),
    "behind a tag": ("!!str ${{ nme }}", "var-undeclared", "15:27"),
    "behind an anchor": ('&a "${{ nme }}"', "var-undeclared", "15:25"),
    "literal block": ("|\n          line\n            deeper ${{ nme }} and\n", "var-undeclared", "17:24"),
    "literal block, indented by number": ("|2-\n            x ${{ nme }}\n", "var-undeclared", "16:19"),
    "literal block with CRLF": ("|\r\n          x\r\n          ${{ nme }}\r\n", "var-undeclared", "17:15"),
    "folded block": (">-\n          folded\n          text ${{ nme }}\n", "var-undeclared", "17:20"),
    "block with a comment in its header": ("| # ${{ c }}\n          ${{ nme }}\n", "var-undeclared", "16:15"),
    "plain scalar of two lines": ("a\n          b ${{ nme }}", "var-undeclared", "16:17"),
    "double quotes over two lines": ('"a\\\n          ${{ nme }}"', "var-undeclared", "16:15"),
    "list in text": ('"a ${{ l }}"', "var-in-text", "15:20", "6:32"),
    "mapping in text": ('"a ${{ m }}"', "var-in-text", "15:20", "10:37"),
    "null in text": ('"${{ p }} b"', "var-in-text", "15:18", "9:27"),
    "optional member in text": ('"x ${{ o.y }}"', "var-in-text", "15:20", "8:46"),
    "part": ("${{ a.ipp }}", "var-member", "15:23"),
    "item": ("${{ l.7 }}", "var-member", "15:23", "6:32"),
    "member": ("${{ o.z }}", "var-member", "15:23", "8:46"),
    "name in a map": ("${{ m.j }}", "var-member", "15:23", "10:37"),
    "unknown filter": ("${{ name | uper }}", "var-syntax", "15:28"),
    "never closed": ("x ${{ name", "var-syntax", "15:19"),
    "half closed": ('"${{ name } }"', "var-syntax", "15:18"),
    "arithmetic": ("${{ n + 1 }}", "var-syntax", "15:23"),
    "nothing": ("${{ }}", "var-syntax", "15:21"),
    "bad escape": ("${{ l | join('\\q') }}", "var-syntax", "15:31"),
    "filter of a single value": ("\"${{ n | join(',') }}\"", "var-filter", "15:26", "5:44"),
    "filter without its argument": ("${{ l | join }}", "var-filter", "15:25", "6:32"),
    "filter in a block": ("|+\n          ${{ l | indent(2) }}\n", "var-filter", "16:19", "6:32"),
    "default that is never needed": ('${{ name | default("x") }}', "var-filter", "15:28"),
    "host without an inventory": ("${{ host.name }}", "var-undeclared", "15:21"),
    "list where text is wanted": ("${{ l }}", "wrong-type", "15:17", "6:32"),
    "mapping where text is wanted": ('"${{ m }}"', "wrong-type", "15:17", "10:37"),
}


@pytest.mark.parametrize("case", USES)
def test_place_of_a_use(case: str) -> None:
    text, code, *places = USES[case]
    write({"node.bu": HEAD + DECLARED + text + ("" if text.endswith("\n") else "\n")})
    found = spots(build(values={"name": var("n1")}).report)
    assert found == [(code, *(f"node.bu:{place}" for place in places))]


TYPED = """vars:
  mtu: {type: int, min: 576, max: 9216}
  role: {type: string, one_of: [worker, control], default: worker}
  on: {type: bool, default: false}
  keys: {type: [ssh_key], default: []}
  vlans: {type: [{id: int, name: string}], default: []}
  serial: {type: string, pattern: "[A-Z]{3}[0-9]+", default: ABC1}
  label: {type: string, length: {max: 4}, default: a}
  mode: {type: int, default: 0644}
storage:
  files:
    - path: /etc/mtu
      mode: ${{ mode }}
      contents: {inline: "${{ mtu }}"}
"""
# File of values, its text, and what is reported: code, place of the value, place of the declaration (or use and value).
VALUES = {
    "flow mapping": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 99999, role: wrker}\n",
                     [("var-range", "h.yaml:3:15", "node.bu:4:3"), ("var-one-of", "h.yaml:3:28", "node.bu:5:3")]),
    "block mapping": ("h.yaml", "all:\n  hosts:\n    n1:\n      mtu: 500\n", [("var-range", "h.yaml:4:12", "node.bu:4:3")]),
    "group variable": ("h.yaml", "all:\n  vars:\n    mtu: '1500'\n  hosts: {n1: {}}\n", [("var-type", "h.yaml:3:10", "node.bu:4:3")]),
    "quoted bool": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, on: \"yes\"}\n", [("var-type", "h.yaml:3:25", "node.bu:6:3")]),
    "item of a list": ("h.yaml", "all:\n  hosts:\n    n1:\n      mtu: 1500\n      keys:\n        - ssh-ed25519 AAAA\n        - nothing\n",
                       [("var-type", "h.yaml:7:11", "node.bu:7:3")]),
    "unknown member": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, vlans: [{id: 3, nme: x}]}\n", [("var-type", "h.yaml:3:42", "node.bu:8:3")]),
    "missing member": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, vlans: [{id: 3}]}\n", [("var-type", "h.yaml:3:29", "node.bu:8:3")]),
    "member of a wrong type": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, vlans: [{id: three, name: x}]}\n", [("var-type", "h.yaml:3:34", "node.bu:8:3")]),
    "pattern and length": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, serial: ab1, label: abcde}\n",
                           [("var-pattern", "h.yaml:3:29", "node.bu:9:3"), ("var-range", "h.yaml:3:41", "node.bu:10:3")]),
    "null": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, on: ~}\n", [("var-type", "h.yaml:3:25", "node.bu:6:3")]),
    "list for a string": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, role: [x]}\n", [("var-type", "h.yaml:3:27", "node.bu:5:3")]),
    "ordinary check of a value": ("h.yaml", "all:\n  hosts:\n    n1: {mtu: 1500, mode: 644}\n", [("mode-decimal", "node.bu:15:13", "h.yaml:3:27")]),
    "nothing given": ("h.yaml", "all: {hosts: {n1: {}}}\n", [("var-missing", "node.bu:4:3")]),
    "CSV, too large": ("h.csv", "name,mtu,role\nn1,99999,worker\n", [("var-range", "h.csv:2:4", "node.bu:4:3")]),
    "CSV, second column": ("h.csv", "name,mtu,role\nn1,1500,wrk\n", [("var-one-of", "h.csv:2:9", "node.bu:5:3")]),
    "CSV, no number": ("h.csv", "name,mtu\nn1,x\n", [("var-type", "h.csv:2:4", "node.bu:4:3")]),
    "JSON, too small": ("h.json", '[\n  {"name": "n1", "mtu": 1}\n]\n', [("var-range", "h.json:2:25", "node.bu:4:3")]),
    "JSON, a string": ("h.json", '[{"name": "n1",\n  "mtu": "1500"}]\n', [("var-type", "h.json:2:10", "node.bu:4:3")]),
    "JSON, no list": ("h.json", '[{"name": "n1", "mtu": 1500, "keys": "ssh-ed25519 AAAA"}]\n', [("var-type", "h.json:1:38", "node.bu:7:3")]),
}  # fmt: skip


@pytest.mark.parametrize("case", VALUES)
def test_place_of_a_value(case: str) -> None:
    name, text, expected = VALUES[case]
    write({"node.bu": HEAD + TYPED, name: text})
    assert spots(hosts("node.bu", name)["n1"].report) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"mtu": var("99999", "mtu")}, [("var-range", "node.bu:4:3", "--var mtu")]),
        ({"mtu": var("1500"), "on": var("maybe", "on")}, [("var-type", "node.bu:6:3", "--var on")]),
        ({"mtu": var("1500"), "vlans": var("[{id: x, name: y}]", "vlans")}, [("var-type", "node.bu:8:3", "--var vlans")]),
        ({"mtu": var("1500"), "mode": var("644", "mode")}, [("mode-decimal", "node.bu:15:13", "--var mode")]),
    ],
)
def test_place_of_a_value_of_the_command_line(values: dict[str, Value], expected: list[tuple[str, ...]]) -> None:
    write({"node.bu": HEAD + TYPED})
    report = build(values=values).report
    assert spots(report) == expected
    (result,) = json.loads(sarif([("node.bu", report)]))["runs"][0]["results"]
    assert result["relatedLocations"][0].keys() == {"id", "message"}  # --var is not a file


def test_an_ordinary_report_tells_the_value_and_where_it_comes_from() -> None:
    write({"node.bu": HEAD + TYPED, "hosts.yaml": "all:\n  vars: {mtu: 1500}\n  hosts:\n    n1:\n      mode: 9999\n"})
    entry = next(iter(hosts("node.bu", "hosts.yaml")["n1"].report))
    assert (entry.code, entry.related[0].message) == ("mode-range", "`mode` is 9999, from hosts.yaml:5:13")
    assert entry.raw().endswith("(`mode` is 9999, from hosts.yaml:5:13)")
    assert entry.fix is None


# A line of `vars:` (line 4) -> column of the report, and words in it.
DECLARATIONS = {
    "x: nt": (6, "did you mean int?"),
    "x: {typ: int}": (7, "did you mean type?"),
    "x: {type: int, min: a}": (23, "whole number"),
    "x: {type: string, min: 1}": (26, "min is for int"),
    "x: {type: [string, int]}": (13, "one type in its brackets"),
    "x: {type: {}}": (13, "names its members"),
    "1x: int": (3, "not a name of a variable"),
    "host: int": (3, "there always"),
    "x: {type: string, pattern: '(a'}": (30, "not closed"),
    "x: {type: string, pattern: '(a)\\1'}": (30, "back-references"),
    "x: {type: int, one_of: []}": (26, "list of the values"),
    "x: {type: int, one_of: [a]}": (27, "not a whole number"),
    "x: {type: int, length: 3}": (26, "strings and lists"),
    "x: {type: string, secret: yes}": (29, "true or false"),
    "x: {type: int, min: 5, max: 1}": (23, "min is more than max"),
    "x: {type: int, default: 5, default: 6}": (30, "given twice"),
    "x: {default: 5}": (3, "has no type"),
    "x: {type: {\"*\": int, a: int}}": (14, "stands alone"),
    "${{ x }}: int": (3, "not a name of a variable"),
}  # fmt: skip


@pytest.mark.parametrize("line", DECLARATIONS)
def test_place_of_a_declaration(line: str) -> None:
    column, words = DECLARATIONS[line]
    write({"node.bu": f"{HEAD}vars:\n  {line}\n"})
    found = [entry for entry in build(values={"x": var("1")}).report if entry.code != "var-missing"]
    assert spots(found) == [("var-declaration", f"node.bu:4:{column}")]
    assert words in f"{found[0].message} {found[0].hint}"


def test_places_of_references_where_none_may_be() -> None:
    write({"node.bu": "variant: fcos\nversion: ${{ a }}\nvars: {a: string}\nstorage:\n  files:\n    - pa${{ a }}: x\n"})
    assert spots(build(values={"a": var("1.6.0")}).report) == [("var-in-key", "node.bu:6:9"), ("var-in-key", "node.bu:2:10")]


PAYLOADS = {
    "c.txt": (b"one\ntwo ${{ b }}\n", "var-undeclared", "c.txt:2:9"),
    "bin": (b"a\n\xff", "payload-text", "bin:2:1"),
    "open": (b"\n\n  ${{ a", "var-syntax", "open:3:3"),
    "wide": ("é ${{ a | uper }}".encode(), "var-syntax", "wide:1:11"),
    "crlf": (b"a\r\nb ${{ b }}\r\n", "var-undeclared", "crlf:2:7"),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_place_in_a_local_file(name: str) -> None:
    data, code, place = PAYLOADS[name]
    files = f"storage:\n  files:\n    - path: /x\n      contents: {{local: {name}, interpolate: true}}\n"
    write({"node.bu": f"{HEAD}vars: {{a: string}}\n{files}", name: data})
    assert spots(build(values={"a": var("1")}, files_dir=".").report) == [(code, place, "node.bu:7:25")]
    trees = "storage:\n  trees:\n    - {local: t, path: /x, interpolate: ['*']}\n"
    units = f"systemd:\n  units:\n    - {{name: a.service, contents_local: t/{name}, interpolate: true}}\n"
    write({"node.bu": f"{HEAD}vars: {{a: string}}\n{trees}{units}", f"t/{name}": data})
    found = spots(build(values={"a": var("1")}, files_dir=".").report)
    assert found == [(code, f"t/{place}", "node.bu:9:41")]  # of the tree it would be the same


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\r", "\r\n", "\n"])
def test_text_that_is_no_yaml_behind_any_line_break(end: str) -> None:
    """libyaml counts the line breaks of YAML 1.1; the words about its errors look at the same lines."""
    write({"node.bu": f"{HEAD}a:{end}{end}b: [{end}{end}"})
    assert [entry.code for entry in build().report] == ["yaml"]
    write({"node.bu": f"{HEAD}a: 'x{end}{end}{end}"})
    assert [entry.code for entry in build().report] == ["yaml"]
