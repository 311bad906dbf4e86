"""The rules by example: a value, the versions that take it, and the code that the others give. Boundaries stand beside each other.

A case is (fragment of a config, minor versions that take it, code of the error in the others). The verdicts are those of
ignition-validate 2.27, measured.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ignition_py.report.diag import ERROR
from ignition_py.spec.read import parse
from ignition_py.spec.tables import VERSIONS
from tests.spec.examples import Data

EVERY, NONE = range(8), range(0)
GUID = "01234567-89AB-CDEF-0123-456789ABCDEF"
SHA256, SHA512 = "a" * 64, "a" * 128


def node(kind: str = "files", **facts: Any) -> Data:
    return {"storage": {kind: [{"path": "/a", **facts}]}}


def disk(*partitions: Data, **facts: Any) -> Data:
    return {"storage": {"disks": [{"device": "/dev/a", "partitions": list(partitions), **facts}]}}


def filesystem(**facts: Any) -> Data:
    return {"storage": {"filesystems": [{"device": "/dev/a", "format": "ext4", **facts}]}}


def contents(**facts: Any) -> Data:
    return node(contents={"source": "https://a.example/", **facts})


def hashed(text: str) -> Data:
    return contents(verification={"hash": text})


def sourced(url: str) -> Data:
    return node(contents={"source": url})


def raid(level: str, devices: int, spares: int | None = None) -> Data:
    entry = {"name": "a", "level": level, "devices": [f"/dev/{i}" for i in range(devices)]}
    return {"storage": {"raid": [entry if spares is None else {**entry, "spares": spares}]}}


def luks(**facts: Any) -> Data:
    return {"storage": {"luks": [{"name": "a", "device": "/dev/a", **facts}]}}


def unit(name: str, **facts: Any) -> Data:
    return {"systemd": {"units": [{"name": name, **facts}]}}


def links(count: int, path: str) -> Data:
    """A file below the last of `count` links."""
    return {
        "storage": {
            "links": [{"path": f"/l{i}", "target": "/t"} for i in range(count)],
            "files": [{"path": path}],
        }
    }


CASES: list[tuple[Data, range, str]] = [
    # Nodes
    (node(mode=0), EVERY, ""),
    (node(mode=0o777), EVERY, ""),
    (node(mode=0o7777), EVERY, ""),
    (node(mode=0o10000), NONE, "mode-range"),
    (node(mode=-1), NONE, "mode-range"),
    (node("directories", mode=0o7777), EVERY, ""),
    (node("directories", mode=0o10000), NONE, "mode-range"),
    (node(path="/"), EVERY, ""),
    (node(path=""), NONE, "path-missing"),
    (node(path="a"), NONE, "path-relative"),
    (node("links", target="/t"), EVERY, ""),
    (node("links", target=""), range(3), "link-target-missing"),
    (node(user={"id": 1}), EVERY, ""),
    (node(user={"id": 1, "name": "a"}), NONE, "owner-id-and-name"),
    (node(group={"id": 1, "name": "a"}), NONE, "owner-id-and-name"),
    (links(7, "/l6/a"), NONE, "below-link"),
    (links(8, "/l7/a"), NONE, "below-link"),
    (links(9, "/l0/a/b"), NONE, "below-link"),
    (links(9, "/l0x"), EVERY, ""),
    (links(9, "/x/l0/a"), EVERY, ""),
    # Contents
    (hashed(f"sha512-{SHA512}"), EVERY, ""),
    (hashed(f"sha256-{SHA256}"), range(1, 8), "hash-unknown"),
    (hashed(f"sha512-{SHA512[1:]}"), NONE, "hash-size"),
    (hashed(f"sha512-{SHA512}0"), NONE, "hash-size"),
    (hashed(SHA512), NONE, "hash-malformed"),
    (sourced("data:,x"), EVERY, ""),
    (sourced("http://a.example/"), EVERY, ""),
    (sourced("s3://a/b"), EVERY, ""),
    (sourced("tftp://a/b"), EVERY, ""),
    (sourced("gs://a/b"), range(2, 8), "url-scheme"),
    (sourced("arn:aws:s3:::a/b"), range(4, 8), "url-scheme"),
    (sourced("oem:///a"), NONE, "url-scheme"),
    (sourced("ftp://a/b"), NONE, "url-scheme"),
    (sourced("a.example"), NONE, "url-scheme"),
    (contents(compression="gzip"), EVERY, ""),
    (contents(compression=""), EVERY, ""),
    (contents(compression="xz"), NONE, "compression-unknown"),
    # Partitions
    (disk({"number": 1}), EVERY, ""),
    (disk({"label": "a"}), EVERY, ""),
    (disk({"number": 0}), NONE, "partition-unnamed"),
    (disk({"number": 1, "label": "a" * 36}), EVERY, ""),
    (disk({"number": 1, "label": "a" * 37}), NONE, "partition-label-long"),
    (disk({"number": 1, "label": "a:b"}), NONE, "partition-label-colon"),
    (disk({"number": 1, "guid": GUID}), EVERY, ""),
    (disk({"number": 1, "guid": GUID[1:]}), NONE, "guid-malformed"),
    (disk({"number": 1}, {"number": 2}), EVERY, ""),
    (disk({"number": 1, "startMiB": 1, "sizeMiB": 10}, {"number": 2, "startMiB": 11, "sizeMiB": 10}), EVERY, ""),
    (disk({"number": 1, "startMiB": 1, "sizeMiB": 10}, {"number": 2, "startMiB": 10, "sizeMiB": 10}), NONE, "partitions-overlap"),
    (disk({"number": 1, "shouldExist": False}), EVERY, ""),
    (disk({"number": 1, "shouldExist": False, "label": "a"}), NONE, "partition-absent-with-fields"),
    # Filesystems
    (filesystem(), EVERY, ""),
    (filesystem(label="a" * 16), EVERY, ""),
    (filesystem(label="a" * 17), NONE, "filesystem-label-long"),
    (filesystem(format="xfs", label="a" * 12), EVERY, ""),
    (filesystem(format="xfs", label="a" * 13), NONE, "filesystem-label-long"),
    (filesystem(format="vfat", label="a" * 11), EVERY, ""),
    (filesystem(format="vfat", label="a" * 12), NONE, "filesystem-label-long"),
    (filesystem(format="btrfs", label="a" * 256), EVERY, ""),
    (filesystem(format="btrfs", label="a" * 257), NONE, "filesystem-label-long"),
    (filesystem(format="swap", label="a" * 15), EVERY, ""),
    (filesystem(format="swap", label="a" * 16), NONE, "filesystem-label-long"),
    (filesystem(format="ext3"), NONE, "format-unknown"),
    (filesystem(format="none"), range(3, 8), "format-unknown"),
    # RAID
    (raid("raid1", 2), EVERY, ""),
    (raid("raid1", 2, 1), EVERY, ""),
    (raid("raid0", 2, 1), NONE, "raid-spares"),
    (raid("raid7", 2), NONE, "raid-level-unknown"),
    (raid("raid1", 0), NONE, "raid-devices-missing"),
    # LUKS
    (luks(), EVERY, ""),
    (luks(label="a" * 47), EVERY, ""),
    (luks(label="a" * 48), range(2), "luks-label-long"),
    (luks(device=""), range(2), "device-missing"),
    (luks(clevis={"tpm2": True, "threshold": 1}), EVERY, ""),
    # Units
    (unit("a.service"), EVERY, ""),
    (unit("a@.timer"), EVERY, ""),
    (unit("a"), NONE, "unit-name"),
    (unit("a.container"), NONE, "unit-name"),
    (unit("a.service", contents="[Unit]\nA=b\n"), EVERY, ""),
    (unit("a.service", contents="[Unit"), NONE, "unit-contents"),
    (unit("a.service", dropins=[{"name": "a.conf"}]), EVERY, ""),
    (unit("a.service", dropins=[{"name": "a"}]), NONE, "dropin-name"),
]


def codes(fragment: Data, version: str) -> set[str]:
    """Codes of the errors in a config of `version`."""
    data = json.dumps({"ignition": {"version": version}, **fragment}).encode()
    return {entry.code for entry in parse(data)[2] if entry.severity == ERROR}


@pytest.mark.parametrize(("fragment", "accepted", "code"), CASES, ids=[f"{i}-{case[2] or 'right'}" for i, case in enumerate(CASES)])
def test_verdict(fragment: Data, accepted: range, code: str) -> None:
    for version, minor in VERSIONS.items():
        assert codes(fragment, version) == (set() if minor in accepted else {code}), version
