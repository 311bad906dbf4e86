"""Includes: what is read, with which values, in which order, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.fleet import HEAD, build, contents, data, output, spots, var, write

FILE = "storage:\n  files:\n    - path: /etc/b\n      mode: 0644\n"


def paths(result: object) -> list[str]:
    return [file["path"] for file in output(result)["storage"]["files"]]  # type: ignore[arg-type]  # a HostResult


def test_files_are_merged_from_left_to_right_the_including_one_last() -> None:
    write({
        "node.bu": HEAD + "include: [a.bu, b.bu]\nstorage: {files: [{path: /c, mode: 0600}, {path: /new}]}\n",
        "a.bu": "storage: {files: [{path: /a, mode: 0400}, {path: /b, mode: 0400}, {path: /c, mode: 0400}]}\n",
        "b.bu": "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /b, mode: 0500}, {path: /c, mode: 0500}]}\n",
    })  # fmt: skip
    made = output(build())
    assert made["ignition"] == {"version": "3.5.0"}
    assert [(file["path"], file.get("mode")) for file in made["storage"]["files"]] == [("/a", 0o400), ("/b", 0o500), ("/c", 0o600), ("/new", None)]


def test_a_fragment_has_the_variant_and_version_of_the_including_file() -> None:
    write({"node.bu": "variant: flatcar\nversion: 1.1.0\ninclude: [a.bu, b.bu, c.bu, d.bu]\n", "a.bu": FILE, "b.bu": "variant: flatcar\n" + FILE,
           "c.bu": "version: 1.1.0\n" + FILE, "d.bu": ""})  # fmt: skip
    result = build()
    assert list(result.report) == []
    assert output(result)["ignition"]["version"] == "3.4.0"


def test_each_with_as_and_when() -> None:
    write({
        "node.bu": HEAD + """vars:
  vlans: {type: [{id: int, name: string}]}
  big: {type: bool, default: false}
  role: {type: string, default: web}
include:
  - {path: "v/${{ vlan.name }}.bu", each: "${{ vlans }}", as: vlan, with: {mtu: 9000}, when: true}
  - {path: gone.bu, when: "${{ big }}"}
  - {path: item.bu, each: [1, 2]}
  - roles/${{ role }}.bu
""",
        "v/a.bu": "vars: {vlan: {type: {id: int, name: string}}, mtu: int}\nstorage: {files: [{path: '/v/${{ vlan.name }}', contents: {inline: '${{ vlan.id }} ${{ mtu }}'}}]}\n",
        "v/b.bu": "vars: {mtu: int}\nstorage: {files: [{path: '/b/${{ mtu }}'}]}\n",
        "item.bu": "vars: {item: int}\nstorage: {files: [{path: '/i/${{ item }}'}]}\n",
        "roles/web.bu": "storage: {files: [{path: /web}]}\n",
    })  # fmt: skip
    result = build(values={"vlans": data([{"id": 3, "name": "a"}, {"id": 4, "name": "b"}])})
    assert paths(result) == ["/v/a", "/b/9000", "/i/1", "/i/2", "/web"]
    assert contents(result, "/v/a") == "3 9000"


@pytest.mark.parametrize("count", [0, 1, 100])
def test_each_of_any_number(count: int) -> None:
    write({"node.bu": HEAD + 'vars: {l: [int]}\ninclude: [{path: i.bu, each: "${{ l }}"}]\nstorage: {files: [{path: /x}]}\n',
           "i.bu": "vars: {item: int}\nstorage: {files: [{path: '/i/${{ item }}'}]}\n"})  # fmt: skip
    assert paths(build(values={"l": data(list(range(count)))})) == [*(f"/i/{i}" for i in range(count)), "/x"]


def test_a_condition_that_does_not_hold_reads_nothing() -> None:
    write({"node.bu": HEAD + "include: [{path: secret.bu, when: false}]\n"})
    result = build()
    assert (result.output is not None, result.reads) == (True, ("node.bu",))


def test_optional_files_may_be_missing() -> None:
    write({"node.bu": HEAD + "include: [{path: site.bu, optional: true}]\n"})
    assert output(build()) == {"ignition": {"version": "3.5.0"}}
    write({"site.bu": FILE})
    assert paths(build()) == ["/etc/b"]


def test_a_module_has_its_own_files_directory() -> None:
    write({
        "node.bu": HEAD + "include: [{path: m/ne, with: {port: 9100}}]\n",
        "m/ne/module.bu": "vars: {port: {type: int, max: 65535}}\ninclude: [sub.bu]\nstorage: {files: [{path: /ne, contents: {local: conf, interpolate: true}}]}\n",
        "m/ne/conf": "port=${{ port }}", "m/ne/sub.bu": "vars: {port: int}\nstorage: {files: [{path: '/sub/${{ port }}', contents: {local: conf}}]}\n", "conf": "other",
    })  # fmt: skip
    result = build()
    assert (contents(result, "/ne"), contents(result, "/sub/9100")) == ("port=9100", "port=${{ port }}")
    assert set(result.reads) == {"node.bu", "m/ne/module.bu", "m/ne/sub.bu", os.path.realpath("m/ne/conf")}


def test_a_fragment_has_the_files_directory_of_the_including_file() -> None:
    write({"node.bu": HEAD + "include: [x/a.bu]\n", "x/a.bu": "storage: {files: [{path: /a, contents: {local: c}}]}\n", "files/c": "C"})
    assert contents(build(files_dir="files"), "/a") == "C"
    assert [entry.code for entry in build().report] == ["no-files-dir"]


def test_includes_may_lie_below_the_files_directory_of_the_command_line() -> None:
    write({"n/node.bu": HEAD + "include: [a.bu]\n", "n/a.bu": FILE, "files/x": ""})
    assert paths(build("n/node.bu", files_dir="files")) == ["/etc/b"]


def test_a_variable_has_one_value_in_all_files() -> None:
    write({
        "node.bu": HEAD + 'vars: {x: {type: int, default: 1}, y: int}\ninclude: [a.bu, {path: b.bu, with: {x: 7}}]\n',
        "a.bu": "vars: {x: {type: int, default: 2}, y: int, z: {type: int, default: 3}}\nstorage: {files: [{path: '/a/${{ x }}/${{ y }}/${{ z }}'}]}\n",
        "b.bu": "vars: {x: int}\ninclude: [c.bu]\nstorage: {files: [{path: '/b/${{ x }}'}]}\n",
        "c.bu": "vars: {x: int}\nstorage: {files: [{path: '/c/${{ x }}'}]}\n",
    })  # fmt: skip
    assert paths(build(values={"y": var("5")})) == ["/a/1/5/3", "/c/7", "/b/7"]
    assert paths(build(values={"y": var("5"), "x": var("9"), "z": var("8")})) == ["/a/9/5/8", "/c/7", "/b/7"]


def test_the_same_file_with_the_same_values_counts_once() -> None:
    write({
        "node.bu": HEAD + "include: [a.bu, b.bu, {path: base.bu, with: {n: 2}}, {path: base.bu, with: {n: 1}}]\n",
        "a.bu": "include: [{path: base.bu, with: {n: 1}}]\nstorage: {files: [{path: /base/1, mode: 0400}]}\n",
        "b.bu": "include: [{path: base.bu, with: {n: 1}}]\n",
        "base.bu": "vars: {n: int}\nstorage: {files: [{path: '/base/${{ n }}', mode: 0600}]}\n",
    })  # fmt: skip
    made = output(build())["storage"]["files"]
    assert [(file["path"], file["mode"]) for file in made] == [("/base/1", 0o400), ("/base/2", 0o600)]


def test_values_of_null_are_not_passed() -> None:
    write({"node.bu": HEAD + 'vars: {p: {type: string, default: null}}\ninclude: [{path: a.bu, with: {x: "${{ p }}"}}, "${{ p }}"]\n',
           "a.bu": "vars: {x: {type: string, default: d}}\nstorage: {files: [{path: '/${{ x }}'}]}\n"})  # fmt: skip
    assert paths(build()) == ["/d"]


def test_openshift_has_its_sections_in_the_main_file_alone() -> None:
    head = "variant: openshift\nversion: 4.18.0\nmetadata:\n  name: x\n  labels: {machineconfiguration.openshift.io/role: worker}\n"
    write({"node.bu": head + "include: [a.bu]\n", "a.bu": FILE.replace("0644", "0644\n      contents: {inline: x}")})
    result = build()
    assert list(result.report) == []
    assert result.output is not None
    assert "kind: MachineConfig" in result.output
    assert "/etc/b" in result.output


DISK = "storage:\n  disks:\n    - device: /dev/sda\n      partitions:\n        - {number: %d, label: %s}\n"
# The include entry (line 4, column 5), other files -> what is reported.
REFUSED: dict[str, tuple[str, dict[str, str], list[tuple[str, ...]]]] = {
    "missing": ("nope.bu", {}, [("include-missing", "node.bu:4:5")]),
    "absolute": ("/etc/passwd", {}, [("include-outside", "node.bu:4:5")]),
    "dots": ("../base.bu", {}, [("include-outside", "node.bu:4:5")]),
    "dots inside": ("a/../base.bu", {"a/x": ""}, [("include-outside", "node.bu:4:5")]),
    "no module": ("d", {"d/x": ""}, [("include-missing", "node.bu:4:5")]),
    "unknown key": ("{pth: base.bu}", {}, [("include-entry", "node.bu:4:6"), ("include-entry", "node.bu:4:5")]),
    "optional": ("{path: base.bu, optional: maybe}", {}, [("include-entry", "node.bu:4:31")]),
    "list": ("[base.bu]", {}, [("include-entry", "node.bu:4:5")]),
    "as alone": ("{path: base.bu, as: x}", {}, [("include-entry", "node.bu:4:25")]),
    "with a list": ("{path: base.bu, with: [a]}", {}, [("include-entry", "node.bu:4:27")]),
    "newer": ("n.bu", {"n.bu": "variant: fcos\nversion: 1.7.0\n"}, [("include-newer", "node.bu:4:5", "n.bu:2:10")]),
    "variant": ("n.bu", {"n.bu": "variant: flatcar\nversion: 1.1.0\n"}, [("include-variant", "node.bu:4:5", "n.bu:1:10")]),
    "section": ("n.bu", {"n.bu": "metadata: {name: x}\n"}, [("include-section", "node.bu:4:5", "n.bu:1:11")]),
    "condition": ("{path: base.bu, when: yes}", {}, [("include-when", "node.bu:4:27")]),
    "no list": ("{path: base.bu, each: 5}", {}, [("include-each", "node.bu:4:27")]),
    "unknown value": ("{path: v.bu, with: {prt: 1}}", {"v.bu": "vars: {port: int}\n"}, [("var-unknown", "node.bu:4:25")]),
    "wrong value": ("{path: v.bu, with: {port: x}}", {"v.bu": "vars: {port: int}\n"}, [("var-type", "node.bu:4:31", "v.bu:1:8")]),
    "itself": ("node.bu", {}, [("include-cycle", "node.bu:4:5")]),
    "two": ("a.bu", {"a.bu": "include: [b.bu]\n", "b.bu": "include: [a.bu]\n"}, [("include-cycle", "b.bu:1:11")]),
    "three": ("a.bu", {"a.bu": "include: [b.bu]\n", "b.bu": "include: [c.bu]\n", "c.bu": "include: [a.bu]\n"}, [("include-cycle", "c.bu:1:11")]),
    "17 deep": ("f1.bu", {f"f{i}.bu": f"include: [f{i + 1}.bu]\n" for i in range(1, 18)}, [("include-deep", "f16.bu:1:11")]),
    "no YAML": ("y.bu", {"y.bu": "storage:\n\tx\n"}, [("yaml", "y.bu:2:1")]),
    "a list": ("y.bu", {"y.bu": "- a\n"}, [("wrong-type", "y.bu:1:1")]),
    "mistakes": ("e.bu", {"e.bu": "storage:\n  files:\n    - path: rel\n      mode: 644\n"}, [("mode-decimal", "e.bu:4:13"), ("path-relative", "e.bu:3:13")]),
    "undeclared": ("v.bu", {"v.bu": "vars: {}\nstorage:\n  files:\n    - path: /${{ y }}\n"}, [("var-undeclared", "v.bu:4:18")]),
    "no value": ("v.bu", {"v.bu": "vars:\n  y: string\n"}, [("var-missing", "v.bu:2:3")]),
    "after merging": ("p.bu\n  - q.bu", {"p.bu": DISK % (1, "a"), "q.bu": DISK % (2, "a")}, [("partition-label-twice", "q.bu:5:11", "p.bu:5:30")]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    entry, files, expected = REFUSED[case]
    write({"node.bu": f"{HEAD}include:\n  - {entry}\n", "base.bu": FILE, **files})
    result = build()
    assert (result.output, spots(result.report)) == (None, expected)


def test_sixteen_files_deep_is_allowed() -> None:
    write({"node.bu": HEAD + "include: [f1.bu]\n", **{f"f{i}.bu": f"include: [f{i + 1}.bu]\n" for i in range(1, 16)}, "f16.bu": FILE})
    assert paths(build()) == ["/etc/b"]


def test_a_cycle_shows_its_chain() -> None:
    write({"node.bu": HEAD + "include: [a.bu]\n", "a.bu": "include: [b.bu]\n", "b.bu": "include: [c.bu]\n", "c.bu": "include: [a.bu]\n"})
    assert next(iter(build().report)).message == "a.bu includes b.bu, which includes c.bu, which includes a.bu"


def test_conditions_and_lists_of_wrong_types_name_the_value() -> None:
    write({"node.bu": HEAD + 'vars: {x: {type: string, default: "true"}}\ninclude:\n  - {path: b.bu, when: "${{ x }}"}\n  - {path: b.bu, each: "${{ x }}"}\n'})
    assert spots(build().report) == [("include-when", "node.bu:5:24", "node.bu:3:35"), ("include-each", "node.bu:6:24", "node.bu:3:35")]


def test_two_files_that_declare_different_types() -> None:
    write({"node.bu": HEAD + "vars: {x: {type: int, default: 3}}\ninclude: [v.bu, {path: w.bu, with: {x: a}}]\n", "v.bu": "vars:\n  x: string\n", "w.bu": "vars: {x: string}\n"})
    assert spots(build().report) == [("var-conflict", "v.bu:2:3", "node.bu:3:8")]


def test_all_files_report_in_one_run() -> None:
    bad = "storage:\n  files:\n    - path: %s\n"
    write({"node.bu": HEAD + "include: [a.bu, b.bu]\n" + bad % "m", "a.bu": bad % "a", "b.bu": bad % "b"})
    assert {entry.place.source for entry in build().report} == {"node.bu", "a.bu", "b.bu"}


@pytest.mark.parametrize("target", ["outside/x.bu", "nothing"])
def test_symbolic_links_may_not_lead_out(target: str, tmp_path: Path) -> None:
    write({"in/node.bu": HEAD + "include: [l.bu]\n", "outside/x.bu": FILE, "in/inner.bu": FILE})
    Path("in/l.bu").symlink_to(tmp_path / target)
    assert [entry.code for entry in build("in/node.bu").report] == ["include-outside"]
    Path("in/l.bu").unlink()
    Path("in/l.bu").symlink_to("inner.bu")
    assert paths(build("in/node.bu")) == ["/etc/b"]


def test_a_link_of_a_module_may_not_lead_out_of_it() -> None:
    write({"node.bu": HEAD + "include: [m]\n", "m/x": "", "other.bu": FILE})
    Path("m/module.bu").symlink_to("../other.bu")
    assert spots(build().report) == [("include-outside", "node.bu:3:11")]


def test_pipes_and_files_that_may_not_be_read() -> None:
    os.mkfifo("f.bu")
    write({"node.bu": HEAD + "include: [f.bu]\n"})
    (entry,) = build().report
    assert (entry.code, entry.message) == ("include-missing", "f.bu cannot be read: is not a regular file, or a very large one")


def test_silencing_comments_count_in_their_own_file() -> None:
    write({"node.bu": HEAD + "include: [a.bu]\n", "a.bu": "storage:\n  files:\n    - path: /a\n      mode: 644  # butane-py: ignore[mode-decimal]\n"})
    assert list(build().report) == []
    write({"node.bu": HEAD + "# butane-py: ignore-file\ninclude: [a.bu]\n", "a.bu": "storage:\n  files:\n    - path: /a\n      mode: 644\n"})
    assert spots(build().report) == [("mode-decimal", "a.bu:4:13")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("vars: {x: {type: {\"*\": int}, default: {a: 1, a: 2}}}\n", "var-declaration"),
        ("vars: {x: {type: {\"*\": int}, default: {[a]: 1}}}\n", "var-declaration"),
        ("include: [{path: b.bu, each: [{a: 1, a: 2}]}]\n", "include-each"),
        ("include: [{path: b.bu, with: {x: {a: 1, a: 2}}}]\n", "include-entry"),
        ("vars: {x: {type: [int], default: &a [*a]}}\n", "var-declaration"),
    ],
)
def test_values_that_are_no_values_are_reported(text: str, code: str) -> None:
    write({"node.bu": HEAD + text, "b.bu": "vars: {item: {type: {\"*\": int}}, x: {type: {\"*\": int}, default: {}}}\n"})
    result = build()
    assert (result.output, code in [entry.code for entry in result.report]) == (None, True)
