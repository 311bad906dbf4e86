"""Reports about the output stand at the YAML that made it: sugar, local files, entries without anything in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.render import raw

ROLE = "metadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\n"


def places(text: str, files_dir: Path | None = None) -> list[tuple[str, str, int, int]]:
    """(code, path, line, column) of every entry of the report."""
    report = compile_source(text.encode(), "x", Options(str(files_dir) if files_dir else None)).report
    shown = [line.split(": ")[0].partition(" at ")[2] for line in raw(report).splitlines()]
    return [
        (entry.code, where.split(",")[0], entry.place.line, entry.place.column) for entry, where in zip(report, shown, strict=True)
    ]


def test_a_key_given_twice_stands_at_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "one.pub").write_text("a\r\nb\n")
    (tmp_path / "two.pub").write_text("c\nb\na\n")
    user = "variant: fcos\nversion: 1.5.0\npasswd:\n  users:\n    - name: core\n      ssh_authorized_keys_local:\n        - one.pub\n        - two.pub\n"
    assert places(user, tmp_path) == [("duplicate", "$.passwd.users.0.ssh_authorized_keys_local.1", 8, 11)]
    own = user.replace("      ssh_authorized_keys_local", "      ssh_authorized_keys: [c, c]\n      ssh_authorized_keys_local")
    assert places(own, tmp_path) == [
        ("duplicate", "$.passwd.users.0.ssh_authorized_keys.1", 6, 32),
        ("duplicate", "$.passwd.users.0.ssh_authorized_keys_local.1", 9, 11),
    ]


def test_a_wrong_owner_of_a_tree_stands_at_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("x")
    tree = "variant: fcos\nversion: 1.8.0-experimental\nstorage:\n  trees:\n    - local: tree\n      group: {id: 1, name: a}\n"
    assert set(places(tree, tmp_path)) == {("owner-id-and-name", "$.storage.trees.0", 5, 7)}


@pytest.mark.parametrize(("entry", "known"), [("{}", False), ("{number: 0}", False), ("{resize: false}", True)])
def test_an_entry_with_nothing_in_it_has_no_place_in_a_machine_config(entry: str, known: bool) -> None:
    text = f"variant: openshift\nversion: 4.8.0\n{ROLE}storage:\n  disks:\n    - device: /dev/a\n      partitions:\n        - {entry}\n"
    found = ("$.storage", 8, 11) if known else ("$.spec.config.storage", 1, 1)
    assert places(text) == [("partition-unnamed", f"{found[0]}.disks.0.partitions.0", *found[1:])]


@pytest.mark.parametrize(("version", "unit"), [("1.3.0", "a.mount"), ("1.4.0", "dev-b.swap")])
def test_swap_units_came_with_ignition_3_3(version: str, unit: str) -> None:
    text = f"variant: fcos\nversion: {version}\nstorage:\n  filesystems:\n    - {{device: /dev/b, format: swap, path: /a, with_mount_unit: true}}\n"
    output = compile_source(text.encode(), "x", Options()).output
    assert output is not None
    assert f'"name":"{unit}"' in output


@pytest.mark.parametrize("text", ["variant: fcos\n", "variant: fcos\nversion: null\n", "[]", "", "{"])
def test_what_the_reference_gives_no_place_has_a_line(text: str) -> None:
    (entry,) = places(text)
    assert entry[1] in ("$", "$.version")
    assert entry[2]


def test_after_a_null_item_the_text_of_another_item_is_looked_at() -> None:
    text = (
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - null\n    - path: /a\n      user: {id: 1}\n"
        "    - path: /b\n      mode: 0644\n"
    )
    assert places(text) == [("not-checked", "$.storage.files.0", 5, 7)]
    assert places(text.replace("id: 1", "it: 1")) == [
        ("not-checked", "$.storage.files.0", 5, 7),
        ("unused-key", "$.storage.files.1.user.it", 7, 14),
    ]


def test_a_key_that_is_written_in_base64_is_looked_for_as_it_is_written() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{!!binary cGF0aA==: /a}]}\n"
    assert places(text) == [("unused-key", "$.storage.files.0.cGF0aA==", 3, 20)]


def test_the_null_source_of_spec_3_0_stands_where_sources_stand() -> None:
    text = "variant: fcos\nversion: 1.0.0\nignition: {config: {merge: [{verification: {hash: sha512-" + "c" * 128 + "}}]}}\n"
    output = compile_source(text.encode(), "x", Options()).output
    assert output is not None
    assert '"merge":[{"source":null,"verification":{' in output


@pytest.mark.parametrize(("version", "key"), [("1.0.0", "inline"), ("1.1.0", "source")])
def test_two_sources_of_contents(version: str, key: str) -> None:
    text = f"variant: fcos\nversion: {version}\nstorage: {{files: [{{path: /a, contents: {{inline: a, source: 'data:,b'}}}}]}}\n"
    assert [entry[:2] for entry in places(text)] == [("sources-too-many", f"$.storage.files.0.contents.{key}")]


def test_a_quadlet_that_cannot_be_read_takes_its_place(tmp_path: Path) -> None:
    text = (
        "variant: fcos\nversion: 1.8.0-experimental\nsystemd:\n  quadlets:\n"
        "    - {name: a.container, contents_local: missing}\n    - {name: a.container, contents: x}\n"
    )
    assert [entry[:2] for entry in places(text, tmp_path)] == [
        ("local-file", "$.systemd.quadlets.0.contents_local"),
        ("node-exists", "$.systemd.quadlets.1"),
    ]


@pytest.mark.parametrize(
    ("row", "role", "path", "line"),
    [("openshift\nversion: 4.14.0", ROLE, "$.storage.disks.2.partitions.0.label", 6), ("fcos\nversion: 1.5.0", "", "$.storage.disks.0.partitions.0.label", 5)],
)
def test_reserved_partitions_beside_a_mirror(row: str, role: str, path: str, line: int) -> None:
    """In a MachineConfig the reference looks the path of the output up in the YAML."""
    text = (
        f"variant: {row}\n{role}storage:\n  disks:\n    - {{device: /dev/c, partitions: [{{label: boot}}]}}\n"
        "boot_device: {layout: x86_64, mirror: {devices: [/dev/a, /dev/b]}}\n"
    )
    assert [entry[:3] for entry in places(text) if entry[0] == "partition-reserved"] == [("partition-reserved", path, line)]


def test_virtiofs_is_what_the_reference_does_not_know_yet() -> None:
    text = "variant: fcos\nversion: 1.8.0-experimental\nstorage:\n  filesystems:\n    - {device: share, format: virtiofs, label: a, path: /a}\n"
    assert {entry[:2] for entry in places(text)} == {
        ("path-relative", "$.storage.filesystems.0.device"),
        ("format-unknown", "$.storage.filesystems.0.format"),
    }
    at_boot = compile_source(text.replace("label: a, ", "").encode(), "x", Options(at_boot=True))
    assert at_boot.output is not None


def test_the_null_source_of_a_replacing_config() -> None:
    text = "variant: fcos\nversion: 1.0.0\nignition: {config: {replace: {verification: {hash: sha512-" + "c" * 128 + "}}}}\n"
    output = compile_source(text.encode(), "x", Options()).output
    assert output is not None
    assert '"replace":{"source":null,"verification":{' in output
