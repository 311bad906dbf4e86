"""Inventories beside Ansible itself: which hosts a pattern selects, which value of a variable counts, what `ansible-inventory` prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.inventory.model import Inventory
from butane_py.fleet.precedence import host_values
from butane_py.fleet.selection import LimitError, limited
from butane_py.fleet.values import plain

ansible = pytest.importorskip("ansible")
pytestmark = pytest.mark.subprocess  # Ansible runs ldconfig when it is imported
GROUPS = ["web", "web2", "db", "prod", "w-x"]
HOSTS = ["n1", "n2", "n10", "web1", "db.lab", "edge"]


def theirs(path: Path) -> Any:
    """Ansible's own reading of an inventory file."""
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader

    return InventoryManager(DataLoader(), [str(path)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ansible")


# A group is put only into one that stands before it in the list, so no tree is a circle.
_VARS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9), max_size=2)
_TREES = st.fixed_dictionaries({
    name: st.fixed_dictionaries({
        "vars": _VARS,
        "priority": st.none() | st.integers(-2, 3),
        "hosts": st.dictionaries(st.sampled_from(HOSTS), _VARS, max_size=3),
        "children": st.sets(st.sampled_from(GROUPS[number + 1 :]), max_size=2) if number + 1 < len(GROUPS) else st.just(set()),
    })
    for number, name in enumerate(GROUPS)
})  # fmt: skip


def as_yaml(tree: dict[str, Any], all_vars: dict[str, int]) -> str:
    """The tree as JSON, which is YAML. Hosts of all come first, so that both readings have an order to agree on."""
    groups = {
        name: {
            "vars": {**group["vars"], **({"ansible_group_priority": group["priority"]} if group["priority"] is not None else {})},
            "hosts": group["hosts"],
            "children": dict.fromkeys(sorted(group["children"])),
        }
        for name, group in tree.items()
    }
    return json.dumps({"all": {"vars": all_vars, "hosts": dict.fromkeys(HOSTS)}, **groups})


def read(path: Path) -> Inventory:
    found = read_inventories([str(path)])
    assert not found.report.entries
    return found


@given(_TREES, _VARS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_the_value_that_counts_is_ansibles(folder: Path, tree: dict[str, Any], all_vars: dict[str, int]) -> None:
    from ansible.inventory.helpers import get_group_vars

    path = folder / "vars.yml"
    path.write_text(as_yaml(tree, all_vars))
    manager, ours = theirs(path), read(path)
    for name in HOSTS:
        host = manager._inventory.hosts[name]
        wanted = {key: str(value) for key, value in {**get_group_vars(host.get_groups()), **host.vars}.items() if len(key) == 1}
        assert {key: each.text for key, each in host_values(ours, ours.hosts[name], ()).items()} == wanted
        groups = {group.name for group in host.get_groups()} - {"all"}
        assert {group.name for group in ours.groups_of(ours.hosts[name])} == groups


_NAMES = st.sampled_from([*GROUPS, *HOSTS, "all", "ungrouped", "n*", "*1", "web?", "n[12]", "~n[0-9]$", "~.*d", "db*", "none", "w*"])
_SUBSCRIPTS = st.sampled_from(["", "", "", "[0]", "[-1]", "[0:1]", "[1:]", "[0:0]", "[1:0]", "[7]", "[1-2]"])
_PATTERNS = st.builds("{}{}{}".format, st.sampled_from(["", "", "&", "!"]), _NAMES, st.just(""))


def compare(folder: Path, tree: dict[str, Any], limit: str) -> None:
    from ansible.errors import AnsibleError

    path = folder / "limit.yml"
    path.write_text(as_yaml(tree, {}))
    manager = theirs(path)
    try:
        manager.subset(limit)
        wanted = {host.name for host in manager.get_hosts("all")}
    except AnsibleError:
        wanted = set()
    try:
        hosts, _ = limited(read(path), [limit])
        found = {host.name for host in hosts}
    except LimitError:
        found = set()
    assert found == wanted, limit


@given(_TREES, st.lists(_PATTERNS, min_size=1, max_size=4), st.sampled_from([",", ":", ", "]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_limits_are_ansibles(folder: Path, tree: dict[str, Any], patterns: list[str], between: str) -> None:
    compare(folder, tree, between.join(patterns))


@given(st.lists(st.builds("{}{}".format, _NAMES, _SUBSCRIPTS), min_size=1, max_size=3), st.sampled_from([",", ":"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_subscripts_are_ansibles(folder: Path, patterns: list[str], between: str) -> None:
    """With groups that have no groups in them: below those Ansible's own order changes from run to run."""
    tree = {
        name: {"vars": {}, "priority": None, "hosts": {host: {} for host in HOSTS[number : number + 3]}, "children": set()}
        for number, name in enumerate(GROUPS)
    }
    compare(folder, tree, between.join(patterns))


@pytest.mark.parametrize("limit", ["n1:22", "web:5", "fe80::1", "n[1:2]", "n1:", ":", "web:!n1:&prod", "web,!n1"])
def test_colons_that_separate_and_those_that_do_not(folder: Path, limit: str) -> None:
    tree = {
        name: {"vars": {}, "priority": None, "hosts": {"n1": {}, "web1": {}}, "children": set()} for name in GROUPS
    }
    compare(folder, tree, limit)


@pytest.mark.parametrize("more", [[], ["--export"]])
def test_what_ansible_inventory_prints(tmp_path: Path, more: list[str]) -> None:
    """The listing of a YAML inventory says what the file itself says."""
    path = tmp_path / "hosts.yml"
    path.write_text(
        "all:\n  vars: {gw: 10.0.0.1, mode: 0644}\n  children:\n    web:\n      vars: {role: web, gw: 10.0.0.2}\n"
        "      hosts: {'n[1:3]': {x: 1, t: !unsafe '{{ a }}'}}\n    db: {hosts: {n3: {l: [1, b]}}}\n"
    )
    tool = Path(sys.executable).with_name("ansible-inventory")
    command = [str(tool), "-i", str(path), "--list", *more]
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", "HOME": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, check=True, env=environment)
    (tmp_path / "list.json").write_bytes(ran.stdout)
    direct, listed = read(path), read(tmp_path / "list.json")
    assert sorted(listed.hosts) == ["n1", "n2", "n3"]
    for name in listed.hosts:
        found = [host_values(each, each.hosts[name], ()) for each in (direct, listed)]
        assert found[0].keys() == found[1].keys()
        for key in found[0].keys() - {"mode"}:
            assert plain(found[0][key]) == plain(found[1][key])
        groups = [{group.name for group in each.groups_of(each.hosts[name])} for each in (direct, listed)]
        assert groups[0] == groups[1]
