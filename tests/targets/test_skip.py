"""`targets.NAME.skip`: what it may name, and that nothing it does not name is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers.targets import codes, emitted

CONFIG = """machine:
  hostname: node1
  sysctl: {a.b: 1, c.d: 2}
  kernel_modules: [{name: x}, {name: y}]
  proxy: {http: http://p, https: http://p}
kernel_arguments: {should_exist: [quiet, a.b=1]}
passwd:
  users: [{name: ops, admin: true, password_hash: $6$x, groups: [a]}, {name: dev, admin: true}]
  groups: [{name: g, gid: 7}]
storage:
  disks: [{device: /dev/sda, wipe_table: true, partitions: [{label: data, number: 1}]}]
  filesystems: [{device: /dev/disk/by-partlabel/data, format: ext4, path: /d, with_mount_unit: true}]
  files: [{path: /etc/a.conf, mode: 0600}, {path: /b}]
  links: [{path: /l, target: /b}]
systemd:
  units: [{name: app.service, contents: '[Unit]', dropins: [{name: a.conf, contents: '[Unit]'}]}]
  quadlets: [{name: web.container, contents: '[Container]'}]
"""


def compiled(skip: str) -> dict[str, Any]:
    result = emitted(f"{CONFIG}targets: {{fcos: {{skip: [{skip}]}}}}\n", "fcos")
    assert [entry.raw() for entry in result.report] == []
    data: dict[str, Any] = json.loads(result.output or "")
    return data


def leaves(value: Any) -> list[Any]:
    """Every text, number and truth value of a config, so that what a skip takes away can be told."""
    if isinstance(value, dict):
        return [each for key, below in sorted(value.items()) for each in leaves(below)]
    return [each for below in value for each in leaves(below)] if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("skip", "gone"),
    [
        ("machine.hostname", {"/etc/hostname"}),
        ("machine.sysctl", {"/etc/sysctl.d/90-butane.conf"}),
        ("machine.kernel_modules", {"/etc/modules-load.d/butane.conf"}),
        ("machine.proxy", {"/etc/systemd/system.conf.d/10-butane-proxy.conf"}),
        ("kernel_arguments.should_exist.a.b=1", {"a.b=1"}),
        ("kernel_arguments.should_exist.0", {"quiet"}),
        ("passwd.users.ops.password_hash", {"$6$x"}),
        ("passwd.users.password_hash", {"$6$x"}),
        ("passwd.users.ops", {"ops", "$6$x", "a"}),
        ("passwd.groups", {"g", 7}),
        ("storage.files./etc/a.conf", {"/etc/a.conf", 0o600}),
        ("storage.files./etc/a.conf.mode", {0o600}),
        ("storage.files.1", set()),
        ("storage.links", {"/l"}),
        ("storage.disks./dev/sda.partitions", {"data", 1}),
        ("storage.disks.wipe_table", set()),
        ("systemd.units.app.service", {"app.service", "a.conf"}),
        ("systemd.units.app.service.dropins", {"a.conf"}),
        ("systemd.quadlets.web.container", {"/etc/containers/systemd/users/web.container"}),
        ("storage.filesystems./dev/disk/by-partlabel/data.with_mount_unit", {"d.mount"}),
        ("storage.filesystems", {"d.mount", "ext4", "/dev/disk/by-partlabel/data", "/d"}),
    ],
)
def test_what_a_skip_takes_away(skip: str, gone: set[object]) -> None:
    before, after = set(map(str, leaves(compiled("")))), set(map(str, leaves(compiled(skip))))
    texts = {text for text in before - after if not text.startswith(("data:", "[Unit]", "# Generated"))}
    assert texts >= set(map(str, gone))
    assert len(leaves(compiled(skip))) < len(leaves(compiled("")))


def test_an_admin_that_is_none() -> None:
    assert "groups" not in compiled("passwd.users.dev.admin")["passwd"]["users"][1]
    assert compiled("passwd.users.dev.admin")["passwd"]["users"][0]["groups"] == ["a", "sudo"]


@pytest.mark.parametrize(
    "skip", ["storage.raid", "storage.files./etc/a", "systemd.units.app", "machine.timezone", "machine.nothing", "passwd.users.root", "nothing", "''", "storage.files.9", "machine.proxy.no_proxy"]
)
def test_a_skip_that_names_nothing(skip: str) -> None:
    result = emitted(f"{CONFIG}targets:\n  fcos:\n    skip:\n      - {skip}\n", "fcos")
    assert codes(result) == [("target-skip-unknown", CONFIG.count("\n") + 6)]


def test_skip_is_of_one_target_alone() -> None:
    result = emitted(f"{CONFIG}targets: {{fcos: {{skip: [storage.raid]}}}}\n", "flatcar")
    assert [entry.raw() for entry in result.report] == []
