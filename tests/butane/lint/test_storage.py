"""Rules of mounts, devices, owners and homes."""

from __future__ import annotations

import pytest

from tests.butane.lint.linted import codes, entries, unit

DISK = "storage:\n  disks:\n    - device: /dev/disk/by-id/a\n      wipe_table: true\n      partitions:\n"
DATA = DISK + "        - {label: data}\n"


def _filesystem(device: str, *more: str) -> str:
    lines = "".join(f"      {line}\n" for line in more)
    return f"  filesystems:\n    - device: {device}\n      format: ext4\n{lines}"


@pytest.mark.parametrize(
    ("device", "severities"),
    [
        ("/dev/disk/by-partlabel/data", []),
        ("/dev/disk/by-partlabel/dta", ["warning"]),
        ("/dev/disk/by-partlabel/Data", ["warning"]),
        ("/dev/disk/by-partlabel/root", []),
        ("/dev/disk/by-partlabel/unlike", ["info"]),
        ("/dev/disk/by-id/other", []),
        ("/dev/md/data", ["info"]),
        ("/dev/mapper/data", ["info"]),
        ("/dev/disk/by-id/dm-name-data", ["info"]),
    ],
)
def test_names_that_no_entry_makes(device: str, severities: list[str]) -> None:
    found = entries(DATA + _filesystem(device), select=("lint-device-unknown",))
    assert [entry.severity for entry in found] == severities
    if severities == ["warning"]:
        assert found[0].fix is not None and found[0].fix.replacement == "/dev/disk/by-partlabel/data"


def test_a_name_that_differs_by_a_number_is_another_ones() -> None:
    text = DISK + "        - {label: data1}\n" + _filesystem("/dev/disk/by-partlabel/data2")
    assert [entry.severity for entry in entries(text, select=("lint-device-unknown",))] == ["info"]


def test_arrays_and_volumes_make_names() -> None:
    text = (
        "storage:\n  raid:\n    - {name: vault, level: raid1, devices: [/dev/disk/by-id/a, /dev/disk/by-id/b]}\n"
        "  luks:\n    - {name: secret, device: /dev/md/vault, clevis: {tpm2: true}}\n"
    )
    assert codes(text + _filesystem("/dev/mapper/secret")) == []
    assert codes(text + _filesystem("/dev/disk/by-id/dm-name-secret")) == []
    assert codes(text.replace("/dev/md/vault", "/dev/md/vaul") + _filesystem("/dev/mapper/secre")) == ["lint-device-unknown"] * 2


def test_labels_with_blanks_are_escaped_by_udev() -> None:
    assert codes(DISK + "        - {label: a b}\n" + _filesystem(r"/dev/disk/by-partlabel/a\x20b")) == []


@pytest.mark.parametrize(
    ("device", "unstable"),
    [
        ("/dev/sdb1", True), ("/dev/sdb", True), ("/dev/vda1", True), ("/dev/xvdb", True), ("/dev/nvme1n1p2", True), ("/dev/md127", True),
        ("/dev/disk/by-label/sdb1", False), ("/dev/md/data", False), ("/dev/mapper/a", False), ("/dev/sdb1x", False),
    ],
)  # fmt: skip
def test_mounts_of_devices_that_change_their_names(device: str, unstable: bool) -> None:
    expected = ["lint-device-unstable"] if unstable else []
    select = ("lint-device-unstable",)
    assert codes("storage:\n" + _filesystem(device, "path: /var/a", "with_mount_unit: true"), select=select) == expected
    text = f"[Mount]\nWhat={device}\nWhere=/var/a\n[Install]\nWantedBy=local-fs.target\n"
    assert codes(unit("var-a.mount", text), select=select) == expected


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("var-lib-a.mount", "[Mount]\nWhere=/var/lib/a\nWhat=/dev/a", ""),
        ("var-lib-a.mount", "[Mount]\nWhere=/var/lib/a/\nWhat=/dev/a", ""),
        ("var-a.mount", "[Mount]\nWhere=/var/lib/a\nWhat=/dev/a", "var-lib-a.mount"),
        ("var-a-b.mount", "[Mount]\nWhere=/var/a-b\nWhat=/dev/a", r"var-a\x2db.mount"),
        (r"var-a\x2db.mount", "[Mount]\nWhere=/var/a-b\nWhat=/dev/a", ""),
        ("-.mount", "[Mount]\nWhere=/\nWhat=/dev/a", ""),
        ("var-a.automount", "[Automount]\nWhere=/var/b", "var-b.automount"),
        ("dev-sda1.swap", "[Swap]\nWhat=/dev/sda2", "dev-sda2.swap"),
        ("dev-sda2.swap", "[Swap]\nWhat=/dev/sda2", ""),
        ("a.swap", "[Swap]\nWhat=LABEL=swap", ""),
        ("a.service", "[Mount]\nWhere=/b", ""),
    ],
)
def test_names_of_mount_units(name: str, text: str, right: str) -> None:
    found = entries(unit(name, text + "\n[Install]\nWantedBy=local-fs.target\n"), select=("lint-mount-name",))
    assert [entry.hint for entry in found] == ([f"name it {right}"] if right else [])


MOUNT = "[Mount]\nWhat=/dev/disk/by-label/a\nWhere=/var/a\n[Install]\nWantedBy=local-fs.target\n"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("storage:\n" + _filesystem("/dev/a", "path: /var/a"), True),
        ("storage:\n" + _filesystem("/dev/a", "path: /var/a", "with_mount_unit: true"), False),
        ("storage:\n" + _filesystem("/dev/a", "path: /var/a", "with_mount_unit: false"), True),
        ("storage:\n" + _filesystem("/dev/a"), False),
        ("storage:\n" + _filesystem("/dev/a", "path: /boot"), False),
        ("storage:\n" + _filesystem("/dev/a", "path: /"), False),
        ("storage:\n" + _filesystem("/dev/a", "path: /var/a") + unit("var-a.mount", MOUNT), False),
        ("storage:\n" + _filesystem("/dev/a", "path: /var/a") + "  files:\n    - {path: /etc/fstab, overwrite: true, contents: {inline: x}}\n", False),
        ("ignition:\n  config:\n    merge: [{source: 'https://a/b'}]\nstorage:\n" + _filesystem("/dev/a", "path: /var/a"), False),
    ],
)  # fmt: skip
def test_filesystems_that_are_gone_after_the_first_boot(text: str, reported: bool) -> None:
    assert codes(text, select=("lint-not-mounted",)) == (["lint-not-mounted"] if reported else [])


def test_the_oem_partition_of_flatcar_is_mounted_by_its_image() -> None:
    text = "variant: flatcar\nversion: 1.1.0\nstorage:\n" + _filesystem("/dev/disk/by-label/OEM", "path: /usr/share/oem")
    assert codes(text) == []


@pytest.mark.parametrize(
    ("level", "devices", "spares", "reported"),
    [("raid1", 1, 0, True), ("raid1", 2, 0, False), ("raid1", 2, 1, True), ("raid6", 3, 0, True), ("raid6", 4, 0, False), ("raid0", 1, 0, True)],
)
def test_arrays_of_too_few_devices(level: str, devices: int, spares: int, reported: bool) -> None:
    names = ", ".join(f"/dev/disk/by-id/{i}" for i in range(devices))
    text = f"storage:\n  raid:\n    - {{name: a, level: {level}, devices: [{names}], spares: {spares}}}\n"
    assert codes(text, select=("lint-raid",)) == (["lint-raid-one-device"] if reported else [])


@pytest.mark.parametrize(
    ("partitions", "wipe", "reported"),
    [
        (["{label: a}", "{label: b, size_mib: 5}"], True, True),
        (["{label: a, size_mib: 5}", "{label: b}"], True, False),
        (["{label: a}"], True, False),
        (["{label: a}", "{label: b, start_mib: 100, size_mib: 5}"], True, False),
        (["{label: root, number: 4, size_mib: 0, resize: true}", "{label: b, size_mib: 5}"], False, False),
        (["{label: a, number: 0, size_mib: 0}", "{label: b, size_mib: 5}"], False, True),
    ],
)
def test_partitions_that_leave_no_room(partitions: list[str], wipe: bool, reported: bool) -> None:
    rows = "".join(f"        - {row}\n" for row in partitions)
    text = DISK.replace("wipe_table: true", f"wipe_table: {str(wipe).lower()}") + rows
    assert codes(text, select=("lint-partition-order",)) == (["lint-partition-order"] if reported else [])


@pytest.mark.parametrize(
    ("passwd", "owner", "expected"),
    [
        ("", "user: {name: core}", []),
        ("", "user: {name: root}", []),
        ("", "user: {name: croe}", ["did you mean core?"]),
        ("", "user: {name: app}", [""]),
        ("", "user: {id: 1234}", []),
        ("passwd:\n  users: [{name: app}]\n", "user: {name: app}", []),
        ("passwd:\n  users: [{name: app, should_exist: false}]\n", "user: {name: app}", [""]),
        ("passwd:\n  users: [{name: app}]\n", "group: {name: app}", []),
        ("passwd:\n  groups: [{name: app}]\n", "group: {name: app}", []),
        ("", "group: {name: wheel}", []),
    ],
)
def test_owners(passwd: str, owner: str, expected: list[str]) -> None:
    found = entries(f"{passwd}storage:\n  files:\n    - path: /etc/a\n      {owner}\n", select=("lint-owner",))
    assert len(found) == len(expected) and all(want in entry.message for entry, want in zip(found, expected, strict=True))


def test_groups_of_users() -> None:
    assert codes("passwd:\n  users: [{name: core, groups: [wheel, sudo, docker]}]\n", select=("lint-owner",)) == []
    assert codes("passwd:\n  users: [{name: core, groups: [weel], primary_group: nope}]\n", select=("lint-owner",)) == ["lint-owner-unknown"] * 2


def _home(path: str, directories: str = "", user: str = "core") -> str:
    return f"storage:\n{directories}  files:\n    - path: {path}\n      user: {{name: {user}}}\n      contents: {{inline: a}}\n"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (_home("/home/core/.bashrc.d/a"), ["/home/core/.bashrc.d"]),
        (_home("/home/core/.profile"), []),
        (_home("/home/core/.config/containers/a"), ["/home/core/.config and /home/core/.config/containers"]),
        (_home("/home/core/.config/a", "  directories: [{path: /home/core/.config, user: {name: core}}]\n"), []),
        (_home("/home/core/.config/a", user="root"), []),
        ("passwd:\n  users: [{name: app, home_dir: /srv/app}]\n" + _home("/srv/app/b/a", user="app"), ["/srv/app/b"]),
        (_home("/etc/a/b"), []),
    ],
)
def test_parents_in_a_home(text: str, missing: list[str]) -> None:
    found = entries(text, select=("lint-home",))
    assert len(found) == len(missing)
    assert all(entry.message.startswith(f"{want} will belong") for entry, want in zip(found, missing, strict=True))


def test_swap_and_none_need_no_mount() -> None:
    assert codes("storage:\n  filesystems: [{device: /dev/disk/by-id/a, format: swap, with_mount_unit: true}]\n") == []
    assert codes("storage:\n  filesystems: [{device: /dev/disk/by-id/a, format: none}]\n" + unit("a.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target")) == []  # fmt: skip
