"""Rewriting configs to newer versions: the text stays as it is, what changes in meaning is said."""

from __future__ import annotations

import pytest

from butane_py.cli.upgrade import main
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.upgrader import UpgradeError, upgraded
from butane_py.variants import VARIANTS

STYLES = [
    "# top\nvariant: fcos\nversion: 1.3.0 # which\n\n# files\nstorage:\n    files:\n    -   path: '/a'   # odd\n        contents: {inline: \"x\"}\n",
    "{variant: fcos, version: \"1.3.0\"}\n",
    "version: '1.3.0'\nvariant: fcos\n",
    "\ufeffvariant: fcos\r\nversion: 1.3.0\r\nkey: |\r\n  1.3.0\r\n",
    "\ufeffversion: 1.3.0\nvariant: fcos\n",
    "variant: fcos\nversion: 1.3.0",
]  # fmt: skip


@pytest.mark.parametrize("text", STYLES)
def test_only_the_version_changes(text: str) -> None:
    new, notes = upgraded(text.encode(), "x", "1.6.0")
    assert new.decode() == text.replace("1.3.0", "1.6.0", 1)
    assert notes[0] == "fcos 1.3.0 became fcos 1.6.0; the output is Ignition 3.5, it was 3.2"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("boot_device:\n  # both\n  mirror:\n    devices: [/dev/a, /dev/b]\n", "boot_device:\n  # both\n  layout: x86_64\n  mirror:\n    devices: [/dev/a, /dev/b]\n"),
        ("boot_device: {mirror: {devices: [/dev/a, /dev/b]}}\n", "boot_device: {layout: x86_64, mirror: {devices: [/dev/a, /dev/b]}}\n"),
        ("boot_device:\n  layout: aarch64\n  mirror:\n    devices: [/dev/a, /dev/b]\n", "boot_device:\n  layout: aarch64\n  mirror:\n    devices: [/dev/a, /dev/b]\n"),
    ],
)
def test_layout_that_was_assumed_is_written(section: str, expected: str) -> None:
    new, _ = upgraded(f"variant: fcos\nversion: 1.4.0\n{section}".encode(), "x", "1.7.0")
    assert new.decode() == f"variant: fcos\nversion: 1.7.0\n{expected}"
    assert compile_source(new, "x", Options()).output


def test_special_bits_that_take_effect() -> None:
    text = b"variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /a\n      mode: 04755\n"
    assert any("take effect" in note and "line 6" in note for note in upgraded(text, "x", "1.7.0")[1])
    assert not any("take effect" in note for note in upgraded(text.replace(b"1.6.0", b"1.5.0"), "x", "1.6.0")[1])


def test_fips_cipher_that_is_no_longer_added() -> None:
    text = (
        b"variant: openshift\nversion: 4.19.0\nmetadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"
        b"openshift: {fips: true}\nstorage:\n  luks: [{name: a, device: /dev/a}]\n"
    )
    assert "the output differs at $.spec.config.storage.luks.0.options" in upgraded(text, "x", "4.20.0")[1]


@pytest.mark.parametrize(
    ("text", "to", "words"),
    [
        ("variant: fcos\nversion: 1.6.0\n", "1.3.0", "newer"),
        ("variant: fcos\nversion: 1.6.0\n", "9.9.9", "no version 9.9.9"),
        ("variant: fcso\nversion: 1.6.0\n", "1.7.0", "unknown"),
        ("variant: fcos\nversion: 1.3.0\nstorage: 5\n", "1.6.0", "does not compile"),
        ("x: &v 1.3.0\nvariant: fcos\nversion: *v\n", "1.6.0", "write 1.6.0 there yourself"),
        ("variant: fcos\nversion: !!str 1.3.0\n", "1.6.0", "write"),
        ("variant: fcos\nversion: [\n", "1.6.0", "line"),
        (
            "variant: fcos\nversion: 1.5.0\nstorage:\n  filesystems:\n    - {device: /dev/a, format: ext4, path: /opt, with_mount_unit: true}\n",
            "1.6.0",
            "would not compile",
        ),
    ],
)
def test_refused(text: str, to: str, words: str) -> None:
    with pytest.raises(UpgradeError, match=words):
        upgraded(text.encode(), "x", to)


def test_every_row_to_every_later_one() -> None:
    role = "metadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"
    for row in VARIANTS.values():
        text = f"variant: {row.name}\nversion: {row.version}\n{role if row.machine_config else ''}".encode()
        rows = [each for each in VARIANTS.values() if each.name == row.name]
        for later in rows[rows.index(row) :]:
            options = Options(target="fcos" if row.neutral else "")
            assert compile_source(upgraded(text, "x", later.version)[0], "x", options).output


def test_latest_is_not_experimental() -> None:
    assert b"4.22.0" in upgraded(
        b"variant: openshift\nversion: 4.8.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: b}}\n", "x", "latest"
    )[0]


def test_in_place(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"{tmp_path}/one.bu"
    with open(path, "w", encoding="utf-8") as file:
        file.write(STYLES[0])
    assert main("upgrade", ["--to", "1.6.0", "-i", path]) == 0
    with open(path, encoding="utf-8") as file:
        assert file.read() == STYLES[0].replace("1.3.0", "1.6.0")
    assert "became fcos 1.6.0" in capsys.readouterr().err
    assert main("upgrade", ["--to", "1.0.0", path]) == 1
    assert main("upgrade", [path]) == 2
    assert main("upgrade", ["--to", "1.6.0", f"{tmp_path}/missing"]) == 1


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_utf_16_stay(codec: str) -> None:
    text = "# caf\u00e9\nvariant: fcos\nversion: 1.3.0\n"
    assert upgraded(text.encode(codec), "a", "1.5.0")[0] == text.replace("1.3.0", "1.5.0").encode(codec)


@pytest.mark.parametrize("style", [">-\n  @", "|-\n    @", "'@'", '"@"', "@  # comment"])
def test_styles_of_the_version(style: str) -> None:
    text = f"variant: fcos\nversion: {style}\nstorage: {{}}\n"
    assert upgraded(text.replace("@", "1.3.0").encode(), "a", "1.5.0")[0] == text.replace("@", "1.5.0").encode()


def test_local_files_that_are_missing() -> None:
    text = "variant: fcos\nversion: 1.3.0\nstorage:\n  files: [{path: /a, contents: {local: a}}]\n  trees: [{local: b}]\n"
    for files_dir in (None, "/nonexistent"):
        after, notes = upgraded(text.encode(), "a", "1.5.0", files_dir)
        assert after.decode() == text.replace("1.3.0", "1.5.0")
        assert "not compared, for want of local files" in notes[1]
    with pytest.raises(UpgradeError, match="does not compile"):
        upgraded(text.replace("path: /a", "path: a, mode: x").encode(), "a", "1.5.0")


@pytest.mark.parametrize("body", ["passwd: {{ users }}\n", "storage:\n  {% for f in files %}\n  files: ${files}\n"])
def test_templates(body: str) -> None:
    text = f"# {{{{ comment }}}}\nvariant: fcos\nversion: '1.3.0'  # old\n{body}"
    after, notes = upgraded(text.encode(), "a", "latest")
    assert after.decode() == text.replace("1.3.0", "1.7.0")
    assert "template" in notes[1]
    with pytest.raises(UpgradeError):
        upgraded(text.replace("'1.3.0'", "{{ version }}").encode(), "a", "latest")


def test_another_encoding_of_the_same_contents_is_no_difference() -> None:
    """1.1.0 compresses what gets shorter, and writes an empty compression where it does not."""
    text = b"variant: fcos\nversion: 1.0.0\nstorage:\n  files: [{path: /a, contents: {inline: hello}}, {path: /b, contents: {inline: '%s'}}]\n"
    notes = upgraded(text % (b"x" * 400), "x", "latest")[1]
    assert not [note for note in notes if "differs" in note]


def test_an_experimental_version_that_is_stable_now() -> None:
    text, notes = upgraded(b"# mine\nvariant: fcos\nversion: 1.5.0-experimental\n", "x", "latest")
    assert text.startswith(b"# mine\nvariant: fcos\nversion: 1.7.0\n")
    assert notes[0] == "fcos 1.5.0-experimental is stable now: 1.5.0 was written"
    text, notes = upgraded(b"variant: fcos\nversion: 1.5.0-experimental\n", "x", "1.5.0")
    assert (text, len(notes)) == (b"variant: fcos\nversion: 1.5.0\n", 1)
