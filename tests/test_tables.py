"""The tables hold what the published specifications hold: how many fields each version has, and which rows there are."""

from __future__ import annotations

import pytest

from butane_py import tables as butane
from butane_py.variants import REMOVED, VARIANTS, load_languages
from ignition_py.spec import tables
from ignition_py.spec.model import Struct, camel

load_languages()

# Field paths of each spec version, counted from the published JSON Schemas.
IGNITION = {
    "3.0.0": 117, "3.1.0": 140, "3.2.0": 168, "3.3.0": 171, "3.4.0": 174, "3.5.0": 176, "3.6.0": 176, "3.7.0-experimental": 176,
}  # fmt: skip
# Field paths of each row, counted from the published Butane specifications.
BUTANE = {
    "fcos": {"1.0.0": 120, "1.1.0": 155, "1.2.0": 185, "1.3.0": 195, "1.4.0": 198, "1.5.0": 210, "1.6.0": 215, "1.7.0": 223,
             "1.8.0-experimental": 232},
    "flatcar": {"1.0.0": 188, "1.1.0": 194, "1.2.0-experimental": 213},
    "openshift": {**dict.fromkeys(("4.8.0", "4.9.0", "4.10.0", "4.11.0", "4.12.0", "4.13.0"), 203),
                  **dict.fromkeys(("4.14.0", "4.15.0", "4.16.0", "4.17.0", "4.18.0"), 218),
                  **dict.fromkeys(("4.19.0", "4.20.0", "4.21.0", "4.22.0"), 223), "4.23.0-experimental": 240},
    "r4e": {"1.0.0": 188, "1.1.0": 194, "1.2.0-experimental": 213},
    "fiot": {"1.0.0": 194, "1.1.0-experimental": 213},
    "machine": {"1.0.0-experimental": 236},  # of our own: 213, and what it has for every system
}  # fmt: skip


def paths(cls: type[Struct], levels: dict[str, int], before: str = "") -> list[str]:
    found = []
    for entry in cls.FIELDS.values():
        if entry.at(levels.get(entry.axis, -1)):
            found.append(f"{before}{entry.name}")
            if entry.struct is not None:
                found += paths(entry.struct, levels, f"{before}{entry.name}.")
    return found


def test_spec_versions() -> None:
    assert {text: len(paths(tables.Config, {"spec": minor})) for text, minor in tables.VERSIONS.items()} == IGNITION
    assert "3.6.0-experimental" not in tables.VERSIONS
    assert tables.latest() == "3.7.0-experimental"


def test_butane_rows() -> None:
    counted: dict[str, dict[str, int]] = {}
    for (name, version), row in VARIANTS.items():
        counted.setdefault(name, {})[version] = len(paths(butane.Config, row.levels))
    assert counted == BUTANE
    assert len(VARIANTS) == 34
    assert list(REMOVED) == [("rhcos", "0.1.0")]


def test_secrets_are_marked() -> None:
    secret = set()
    for path in paths(butane.Config, {"spec": 7, "fcos": 8, "openshift": 23, "machine": 0}):
        cls: type[Struct] = butane.Config
        *way, last = path.split(".")
        for name in way:
            below = cls.FIELDS[name].struct
            assert below is not None
            cls = below
        if cls.FIELDS[last].secret:
            secret.add(last)
    urls = {"source", "http", "https", "http_proxy", "https_proxy", "url"}  # of which user parts, queries and fragments are secret
    assert secret == {"password_hash", "inline", "value", "config", *urls}


def test_a_secret_is_not_shown() -> None:
    user = tables.PasswdUser(name="core", password_hash="$6$salt$hash")
    assert "hash'" not in repr(user)
    assert "<hidden>" in repr(user)


@pytest.mark.parametrize(
    ("name", "spelled"), [("size_mib", "sizeMiB"), ("ssh_authorized_keys", "sshAuthorizedKeys"), ("uuid", "uuid")]
)
def test_json_names(name: str, spelled: str) -> None:
    assert camel(name) == spelled


def test_objects_hold_only_what_is_given() -> None:
    part = tables.Partition(label="data")
    assert (part.label, part.number, part.size_mib, part.should_exist) == ("data", 0, None, None)
    assert part.has("label")
    assert not part.has("number")
    assert tables.Config().storage.disks == ()
    changed = part.but(size_mib=1, label=None)
    assert (changed.label, changed.size_mib, part.label) == (None, 1, "data")
