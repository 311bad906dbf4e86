"""What references become: types, members, filters, escapes, defaults, null, aliases; payload files."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from butane_py.compilation import Options
from butane_py.fleet.filters import unit_word
from butane_py.fleet.values import HostFacts
from butane_py.pipeline import compile_source
from ignition_py.report.diag import Place
from tests.helpers.fleet import HEAD, build, contents, data, output, spots, var, write

VARS = """vars:
  s: {type: string, default: "a b"}
  n: {type: int, default: 0644}
  t: {type: bool, default: yes}
  l: {type: [string], default: [x, "y z"]}
  c: {type: cidr, default: 10.1.2.3/20}
  c6: {type: cidr, default: "fd00::5/64"}
  m: {type: mac, default: "52:54:00:AB:cd:EF"}
  h: {type: hostname, default: n1.lab.example}
  h1: {type: hostname, default: n1}
  u: {type: url, default: "https://example.com:8443/x"}
  u2: {type: url, default: "http://example.com/x"}
  o: {type: [{id: int, "name?": string}], default: [{id: 3, name: a}, {id: 4}]}
  d: {type: {"*": string}, default: {k: v}}
  nil: {type: string, default: null}
  multi: {type: string, default: "one\\ntwo\\n\\nthree"}
"""

TEXTS = {
    "${{ s }}": "a b", "x ${{ s }} ${{s}}y": "x a b a by", "${{ n }}": "0644", "is ${{ t }}": "is true", "${{ t }}": "true",
    "${{ c.ip }} ${{ c.prefix }} ${{ c.netmask }} ${{ c.network }} ${{ c.broadcast }}": "10.1.2.3 20 255.255.240.0 10.1.0.0 10.1.15.255",
    "${{ c6.ip }}/${{ c6.prefix }} ${{ c6.network }}": "fd00::5/64 fd00::", "${{ m.dashes }} ${{ m.plain }}": "52-54-00-ab-cd-ef 525400abcdef",
    "${{ h.short }}|${{ h.domain }}": "n1|lab.example", '${{ h1.domain | default("none") }}': "none",
    "${{ u.host }}:${{ u.port }} ${{ u2.port }}": "example.com:8443 80",
    "${{ l.0 }}${{ l.1 }} ${{ o.0.id }}${{ o.0.name }}": "xy z 3a", "${{ d.k }}": "v", '${{ o.1.name | default("-") }}': "-",
    '${{ l | join(", ") }}': "x, y z", "${{ l | join('\\n') }}": "x\ny z", "${{ l | json }}": '["x", "y z"]', "${{ o.0 | json }}": '{"id": 3, "name": "a"}',
    "${{ n | json }} ${{ t | json }} ${{ s | json }} ${{ nil | json }}": '420 true "a b" null',
    "${{ s | b64 }}": "YSBi", "${{ s | upper }} ${{ h | upper | lower }}": "A B n1.lab.example", "${{ multi | indent(2) }}": "one\n  two\n\n  three",
    "${{ s | sh }} ${{ h | sh }}": "'a b' n1.lab.example", "${{ s | unit }}": '"a b"', '${{ nil | default("x") }}': "x", "${{ nil | default(3) }}": "3",
    '${{ nil | upper | default("x") }}': "x", '${{ l | join("") | b64 }}': "eHkgeg==", "$${{ s }}": "${{ s }}", "$${{ ${{ s }}": "${{ a b", "$$${{ s }}": "$a b", "$$$${{ s }}": "$${{ s }}", "a$$b$": "a$$b$",
    "${HOME} {{ s }} $(x) %i": "${HOME} {{ s }} $(x) %i", "${{s|upper}}": "A B", "${{\n s\n}}": "a b", "$ {{ s }}": "$ {{ s }}", "}}": "}}",
    "${{ s | default(\"}}\") }}": None,
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_references_in_text(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    write({"node.bu": f"{HEAD}{VARS}storage:\n  files:\n    - path: /f\n      contents: {{inline: {quoted}}}\n"})
    result = build()
    if TEXTS[text] is None:
        assert result.output is None
    else:
        assert contents(result, "/f") == TEXTS[text]


def test_what_stands_alone_keeps_its_type() -> None:
    write({"node.bu": HEAD + VARS + """passwd:
  users:
    - name: core
      ssh_authorized_keys: ${{ l }}
      no_create_home: "${{ t }}"
      uid: '${{ o.0.id }}'
storage:
  files:
    - {path: "/${{ h }}", mode: "${{ n }}", user: {id: "${{ o.1.id }}"}}
"""})  # fmt: skip
    made = output(build())
    user = made["passwd"]["users"][0]
    assert (user["sshAuthorizedKeys"], user["noCreateHome"], user["uid"]) == (["x", "y z"], True, 3)
    assert made["storage"]["files"] == [{"path": "/n1.lab.example", "user": {"id": 4}, "mode": 0o644}]


def test_null_takes_the_key_away_and_the_item() -> None:
    write({"node.bu": HEAD + VARS + """passwd:
  users:
    - {name: core, password_hash: "${{ nil }}", ssh_authorized_keys: ["a", "${{ nil }}", "b"]}
storage: {files: [{path: /f, contents: {inline: "${{ nil }}"}}]}
"""})  # fmt: skip
    result = build()
    assert list(result.report) == []
    made = output(result)
    assert made["passwd"]["users"] == [{"name": "core", "sshAuthorizedKeys": ["a", "b"]}]
    assert not made["storage"]["files"][0].get("contents")


def test_a_list_of_mappings_and_a_mapping_are_grafted_whole() -> None:
    write({"node.bu": HEAD + """vars:
  users: {type: [{name: string, "ssh_authorized_keys?": [string], "system?": bool}]}
passwd:
  users: ${{ users }}
"""})  # fmt: skip
    made = output(build(values={"users": data([{"name": "a", "ssh_authorized_keys": ["k"]}, {"name": "b", "system": True}])}))
    assert made["passwd"]["users"] == [{"name": "a", "sshAuthorizedKeys": ["k"]}, {"name": "b", "system": True}]


def test_defaults_name_other_variables() -> None:
    write({"node.bu": HEAD + """vars:
  fqdn: {type: hostname, default: "${{ host_ }}.${{ domain }}"}
  host_: hostname
  domain: {type: hostname, default: lab.example}
  all: {type: [string], default: ["${{ fqdn }}", x]}
  same: {type: [string], default: "${{ all }}"}
  none: {type: string, default: "${{ nil }}"}
  nil: {type: string, default: null}
storage: {files: [{path: /f, contents: {inline: '${{ same | join(" ") }} ${{ none | default("-") }}'}}]}
"""})  # fmt: skip
    assert contents(build(values={"host_": var("n1")}), "/f") == "n1.lab.example x -"


def test_defaults_that_name_each_other() -> None:
    write({"node.bu": HEAD + 'vars:\n  a: {type: string, default: "${{ b }}"}\n  b: {type: string, default: "${{ c }}"}\n  c: {type: string, default: "x${{ a }}"}\n'})
    result = build()
    assert spots(result.report) == [("var-cycle", "node.bu:4:3", "node.bu:5:3", "node.bu:6:3")]
    assert next(iter(result.report)).message == "`a` needs `b`, which needs `c`, which needs `a`"
    assert build(values={"b": var("1")}).output is not None


def test_host_is_there_with_an_inventory() -> None:
    write({"node.bu": HEAD + 'vars: {}\nstorage: {files: [{path: /f, contents: {inline: \'${{ host.name }} ${{ host.groups | join(",") }}\'}}]}\n'})
    assert contents(build(host=HostFacts("n1", ("web", "prod"), Place((), 3, 5, "hosts.yaml"))), "/f") == "n1 web,prod"


def test_references_behind_aliases_and_merge_keys() -> None:
    write({"node.bu": HEAD + """vars: {a: string}
x-base: &base {mode: 0600, contents: {inline: "${{ a }}"}}
storage:
  files:
    - {path: /one, <<: *base}
    - &two {path: "/${{ a }}", mode: 0644}
  directories: [{path: &p "/d/${{ a }}"}]
  links: [{path: /l, target: *p}]
"""})  # fmt: skip
    result = build(values={"a": var("A")}, allow_extensions=True)
    made = output(result)["storage"]
    assert [file["path"] for file in made["files"]] == ["/one", "/A"]
    assert made["links"][0]["target"] == "/d/A"
    assert made["files"][0]["contents"]["source"] == "data:,A"


def test_an_alias_that_contains_itself_ends_with_a_report() -> None:
    write({"node.bu": HEAD + "vars: {a: string}\nstorage: &s\n  files:\n    - path: ${{ a }}\n    - *s\n"})
    assert build(values={"a": var("/x")}).output is None


def test_deep_nesting_ends_with_a_report() -> None:
    write({"node.bu": HEAD + "vars: {a: string}\nx: " + "[" * 900 + "'${{ a }}'" + "]" * 900 + "\n"})
    assert [entry.code for entry in build(values={"a": var("1")}).report] == ["var-syntax"]


def test_payload_files() -> None:
    write({
        "node.bu": HEAD + """vars: {a: string}
storage:
  files:
    - {path: /one, contents: {local: one, interpolate: true}}
    - {path: /two, contents: {local: one}}
    - {path: /three, contents: {local: one, interpolate: false}}
  trees:
    - {local: t, path: /t, interpolate: ["**/*.conf", "top*"]}
systemd:
  units:
    - name: a.service
      contents_local: unit
      interpolate: true
      dropins: [{name: b.conf, contents_local: unit, interpolate: true}]
""",
        "one": "one ${{ a }} ${A}\n", "t/x/y/z.conf": "z ${{ a }}", "t/top.conf": "t ${{ a }}", "t/x/top": "x ${{ a }}", "t/b": b"\xff${{ a }}", "t/topics": "${{ a }}",
        "unit": "[Unit]\nDescription=${{ a }}\n",
    })  # fmt: skip
    result = build(values={"a": var("A")}, files_dir=".")
    assert [contents(result, path) for path in ("/one", "/two", "/three")] == ["one A ${A}\n", "one ${{ a }} ${A}\n", "one ${{ a }} ${A}\n"]
    assert [contents(result, f"/t/{path}") for path in ("x/y/z.conf", "top.conf", "x/top", "topics")] == ["z A", "t A", "x ${{ a }}", "A"]
    unit = output(result)["systemd"]["units"][0]
    assert (unit["contents"], unit["dropins"][0]["contents"]) == ("[Unit]\nDescription=A\n",) * 2


def test_interpolate_is_a_key_of_builds_only() -> None:
    text = HEAD + "storage:\n  files:\n    - {path: /a, contents: {inline: x, interpolate: true}}\n"
    (entry,) = compile_source(text.encode(), "a.bu", Options()).report
    assert (entry.code, entry.hint) == ("unused-key", "compile with butane-py build")
    for key in ("vars", "include"):
        (entry,) = compile_source(f"{HEAD}{key}: []\n".encode(), "a.bu", Options()).report
        assert (entry.code, entry.hint) == ("unused-key", "compile with butane-py build")


@pytest.mark.subprocess
@pytest.mark.parametrize("text", ["", "a", "a b", "a'b", 'a"b$HOME`x`\\', "$(x)\n;|&", "é%i"])
def test_sh_makes_one_word_for_the_shell(text: str) -> None:
    write({"node.bu": HEAD + "vars: {a: string}\nstorage: {files: [{path: /f, contents: {inline: \"printf '%s\\\\0' ${{ a | sh }}\"}}]}\n"})
    script = contents(build(values={"a": var(text)}), "/f")
    assert subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout == text.encode() + b"\0"


@pytest.mark.parametrize(("text", "word"), [("a b", '"a b"'), ("100%", '"100%%"'), ('a"b\\', '"a\\"b\\\\"'), ("a\nb\t", '"a\\nb\\t"'), ("", '""')])
def test_unit_makes_one_word_of_a_unit_file(text: str, word: str) -> None:
    assert unit_word(text) == word


def test_whole_values_equal_the_same_values_written_out() -> None:
    """0644 in a variable is 0644 in the config: same output, same warnings."""
    for written in ("0644", "644", "0o644", "1_000", "0x1a4"):
        plain: Any = compile_source(f"{HEAD}storage:\n  files:\n    - path: /a\n      mode: {written}\n".encode(), "a.bu", Options())
        write({"node.bu": f"{HEAD}vars: {{m: int}}\nstorage:\n  files:\n    - path: /a\n      mode: ${{{{ m }}}}\n"})
        built = build(values={"m": var(written)})
        assert (built.output, [entry.code for entry in built.report]) == (plain.output, [entry.code for entry in plain.report])
