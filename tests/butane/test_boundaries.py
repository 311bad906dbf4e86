"""Second branches and boundaries of the sugar and of what it is written with, each beside its neighbour.

Expected results are those of Butane 0.29.0, measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import butane_py

ROLE = "metadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"


def compiled(body: str, row: str = "fcos 1.8.0-experimental", **settings: Any) -> Any:
    variant, _, version = row.partition(" ")
    result = butane_py.compile(f"variant: {variant}\nversion: {version}\n{body}", **settings)
    assert result.output is not None, [entry.raw() for entry in result.report]
    return json.loads(result.output)


def codes(body: str, row: str = "fcos 1.8.0-experimental", **settings: Any) -> list[str]:
    variant, _, version = row.partition(" ")
    return [entry.code for entry in butane_py.compile(f"variant: {variant}\nversion: {version}\n{body}", **settings).report]


@pytest.mark.parametrize(
    ("device", "remote"),
    [("/dev/mapper/data", True), ("/dev/disk/by-id/dm-name-data", True), ("/dev/mapper/data2", False), ("/dev/disk/by-label/data", False)],
)
@pytest.mark.parametrize("tang", [True, False])
def test_a_volume_of_a_tang_server_is_mounted_with_the_network(device: str, remote: bool, tang: bool) -> None:
    clevis = "tang: [{url: http://t.example, thumbprint: x}]" if tang else "tpm2: true"
    (unit,) = compiled(
        f"storage:\n  luks: [{{name: data, device: /dev/a, clevis: {{{clevis}}}}}]\n"
        f"  filesystems: [{{device: {device}, path: /var/data, format: xfs, with_mount_unit: true}}]\n"
    )["systemd"]["units"]
    assert ("_netdev" in unit["contents"]) == (remote and tang)
    assert ("remote-fs.target" in unit["contents"]) == (remote and tang)


@pytest.mark.parametrize(("mode", "result"), [(0o644, 0o644), (0o744, 0o755), (0o654, 0o755), (0o645, 0o755), (0o600, 0o644)])
def test_a_file_of_a_tree_that_anybody_may_execute(mode: int, result: int, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_text("a")
    (tmp_path / "tree/a").chmod(mode)
    (file,) = compiled("storage:\n  trees: [{local: tree}]\n", files_dir=str(tmp_path))["storage"]["files"]
    assert file["mode"] == result


@pytest.mark.parametrize("kind", ["files", "directories", "links"])
@pytest.mark.parametrize(("name", "refused"), [("web@.container", True), ("web@a.container", True), ("web@b.container", False)])
def test_a_quadlet_over_a_path_that_is_taken(kind: str, name: str, refused: bool) -> None:
    more = ", target: /t" if kind == "links" else ""
    quadlets = "systemd:\n  quadlets:\n    - {name: web@.container, contents: '[Container]'}\n    - {name: web@a.container}\n"
    body = f"storage:\n  {kind}: [{{path: /etc/containers/systemd/users/{name}{more}}}]\n{quadlets}"
    result = butane_py.compile(f"variant: fcos\nversion: 1.8.0-experimental\n{body}")
    assert (result.output is None) == refused


@pytest.mark.parametrize(
    ("size", "text"), [(999_999, "999999"), (1_000_000, "1e+06"), (1_234_567, "1.234567e+06"), (10_000_001, "1.0000001e+07")]
)
def test_numbers_of_a_machine_config(size: int, text: str) -> None:
    body = f"{ROLE}storage:\n  disks: [{{device: /dev/a, partitions: [{{label: a, size_mib: {size}}}]}}]\n"
    result = butane_py.compile(f"variant: openshift\nversion: 4.22.0\n{body}")
    assert result.output is not None
    assert f"sizeMiB: {text}\n" in f"{result.output}\n"


@pytest.mark.parametrize(("version", "refused"), [("4.8.0", True), ("4.12.0", True), ("4.13.0", False), ("4.22.0", False)])
def test_password_hashes_came_to_openshift_with_4_13(version: str, refused: bool) -> None:
    body = f"{ROLE}passwd:\n  users: [{{name: core, password_hash: $6$x}}]\n"
    assert (butane_py.compile(f"variant: openshift\nversion: {version}\n{body}").output is None) == refused


@pytest.mark.parametrize(
    ("text", "date"),
    [("2000-02-29", True), ("1900-02-29", False), ("2023-02-29", False), ("2024-02-29", True), ("2024-02-30", False), ("2024-13-01", False)],
)
def test_a_timestamp_is_a_day_that_exists(text: str, date: bool) -> None:
    body = f"storage:\n  files: [{{path: /a, contents: {{inline: !!timestamp {text}}}}}]\n"
    assert bool(codes(body)) != date
