"""Inventories of every format: hosts, groups, variables with their places, and what is wrong with hostile ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from butane_py.fleet.inventory import document, read_inventories
from butane_py.fleet.inventory.model import Inventory
from butane_py.fleet.inventory.names import RangeError, expanded
from butane_py.fleet.precedence import host_values
from butane_py.fleet.values import QUOTED
from ignition_py.report.diag import ConfigError


def inventory(folder: Path, text: str, name: str = "hosts.yaml") -> Inventory:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_inventories([str(path)])


def texts(found: Inventory, host: str) -> dict[str, str]:
    """The values of a host that count, as they are written."""
    return {name: value.text for name, value in host_values(found, found.hosts[host], ()).items()}


def problems(found: Inventory) -> list[tuple[str, int, int, str]]:
    return [(each.code, each.place.line, each.place.column, each.message) for each in found.report]


def refusal(folder: Path, text: str, name: str = "hosts.yaml") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        inventory(folder, text, name)
    return caught.value


ANSIBLE = """\
all:
  vars: {gateway: 10.0.0.1, mode: 0644}
  hosts:
    nas: {address: 10.0.0.10/24, ansible_host: nas.lan}
  children:
    prod:
      children: {workers: }
    workers:
      vars: {role: worker, gateway: 10.0.1.1}
      hosts:
        n[01:03]: {disk: vda}
        n02: {disk: vdb}
    early:
      vars: {role: early, ansible_group_priority: -1}
      hosts: {n01: }
"""


def test_ansible_yaml(tmp_path: Path) -> None:
    found = inventory(tmp_path, ANSIBLE)
    assert list(found.hosts) == ["nas", "n01", "n02", "n03"]
    assert not found.report.entries
    assert texts(found, "nas") == {"gateway": "10.0.0.1", "mode": "0644", "address": "10.0.0.10/24"}
    assert texts(found, "n01") == {"gateway": "10.0.1.1", "mode": "0644", "role": "worker", "disk": "vda"}
    assert texts(found, "n02")["disk"] == "vdb"
    assert [group.name for group in found.groups_of(found.hosts["n01"])] == ["early", "prod", "workers"]
    value = host_values(found, found.hosts["n02"], ())["disk"]
    assert (value.place.source, value.place.line, value.place.column) == (str(tmp_path / "hosts.yaml"), 12, 21)
    assert value.overrides is not None
    assert (value.overrides.text, value.overrides.place.line) == ("vda", 11)


LISTING = {
    "_meta": {"hostvars": {"a": {"x": 1, "text": {"__ansible_unsafe": "{{ as it is }}"}}, "b": {"x": "0644"}}},
    "all": {"children": ["ungrouped", "web"]},
    "web": {"hosts": ["a", "b"], "vars": {"role": "web"}},
    "old": ["b"],
}


def test_ansible_json(tmp_path: Path) -> None:
    found = inventory(tmp_path, json.dumps(LISTING, indent=4), "inventory.json")
    assert texts(found, "a") == {"x": "1", "text": "{{ as it is }}", "role": "web"}
    assert texts(found, "b") == {"x": "0644", "role": "web"}
    assert [group.name for group in found.groups_of(found.hosts["b"])] == ["old", "web"]
    assert host_values(found, found.hosts["b"], ())["x"].style == QUOTED  # whatever it looks like


def test_csv(tmp_path: Path) -> None:
    found = inventory(tmp_path, '\ufeffname,mac, "text" ,groups\nr1,52:54,"a ""b""\nc",web;db\r\n\n r2 , 1 ,,\n', "hosts.csv")
    assert texts(found, "r1") == {"mac": "52:54", "text": 'a "b"\nc'}
    assert texts(found, "r2") == {"mac": "1"}
    assert sorted(group.name for group in found.groups_of(found.hosts["r1"])) == ["db", "web"]
    place = found.hosts["r1"].vars["text"][-1].value().place
    assert (place.line, place.column, place.end_line, place.end_column) == (2, 11, 3, 2)
    assert (found.hosts["r2"].place.line, found.hosts["r2"].place.column) == (5, 2)


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "a", "x": 1, "groups": ["web"]}, {"host": "b"}]',
        "- name: a\n  x: 1\n  groups: [web]\n- {host: b}\n",
        "a: {x: 1, groups: [web]}\nb:\n",
        '{"hosts": {"sensitive": false, "type": ["map"], "value": {"a": {"x": 1, "groups": ["web"]}, "b": {}}}}',
    ],
)
def test_lists_maps_and_outputs(tmp_path: Path, text: str) -> None:
    found = inventory(tmp_path, text)
    assert list(found.hosts) == ["a", "b"]
    assert texts(found, "a") == {"x": "1"}
    assert [group.name for group in found.groups_of(found.hosts["a"])] == ["web"]


def test_one_output_of_several(tmp_path: Path) -> None:
    path = tmp_path / "tf.json"
    path.write_text(
        json.dumps({
            "vpc": {"sensitive": False, "type": "string", "value": "vpc-1"},
            "hosts": {"sensitive": True, "type": [], "value": [{"name": "a", "token": "s3cret"}]},
        })
    )  # fmt: skip
    found = read_inventories([f"{path}#hosts"])
    assert found.hosts["a"].vars["token"][-1].secret
    for name, message in ((str(path), "several outputs: vpc, hosts"), (f"{path}#x", "no output x"), (f"{path}#vpc", "neither a list of objects")):
        with pytest.raises(ConfigError, match=message):
            read_inventories([name])


def test_a_key_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_text("site: x\nnodes: [{name: a}]\n")
    assert list(read_inventories([f"{path}#nodes"]).hosts) == ["a"]
    with pytest.raises(ConfigError) as caught:
        read_inventories([str(path)])
    assert caught.value.hint == f"if the hosts are in it: {path}#nodes"


def test_later_files_override(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,x,groups\nn1,1,web\n")
    (tmp_path / "b.yaml").write_text("web: {vars: {y: 2}, hosts: {n1: {x: 3}, n2: }}\n")
    found = read_inventories([str(tmp_path / "a.csv"), str(tmp_path / "b.yaml")])
    assert texts(found, "n1") == {"x": "3", "y": "2"}
    assert texts(found, "n2") == {"y": "2"}
    assert [given.node.value for given in found.hosts["n1"].vars["x"]] == ["1", "3"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("n1", ["n1"]),
        ("n1:22", ["n1"]),
        ("n[1:3]", ["n1", "n2", "n3"]),
        ("n[08:10].x", ["n08.x", "n09.x", "n10.x"]),
        ("[a:c]", ["a", "b", "c"]),
        ("r[1:2]n[1:5:2]", ["r1n1", "r1n3", "r1n5", "r2n1", "r2n3", "r2n5"]),
        ("n[:2]", ["n0", "n1", "n2"]),
        ("[fe80::1]:22", ["fe80::1"]),
    ],
)
def test_ranges(pattern: str, names: list[str]) -> None:
    assert expanded(pattern, 100) == names


@pytest.mark.parametrize("pattern", ["n[1:]", "n[3:1]", "n[01:1]", "n[1:2:0]", "n[1:999999999999]", "n[1:50][1:50]", "n[a:3]", "n[c:a]"])
def test_ranges_that_are_none(pattern: str) -> None:
    with pytest.raises(RangeError):
        expanded(pattern, 100)


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "message"),
    [
        ("all:\n  hosts: {a: }\n  vras: {}\n", "inventory-syntax", 3, 3, "unknown key `vras` in the group all"),
        ("all: {hosts: {a: {x: 1, x: 2}}}\n", "inventory-syntax", 1, 25, "x is given twice"),
        ("all: {hosts: {a: 1}}\n", "inventory-syntax", 1, 18, "the variables of a are no mapping"),
        ("all: {hosts: {a: , a: }}\n", "inventory-host-twice", 1, 20, "a is given twice"),
        ("all: {hosts: {../x: }}\n", "inventory-name", 1, 15, "has a slash"),
        ("all: {hosts: {.x: }}\n", "inventory-name", 1, 15, "begins with a dot"),
        ("all: {hosts: {Web: , web: }}\n", "inventory-name", 1, 22, "web and Web are one name"),
        ('all: {hosts: {"a\\u00e9": , "ae\\u0301": }}\n', "inventory-name", 1, 28, "are one name"),
        ('all: {hosts: {"a\\nb": }}\n', "inventory-name", 1, 15, "cannot be printed"),
        ("all: {hosts: {" + "a" * 201 + ": }}\n", "inventory-name", 1, 15, "longer than 200 bytes"),
        ("all: {hosts: {? [a] : }}\n", "inventory-syntax", 1, 17, "a name is a text"),
        ("- {x: 1}\n", "inventory-name", 1, 3, "no `name`"),
        ("- {name: a}\n- {name: a}\n", "inventory-host-twice", 2, 10, "a is given twice"),
        ("a: {children: {b: {children: {a: }}}}\n", "inventory-syntax", 1, 16, "would be in itself"),
        ("all: {vars: {ansible_group_priority: x}}\n", "inventory-syntax", 1, 38, "is not a number"),
        ("all: {hosts: {a: {x: !vault 'abc'}}}\n", "inventory-syntax", 1, 22, "encrypted by Ansible Vault"),
        ("all: {hosts: {'n[1:2000000]': }}\n", "inventory-syntax", 1, 15, "more than 100,000 hosts"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(tmp_path: Path, text: str, code: str, line: int, column: int, message: str) -> None:
    [found] = problems(inventory(tmp_path, text))
    assert found[:3] == (code, line, column)
    assert message in found[3]


@pytest.mark.parametrize(
    ("name", "text", "line", "message", "hint"),
    [
        ("h.yaml", "", 0, "empty", ""),
        ("h.yaml", "just text\n", 1, "neither a list nor a mapping", ""),
        ("h.yaml", "plugin: amazon.aws.aws_ec2\n", 1, "plugin of Ansible", "ansible-inventory -i"),
        ("h", "[web]\nn1 x=1\n", 1, "looks like an inventory in INI", "ansible-inventory -i"),
        ("h.yaml", "a: {x: 1}\n---\nb: {}\n", 2, "second YAML document", ""),
        ("h.yaml", "# x\n---\na: {x: 1}\n---\n", 4, "second YAML document", ""),
        ("h.yaml", "a: [1\n", 1, "never closed", ""),
        ("h.json", '{"a": {"x": 1}\n', 1, "never closed", ""),
        ("h.yaml", "a: {x: &a [*a]}\n", 1, "contains itself", ""),
        ("h.csv", "name;x\nn1;2\n", 0, "no column `name` or `host`", "separated by commas"),
        ("h.csv", 'name,x\nn1,a"b"\n', 2, "a quote inside of a cell", ""),
        ("h.csv", "", 0, "there is nothing", ""),
        ("h.yaml", "a: " + "[" * 100 + "]" * 100 + "\n", 1, "nested more than 64 deep", ""),
        ("h.json", '{"a":' + "[" * 20_000 + "]" * 20_000 + "}", 1, "nested", ""),
    ],
)
def test_what_is_no_inventory(tmp_path: Path, name: str, text: str, line: int, message: str, hint: str) -> None:
    error = refusal(tmp_path, text, name)
    [entry] = error.report
    assert entry.code == "inventory-syntax"
    assert entry.place.line == line
    assert message in entry.message
    assert hint in entry.hint


def test_aliases_are_bounded(tmp_path: Path) -> None:
    text = "x0: &x0 {a: 1}\n" + "".join(
        f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 12)
    )
    assert "more than 4,000,000 values" in refusal(tmp_path, text).message


def test_aliases_and_merge_keys(tmp_path: Path) -> None:
    found = inventory(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n")
    assert [texts(found, name) for name in "abc"] == [{"x": "1", "y": "2"}, {"x": "1", "y": "3"}, {"x": "1", "y": "2"}]


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"name,x\n\xff,1\n", b"a: \x00\n"])
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes) -> None:
    for name in ("h.csv", "h.yaml", "h.json"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError):
            read_inventories([str(tmp_path / name)])


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (str(tmp_path / "none"), str(tmp_path), "a\0b"):
        with pytest.raises(ConfigError):
            read_inventories([name])
    monkeypatch.setattr(document, "MOST_BYTES", 1 << 20)
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        read_inventories(["/dev/zero"])


@pytest.mark.parametrize(
    "data", [{"k": "\U0001f600 \\ / \"x\""}, [1, -2.5e3, True, None, {}, []], {"a": {"b": [{"c": ""}, "\u00e9"]}}]
)
def test_nodes_of_json_say_what_the_text_says(data: Any) -> None:
    def plain(node: Any) -> Any:
        if node.kind == document.MAPPING:
            return {key.value: plain(value) for key, value in node.items}
        if node.kind == document.SEQUENCE:
            return [plain(item) for item in node.items]
        return json.loads(node.value) if node.plain else node.value

    for indent in (None, 2):
        root = document.json_nodes(json.dumps(data, indent=indent).encode())
        assert plain(root) == data
