"""Ignition 1 and 2 translated to 3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ignition_py.flatcar import accept_oem
from ignition_py.report.diag import path_text
from ignition_py.spec.encode import to_data
from ignition_py.spec.legacy import legacy_version, read, translate
from ignition_py.spec.rules import resources


def _translated(data: dict[str, Any]) -> dict[str, Any]:
    config, report = translate(json.dumps(data).encode())
    assert config is not None, [entry.raw() for entry in report]
    return to_data(config, 1)


def _refused(data: dict[str, Any]) -> list[tuple[str, str]]:
    config, report = translate(json.dumps(data).encode())
    assert config is None
    return [(entry.code, path_text(entry.place.path)) for entry in report if entry.severity == "error"]


def _v2(version: str = "2.4.0", **sections: Any) -> dict[str, Any]:
    return {"ignition": {"version": version}, **sections}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('{"ignitionVersion": 1}', "1"),
        ('{"ignition": {"version": "2.2.0"}}', "2.2.0"),
        ('{"ignition": {"version": "2.9.0"}}', "2.9.0"),
        ('{"ignition": {"version": "3.2.0"}}', None),
        ('{"ignition": {"version": "3.2.0"}, "x": "2."}', None),
        ('{"ignition": {"version": "2.', None),
        ("#cloud-config", None),
    ],
)
def test_what_is_legacy(text: str, version: str | None) -> None:
    assert legacy_version(text.encode()) == version


def test_a_version_that_there_never_was() -> None:
    assert _refused(_v2("2.9.0")) == [("version-unknown", "$.ignition.version")]


def test_files_get_the_paths_of_their_filesystems() -> None:
    made = _translated(
        _v2(
            storage={
                "filesystems": [
                    {"name": "data", "mount": {"device": "/dev/vdb", "format": "ext4", "wipeFilesystem": True}},
                    {"name": "var", "path": "/sysroot/var"},
                ],
                "files": [
                    {"filesystem": "root", "path": "/a", "contents": {"source": "data:,x"}},
                    {"filesystem": "data", "path": "/b", "append": True, "contents": {"source": "data:,y"}},
                    {"filesystem": "var", "path": "/c", "overwrite": False},
                    {"filesystem": "oem", "path": "/d"},
                ],
            }
        )
    )
    (filesystem,) = made["storage"]["filesystems"]
    assert filesystem == {"device": "/dev/vdb", "format": "ext4", "wipeFilesystem": True, "path": "/tmp/data-ign1"}
    assert made["storage"]["files"] == [
        {"path": "/a", "overwrite": True, "contents": {"source": "data:,x"}},
        {"path": "/tmp/data-ign1/b", "append": [{"source": "data:,y"}]},
        {"path": "/var/c", "overwrite": False, "contents": {"source": "data:,"}},
        {"path": "/usr/share/oem/d", "overwrite": True, "contents": {"source": "data:,"}},
    ]


def test_the_oem_partition_is_btrfs_now() -> None:
    mount = {"device": "/dev/disk/by-label/OEM", "format": "ext4"}
    made = _translated(_v2(storage={"filesystems": [{"name": "oem", "mount": mount}]}))
    assert made["storage"]["filesystems"][0]["format"] == "btrfs"


def test_networkd_units_become_files() -> None:
    unit = {
        "name": "a.network",
        "contents": "[Match]\nName=e*\n",
        "dropins": [{"name": "b.conf", "contents": "[Network]"}],
    }
    made = _translated(_v2(networkd={"units": [unit]}))
    assert [(each["path"], each["mode"]) for each in made["storage"]["files"]] == [
        ("/etc/systemd/network/a.network", 0o644),
        ("/etc/systemd/network/a.network.d/b.conf", 0o644),
    ]
    assert made["storage"]["files"][0]["contents"]["source"] == "data:,%5BMatch%5D%0AName=e*%0A"


def test_configs_accounts_and_units() -> None:
    made = _translated(
        {
            "ignition": {
                "version": "2.4.0",
                "config": {"append": [{"source": "https://e.com/a", "httpHeaders": [{"name": "a", "value": "b"}]}]},
                "proxy": {"httpProxy": "http://p"},
                "timeouts": {"httpTotal": 5},
            },
            "passwd": {
                "users": [{"name": "a", "create": {"uid": 2, "groups": ["x", "x"]}}],
                "groups": [{"name": "g"}],
            },
            "systemd": {
                "units": [
                    {"name": "a.service", "enable": True, "contents": "[Service]\nA=b\n[Install]\nB=c"},
                    {"name": "a.service", "enabled": False, "dropins": [{"name": "x.conf", "contents": "[Service]"}]},
                ]
            },
        }
    )
    assert made["ignition"]["config"]["merge"] == [
        {"source": "https://e.com/a", "httpHeaders": [{"name": "a", "value": "b"}]}
    ]
    assert made["ignition"]["proxy"] == {"httpProxy": "http://p"}
    assert made["ignition"]["timeouts"] == {"httpTotal": 5}
    assert made["passwd"]["users"] == [{"name": "a", "uid": 2, "groups": ["x"]}]
    (unit,) = made["systemd"]["units"]
    assert unit["enabled"] is False
    assert unit["contents"].startswith("[Service]\nA=b")
    assert [each["name"] for each in unit["dropins"]] == ["x.conf"]


def test_sectors_become_mib_or_are_refused() -> None:
    def disk(**fields: Any) -> dict[str, Any]:
        return _v2("2.0.0", storage={"disks": [{"device": "/dev/a", "partitions": [{"number": 1, **fields}]}]})

    made = _translated(disk(size=4096, start=2048))
    assert made["storage"]["disks"][0]["partitions"] == [{"number": 1, "sizeMiB": 2, "startMiB": 1}]
    assert _refused(disk(size=100)) == [("partition-unaligned", "$.storage.disks.0.partitions.0.size")]


def test_each_refusal_has_its_place() -> None:
    found = _refused(
        _v2(
            storage={
                "filesystems": [
                    {"name": "a", "mount": {"device": "/dev/a", "format": "xfs", "create": {}}},
                    {"name": "b", "path": "/run/b"},
                ],
                "files": [{"filesystem": "nowhere", "path": "/a"}],
            },
            networkd={"units": [{"name": "a.service"}]},
        )
    )
    assert found == [
        ("filesystem-not-forced", "$.storage.filesystems.0.mount.create"),
        ("filesystem-outside", "$.storage.filesystems.1.path"),
        ("filesystem-unknown", "$.storage.files.0.filesystem"),
        ("networkd-name", "$.networkd.units.0.name"),
    ]


def test_what_spec_3_refuses_is_said_of_the_old_text() -> None:
    both = {"filesystem": "root", "path": "/a"}
    found = _refused(_v2(storage={"files": [both], "directories": [both], "links": [{**both, "target": "/b"}]}))
    assert ("duplicate", "$.storage.files.0") in found
    _, report = translate(
        b'{"ignition": {"version": "2.4.0"},\n "storage": {"links":\n [{"filesystem": "root", "path": "b", "target": 7}]}}'
    )
    assert [(entry.code, entry.place.line) for entry in report] == [("wrong-type", 3)]


def test_spec_1() -> None:
    file = {"path": "/foo", "contents": "hello world", "mode": 420, "uid": 3}
    made = _translated(
        {
            "ignitionVersion": 1,
            "storage": {
                "filesystems": [{"device": "/dev/a", "format": "btrfs", "create": {"force": True}, "files": [file]}]
            },
            "systemd": {"units": [{"name": "a.service", "enable": True}]},
        }
    )
    (filesystem,) = made["storage"]["filesystems"]
    (written,) = made["storage"]["files"]
    assert written["path"] == filesystem["path"] + "/foo"
    assert written["contents"] == {"source": "data:,hello%20world"}
    assert (written["mode"], written["user"]) == (420, {"id": 3})
    assert filesystem["wipeFilesystem"] is True


_MOUNT = {"device": "/dev/a", "format": "xfs"}
_NODE = {"filesystem": "root", "path": "/a"}


@pytest.mark.parametrize(
    ("version", "sections", "code", "path"),
    [
        ("2.0.0", {"storage": {"files": [{**_NODE, "path": "a"}]}}, "path-relative", "$.storage.files.0.path"),
        ("2.1.0", {"storage": {"directories": [{**_NODE, "path": ""}]}}, "path-relative", "$.storage.directories.0.path"),
        ("2.0.0", {"storage": {"files": [{**_NODE, "contents": {"source": "s3://b/k"}}]}}, "url-scheme",
         "$.storage.files.0.contents.source"),
        ("2.0.0", {"storage": {"filesystems": [{"name": "a", "mount": {**_MOUNT, "format": "swap"}}]}}, "format-unknown",
         "$.storage.filesystems.0.mount.format"),
        ("2.1.0", {"storage": {"filesystems": [{"name": "a", "mount": {**_MOUNT, "create": {"force": True}, "options": ["x"]}}]}},
         "create-and-more", "$.storage.filesystems.0.mount.options"),
        ("2.1.0", {"storage": {"filesystems": [{"name": "a"}]}}, "filesystem-nowhere", "$.storage.filesystems.0"),
        ("2.3.0", {"storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "sizeMiB": 1},
                                                                            {"number": 2, "size": 2048}]}]}},
         "partition-units", "$.storage.disks.0.partitions"),
        ("2.2.0", {"storage": {"files": [{**_NODE, "append": True, "overwrite": True}]}}, "append-and-overwrite",
         "$.storage.files.0.overwrite"),
        ("2.1.0", {"passwd": {"users": [{"name": "a", "uid": 0, "create": {}}]}}, "create-and-more", "$.passwd.users.0.uid"),
        ("2.0.0", {"networkd": {"units": [{"name": "a.network", "contents": "[Match"}]}}, "unit-contents",
         "$.networkd.units.0.contents"),
        ("2.2.0", {"networkd": {"units": [{"name": "a.network", "dropins": [{"name": "x", "contents": ""}]}]}}, "dropin-name",
         "$.networkd.units.0.dropins.0.name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_old_rules_hold(version: str, sections: dict[str, Any], code: str, path: str) -> None:
    assert _refused(_v2(version, **sections)) == [(code, path)]


def test_of_a_key_given_twice_the_last_counts() -> None:
    text = b'{"ignition": {"version": "2.1.0"}, "passwd": {}, "passwd": {"users": [{"name": "a"}]}}'
    assert legacy_version(text) == "2.1.0"
    config, report = translate(text)
    assert config is not None, [entry.raw() for entry in report]
    assert [user.name for user in config.passwd.users] == ["a"]


def test_newer_keys_mean_nothing_in_older_versions() -> None:
    config, report = translate(json.dumps(_v2("2.0.0", storage={"links": []})).encode())
    assert config is not None
    assert [(entry.code, path_text(entry.place.path)) for entry in report] == [("unused-key", "$.storage.links")]


def test_oem_sources_are_taken_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps(
        _v2(storage={"files": [{"filesystem": "root", "path": "/a", "contents": {"source": "oem:///x"}}]})
    )
    assert read(data.encode())[0] is None
    monkeypatch.setattr(resources, "SCHEMES", dict(resources.SCHEMES))
    accept_oem()
    config, _ = read(data.encode())
    assert config is not None
    assert config.storage.files[0].contents.source == "oem:///x"
