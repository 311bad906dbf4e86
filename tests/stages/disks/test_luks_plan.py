"""LUKS: what is decided, which commands follow, what Clevis is told; and headers that cryptsetup makes on image files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import StageError
from ignition_py.spec.dataurl import decode
from ignition_py.spec.tables import Cex, Clevis, ClevisCustom, Luks, Resource, Storage, Tang
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.luks import cex as luks_cex
from ignition_py.stages.disks.luks import clevis as luks_clevis
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.stages.disks.luks import make as luks_make
from ignition_py.stages.disks.luks import plan as luks_plan
from ignition_py.stages.disks.luks import stage as stage_luks
from ignition_py.stages.disks.luks.found import Found, Header
from ignition_py.stages.disks.luks.prepared import Prepared
from ignition_py.system.blkid import Signature
from ignition_py.system.log import Log
from tests.helpers.programs import only_programs_in
from tests.stages.disks.luks_lab import FAST, make_tang_keys, tang_thumbprint

KEY = Resource(source="data:,key")
UUID = "5de10927-7137-4b6b-a201-25b3d1adb74f"


def volume(**more: Any) -> Luks:
    return Luks(**{"name": "data", "device": "/dev/a", "key_file": KEY, **more})


def luks2(**more: Any) -> Found:
    header = Header(2, more.pop("label", ""), UUID, more.pop("subsystem", ""))
    return Found(Signature("crypto_LUKS", uuid=UUID), header, **more)


NOTHING = Found(Signature())
EXT4 = Found(Signature("ext4", "old", "1"))
TABLE = Found(Signature(table="gpt"))
SEVERAL = Found(Signature("ext4", ambiguous=("ext4", "xfs")))
LUKS1 = Found(Signature("crypto_LUKS", uuid=UUID), Header(1))
USED = Found(Signature("ext4"), busy="it is mounted at /x")


@pytest.mark.parametrize(("luks", "found", "action", "why"), [
    (volume(), NOTHING, "make", "there is nothing"),
    (volume(), EXT4, "refuse", 'holds ext4 with label "old"'),
    (volume(), TABLE, "refuse", "a gpt partition table"),
    (volume(), SEVERAL, "refuse", "traces of ext4 and xfs"),
    (volume(), LUKS1, "refuse", "it is not LUKS2"),
    (volume(), USED, "refuse", "it is mounted at /x"),
    (volume(), luks2(), "reuse", "as wanted"),
    (volume(label="x"), luks2(label="x"), "reuse", ""),
    (volume(label=""), luks2(label="x"), "refuse", 'its label is "x", the config wants ""'),
    (volume(uuid=UUID.upper()), luks2(), "reuse", ""),
    (volume(uuid="0" * 8 + UUID[8:]), luks2(), "refuse", f"its UUID is {UUID}"),
    (volume(discard=True), luks2(), "refuse", "it forbids discards through, the config lets them"),
    (volume(), luks2(flags=("allow-discards",)), "refuse", "it lets discards through, the config forbids them"),
    (volume(discard=True), luks2(flags=("allow-discards",)), "reuse", ""),
    (volume(key_file=Resource()), luks2(), "refuse", "the config gives no key file"),
    (volume(clevis=Clevis(tpm2=True)), luks2(), "refuse", "Clevis opens is always made anew"),
    (volume(cex=Cex(enabled=True)), luks2(), "refuse", r"secure key \(CEX\) is always made anew"),
    (volume(), luks2(damaged=True), "refuse", "does not accept its header"),
    (volume(label="y", discard=True), luks2(label="x"), "refuse", "label is.*; it forbids discards"),
    (volume(), luks2(open_as=("data",)), "reuse", ""),
    (volume(), luks2(open_as=("other",), busy="dm-0 is built on it"), "refuse", "dm-0 is built on it"),
    (volume(), Found(Signature(), name_taken=True), "refuse", "the name data is that of another device"),
    *((volume(wipe_volume=True), found, "make", "wipeVolume is set") for found in (NOTHING, EXT4, TABLE, SEVERAL, LUKS1, luks2())),
    (volume(wipe_volume=True), USED, "refuse", "it is mounted at /x"),
    (volume(wipe_volume=True), luks2(open_as=("data",)), "refuse", "it is open as data"),
])
def test_what_happens(luks: Luks, found: Found, action: str, why: str) -> None:
    decision = luks_plan.plan_volume(luks, found)
    assert decision.action == action, decision.why
    import re

    assert re.search(why, decision.why), decision.why
    if action == "refuse" and not found.busy and not found.name_taken and not found.open_as:
        assert "`wipeVolume: true`" in decision.hint


@pytest.mark.parametrize("found", [NOTHING, EXT4, luks2(), luks2(damaged=True), luks2(open_as=("data",))])
@pytest.mark.parametrize("wipe", [False, True])
def test_what_is_unfinished_is_made_anew(found: Found, wipe: bool) -> None:
    decision = luks_plan.plan_volume(volume(wipe_volume=wipe), found, unfinished="cut off")
    assert (decision.action, decision.why[:7]) == ("make", "cut off")
    assert luks_plan.plan_volume(volume(), USED, unfinished="cut off").action == "refuse"


def test_what_this_boot_has_made_is_kept() -> None:
    for wipe in (False, True):
        luks = volume(wipe_volume=wipe, key_file=Resource(), clevis=Clevis(tpm2=True))
        assert luks_plan.plan_volume(luks, luks2(open_as=("data",)), made=True, unfinished="x").action == "keep"
        assert luks_plan.plan_volume(luks, luks2(), made=True).action == "open"
        assert luks_plan.plan_volume(luks, EXT4, made=True).action == ("make" if wipe else "refuse")


@pytest.mark.parametrize(("name", "why"), [
    ("", "something else"), ("..", "something else"), ("control", "something else"), ("a b", "white space"), ("a\nb", "white space"),
    ("-x", "starts with -"), ("#x", "starts with #"), ("x" * 128, "127 bytes"), ("é" * 20, "127 bytes"),
])
def test_names_that_cannot_be(name: str, why: str) -> None:
    [conflict] = luks_plan.name_conflicts([Luks(name=name, device="/dev/a")])
    assert why in conflict.message


def test_names_that_can_be() -> None:
    names = ("data", "x" * 127, "luks-5de10927", "a,b", "été")
    assert luks_plan.name_conflicts([Luks(name=name, device=f"/dev/{name}") for name in names]) == []
    assert [luks_found.node_of(name) for name in ("a+b_1", "a,b", "é")] == ["/dev/mapper/a+b_1", "/dev/mapper/a\\x2cb", "/dev/mapper/\\xc3\\xa9"]
    both = luks_plan.name_conflicts([Luks(name="a", device="/dev/x"), Luks(name="b", device="/dev/x")])
    assert len(both) == 1 and "two LUKS volumes, a and b" in both[0].message


def test_commands() -> None:
    luks = volume(label="l", uuid=UUID, discard=True, options=("--cipher", "x"), open_options=("--perf-no_read_workqueue",))
    mark = luks_found.marker_of(luks)
    command = ["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", "/k", "--label", "l", "--uuid", UUID]
    assert luks_make.format_command(luks, "/alias", "/k") == [*command, "--subsystem", mark, "--cipher", "x", "/alias"]
    assert luks_make.open_command(luks, "/alias", "/k") == [
        "cryptsetup", "luksOpen", "/alias", "data", "--key-file", "/k", "--persistent", "--allow-discards", "--perf-no_read_workqueue"]  # fmt: skip
    assert luks_make.open_command(volume(), "/a", "/k")[-1] == "--persistent"
    for option in ("--subsystem=x", "--type", "-M"):
        assert mark[:12] not in " ".join(luks_make.format_command(volume(options=(option, "y")), "/a", "/k"))


def test_the_mark_fits_and_tells_entries_apart() -> None:
    mark = luks_found.marker_of(volume())
    assert len(mark) <= 47 and mark == luks_found.marker_of(volume())
    assert mark != luks_found.marker_of(volume(label="x"))
    # Nobody can try keys on it.
    assert mark == luks_found.marker_of(volume(key_file=Resource(source="data:,other")))


# ---------------------------------------------------------------- Clevis

TANG = Tang(url="http://a", thumbprint="t1")
GIVEN = Tang(url="http://b", thumbprint="t2", advertisement='{"payload": "p"}')


@pytest.mark.parametrize(("clevis", "pin", "config", "reopens"), [
    (Clevis(tpm2=True), "sss", {"pins": {"tpm2": {}}, "t": 1}, True),
    (Clevis(tang=(TANG,)), "sss", {"pins": {"tang": [{"url": "http://a", "thp": "t1", "adv": {"x": 1}}]}, "t": 1}, True),
    (Clevis(tang=(GIVEN,)), "sss", {"pins": {"tang": [{"url": "http://b", "thp": "t2", "adv": {"payload": "p"}}]}, "t": 1}, False),
    (Clevis(tang=(GIVEN,), tpm2=True, threshold=2), "sss",
     {"pins": {"tang": [{"url": "http://b", "thp": "t2", "adv": {"payload": "p"}}], "tpm2": {}}, "t": 2}, False),
    (Clevis(tang=(GIVEN, TANG), tpm2=True, threshold=2), "sss",
     {"pins": {"tang": [{"url": "http://b", "thp": "t2", "adv": {"payload": "p"}}, {"url": "http://a", "thp": "t1", "adv": {"x": 1}}],
               "tpm2": {}}, "t": 2}, True),
    (Clevis(custom=ClevisCustom(pin="tpm2", config='{"key": "rsa"}')), "tpm2", {"key": "rsa"}, False),
])
def test_what_clevis_is_told(clevis: Clevis, pin: str, config: Any, reopens: bool) -> None:
    luks = volume(clevis=clevis)
    found = luks_clevis.pin_of(luks, {"http://a": {"x": 1}})
    assert (found[0], json.loads(found[1])) == (pin, config)
    assert luks_clevis.reopens(luks) is reopens
    assert luks_clevis.conflicts(luks) == []


@pytest.mark.parametrize(("clevis", "why"), [
    (Clevis(threshold=1), "opened by 1 Clevis pins, and it has 0"),
    (Clevis(tang=(TANG,), threshold=2), "opened by 2 Clevis pins, and it has 1"),
    (Clevis(tang=(TANG,), threshold=-1), "opened by -1 Clevis pins"),
    (Clevis(custom=ClevisCustom(pin="tang", config="nonsense")), "no JSON object"),
    (Clevis(custom=ClevisCustom(pin="tang", config="[1]")), "no JSON object"),
    (Clevis(custom=ClevisCustom(pin="a/b", config="{}")), "slash"),
])
def test_pins_that_cannot_be(clevis: Clevis, why: str) -> None:
    [conflict] = luks_clevis.conflicts(volume(clevis=clevis))
    assert why in conflict.message


def test_programs_that_pins_need() -> None:
    nested = '{"t": 1, "pins": {"tpm2": {}, "sss": {"t": 1, "pins": {"tang": [{"url": "http://a"}, {"url": "http://b"}]}}}}'
    needed = luks_clevis.programs(volume(clevis=Clevis(custom=ClevisCustom(pin="sss", config=nested))))
    assert {"clevis-encrypt-sss", "clevis-encrypt-tang", "clevis-encrypt-tpm2", "curl", "tpm2_create", "jose", "bash"} <= set(needed)
    assert "clevis-decrypt-tang" not in needed
    assert "clevis-decrypt-tang" in luks_clevis.programs(volume(clevis=Clevis(tang=(TANG,))))
    assert luks_clevis.programs(volume()) == {}


def test_missing_programs_are_all_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_programs_in(monkeypatch, tmp_path)
    found = stage_luks.missing(Storage(luks=(volume(clevis=Clevis(tpm2=True), wipe_volume=True), Luks(name="..", device="/dev/b"))))
    for word in ("cryptsetup", "blkid", "wipefs", "clevis-luks-bind", "tpm2_create", "'..' cannot be"):
        assert any(word in conflict.message for conflict in found), word
    assert stage_luks.missing(Storage()) == []


def test_a_missing_tpm_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: Log) -> None:
    monkeypatch.setattr(luks_clevis, "_TPM_DEVICES", str(tmp_path))
    wanting = [volume(clevis=Clevis(tpm2=True)), volume(name="b", clevis=Clevis(custom=ClevisCustom(pin="tpm2", config="{}"))), volume(name="c")]
    found = luks_clevis.hardware(log, wanting)
    assert len(found) == 2 and all("TPM 2.0, but there is none" in text.message for text in found)
    (tmp_path / "tpmrm0").touch()
    assert luks_clevis.hardware(log, wanting) == []


@pytest.mark.subprocess
def test_advertisements_and_thumbprints(tmp_path: Path) -> None:
    """Keys as tangd makes them, thumbprints as jose computes them."""
    keys = make_tang_keys(tmp_path / "keys")
    request = b"GET /adv HTTP/1.1\r\nConnection: close\r\n\r\n"
    answer = subprocess.run(["/usr/libexec/tangd", str(keys)], input=request, capture_output=True, check=False).stdout
    advertisement = json.loads(answer.partition(b"\r\n\r\n")[2])
    for algorithm in ("S256", "S1"):
        assert luks_clevis.check(advertisement, "u", tang_thumbprint(keys, algorithm), None) is advertisement
    with pytest.raises(StageError, match=rf"not the one of the config.*{tang_thumbprint(keys)}.*wants wrong"):
        luks_clevis.check(advertisement, "u", "wrong", None)


@pytest.mark.parametrize("advertisement", [None, 1, "x", [], {}, {"payload": 1}, {"payload": "!"}, {"payload": "e30"}, {"payload": "W10"}])
def test_malformed_advertisements(advertisement: Any) -> None:
    with pytest.raises(StageError, match="is malformed"):
        luks_clevis.check(advertisement, "u", "", None)


def test_an_advertisement_without_keys() -> None:
    with pytest.raises(StageError, match="no keys that Clevis could use"):
        luks_clevis.check({"payload": "eyJrZXlzIjpbXX0"}, "u", "", None)


# ---------------------------------------------------------------- CEX

def test_secure_keys_need_the_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is no such card to test with: sysfs as the kernel's documentation has it."""
    monkeypatch.setattr(luks_cex, "ADAPTERS", str(tmp_path / "ap"))
    luks = volume(cex=Cex(enabled=True))
    assert "Crypto Express card (CEX), but this machine has none" in str(luks_cex.conflicts(luks)[0])
    for name, mode in (("01.0011", "ep11"), ("card01", "cca")):
        folder = tmp_path / "ap" / name
        folder.mkdir(parents=True)
        (folder / "uevent").write_text(f"DEVTYPE=ap_queue\nMODE={mode}\n")
    assert "no domain of one in CCA mode" in str(luks_cex.conflicts(luks)[0])
    (tmp_path / "ap" / "02.0011").mkdir()
    (tmp_path / "ap" / "02.0011" / "uevent").write_text("MODE=cca\n")
    assert luks_cex.conflicts(luks) == [] and luks_cex.conflicts(volume()) == []
    assert luks_cex.generate_command(luks)[-2:] == ["--apqns", "02.0011"]
    assert luks_cex.names(luks) == ("ignition-luks-data.skey", "ignition-luks-data.info")


_RECORDER = """#!/bin/sh
printf '%s\\n' "${0##*/}" "$@" '' >>"$RECORD"
case "${0##*/} $1" in
"zkey generate") printf %0136d 0 >REPOSITORY/$3.skey; echo text >REPOSITORY/$3.info ;;
"zkey-cryptsetup setvp") cat "$4" >"$RECORD.key" ;;
esac
"""


@pytest.mark.subprocess
def test_commands_for_secure_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: Any) -> None:
    """Recorded: the programs are IBM Z's, and so are the ciphers. Order and words are the reference's."""
    for setting, name in ((luks_cex, "ADAPTERS"), (luks_cex, "REPOSITORY"), (luks_cex, "IMAGE_KEY"), (luks_keys, "DIRECTORY")):
        monkeypatch.setattr(setting, name, str(tmp_path / name))
    for domain in ("02.0011", "01.0011"):
        (tmp_path / "ADAPTERS" / domain).mkdir(parents=True)
        (tmp_path / "ADAPTERS" / domain / "uevent").write_text("MODE=cca\n")
    (tmp_path / "IMAGE_KEY").write_bytes(b"of the image")
    (tmp_path / "REPOSITORY").mkdir()
    (tmp_path / "REPOSITORY" / "ignition-luks-data.skey").write_bytes(b"of a run that was cut off")
    (tmp_path / "bin").mkdir()
    for program in ("zkey", "zkey-cryptsetup", "cryptsetup"):
        (tmp_path / "bin" / program).write_text(_RECORDER.replace("REPOSITORY", str(tmp_path / "REPOSITORY")).replace("$RECORD", str(tmp_path / "record")))
        (tmp_path / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    device = tmp_path / "device"
    device.write_bytes(bytes(1 << 20))
    luks = volume(device=str(device), key_file=Resource(), cex=Cex(enabled=True), label="sealed", options=("--sector-size", "4096"))
    ctx = context(luks=(luks,))
    maker = luks_make.Maker(ctx, Prepared(), progress.load(ctx.config.storage))
    maker._format(luks, str(device))
    commands = [command.splitlines() for command in (tmp_path / "record").read_text().split("\n\n") if command]
    alias, key = aliases.alias_of(str(device)), luks_keys.path_of("data")
    assert commands == [
        ["zkey", "generate", "--name", "ignition-luks-data", "--key-type", "CCA-AESCIPHER", "--xts",
         "--description", "Secure Key for data Volume", "--apqns", "01.0011,02.0011"],
        [*luks_make.format_command(luks, alias, key), "--volume-key-file", str(tmp_path / "REPOSITORY" / "ignition-luks-data.skey"),
         "--cipher", "paes-xts-plain64", "--key-size", "1088"],
        ["zkey-cryptsetup", "setvp", alias, "--key-file", key],
    ]  # fmt: skip
    assert (tmp_path / "record.key").read_bytes() == b"of the image"
    maker._hand_on(luks, made=True)
    assert {name: decode(url) for name, url in maker.persist_volume_keys.items()} == {
        "ignition-luks-data.skey": b"0" * 136, "ignition-luks-data.info": b"text\n"}  # fmt: skip
    assert decode(maker.persist["data"]) == b"of the image"
    assert luks_make.measures(luks), "cards are asked one at a time"


# ---------------------------------------------------------------- headers and keys

@pytest.mark.subprocess
def test_headers_that_cryptsetup_makes(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luks_keys, "DIRECTORY", str(tmp_path / "keys"))
    image, luks = str(tmp_path / "image"), volume(label="läbel", uuid=UUID, options=FAST)
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    assert luks_found.look(log, image, luks).header is None
    subprocess.run(luks_make.format_command(luks, image, luks_keys.put("data", b"secret")), check=True)
    found = luks_found.look(log, image, luks)
    assert found.header is not None and not found.damaged
    assert (found.header.version, found.header.label, found.header.uuid) == (2, "läbel", UUID)
    assert found.marker == luks_found.marker_of(luks)
    assert luks_found.opens(log, image, luks, b"secret")
    assert not luks_found.opens(log, image, luks, b"wrong")
    assert luks_keys.get("data") == b"secret"  # trying a key touches no file
    with open(image, "r+b") as file:  # the first copy of the header is gone: cryptsetup would go on with the second
        file.write(bytes(4096))
    damaged = luks_found.look(log, image, luks)
    assert damaged.damaged and luks_plan.plan_volume(luks, damaged).action == "refuse"
    subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks1", "--key-file", "-", "--pbkdf-force-iterations", "1000", image],
                   input=b"x", check=True)  # fmt: skip
    assert luks_found.look(log, image, luks).describe().startswith("a LUKS1 volume with UUID")


@pytest.mark.subprocess
def test_memory_bounds_how_many_are_made_at_once(tmp_path: Path, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    image = str(tmp_path / "image")
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    argv = ["cryptsetup", "luksFormat", "-q", "--key-file", "-", "--pbkdf-memory", "65536", "--pbkdf-force-iterations", "4", image]
    subprocess.run(argv, input=b"x", check=True)
    ctx = context(luks=(volume(),))
    assert luks_found.slot_memory(ctx.log, image) == 64 << 20
    maker = luks_make.Maker(ctx, Prepared(), progress.load(ctx.config.storage))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    reuse, make = luks_plan.Decision("reuse", ""), luks_plan.Decision("make", "")
    for options, action, mib, number in (
        ((), reuse, 1024, 8), ((), reuse, 200, 3), ((), reuse, 60, 1), ((), reuse, 0, 1), (FAST, make, 60, 8),
        (("--pbkdf-force-iterations=4",), make, 3000, 2),
    ):  # fmt: skip
        monkeypatch.setattr(luks_make, "available_memory", lambda mib=mib: mib << 20)
        assert maker._at_once([(volume(options=options), action, image)] * 2) == number, (options, mib)
    assert maker._at_once([(volume(), reuse, image)]) == 1
    assert [luks_make.measures(volume(options=options)) for options in ((), FAST)] == [True, False]


@pytest.mark.parametrize("data", [b"", b"LUKS", b"LUKS\xba\xbe\0\2", bytes(4096), b"LUKS\xba\xbe\xff\xff" + b"\xff" * 600, os.urandom(4096)])
def test_hostile_headers(data: bytes) -> None:
    header = luks_found.parse(data)
    assert header is None or header.version == 0xFFFF


@pytest.mark.subprocess
@pytest.mark.parametrize("text", [
    b"", b"[]", b"{}", b"[" * 9000, b'{"config": 1}', b'{"config": {"keyslots_size": Infinity}}', b'{"config": {"keyslots_size": -1}}',
    b'{"config": {"keyslots_size": "16744448"}}', b'{"config": {"keyslots_size": 1e300}, "keyslots": {"0": 1}}', b"\xff\0\xff",
])
@pytest.mark.parametrize("size", [0, 16384, 4 << 20, 2**64 - 1])
def test_hostile_headers_in_the_middle_of_a_disk(tmp_path: Path, log: Log, text: bytes, size: int) -> None:
    """An excerpt is at most what the format has room for, and what cryptsetup does not take is damaged."""
    head = (b"LUKS\xba\xbe\0\2" + size.to_bytes(8, "big")).ljust(4096, b"x") + text
    (tmp_path / "disk").write_bytes(bytes(4096) + head + bytes(1 << 20))
    with luks_found.excerpt(str(tmp_path / "disk"), 4096, 1 << 20) as copy:
        assert os.stat(copy).st_size == 1 << 20
        assert Path(copy).read_bytes().startswith(head)
        found = luks_found.read(log, copy, Signature("crypto_LUKS"))
    assert found.damaged
    assert not os.path.exists(copy)
    assert luks_plan.plan_volume(volume(), found).action == "refuse"


def test_keys_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(luks_keys, "DIRECTORY", str(tmp_path / "run" / "keys"))
    path = luks_keys.put("a b/../é", b"one")
    luks_keys.put("a b/../é", b"two")
    assert os.path.dirname(path) == str(tmp_path / "run" / "keys") and " " not in path
    assert os.stat(path).st_mode & 0o7777 == 0o600 and os.stat(os.path.dirname(path)).st_mode & 0o7777 == 0o700
    assert luks_keys.get("a b/../é") == b"two" and luks_keys.get("other") is None
    luks_keys.drop("a b/../é")
    luks_keys.drop("a b/../é")
    luks_keys.put("x", b"x")
    luks_keys.drop_all()
    luks_keys.drop_all()
    assert not os.path.exists(luks_keys.DIRECTORY)


def test_generated_keys_are_text_and_differ() -> None:
    one, two = luks_keys.generate(), luks_keys.generate()
    assert len(one) == 8192 and not set(one) - set(b"0123456789abcdef") and one != two


@pytest.mark.subprocess
def test_what_a_program_says_hides_its_secrets(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    from ignition_py.system.run import CommandError, run

    with pytest.raises(CommandError) as failure:
        run(log, ["sh", "-c", 'echo "bad: $1" >&2; exit 1', "sh", '{"key": "s3cret"}'], what="x", secret=('{"key": "s3cret"}',))
    assert "s3cret" not in str(failure.value) + str(failure.value.said) + capsys.readouterr().out
    assert "bad: <hidden>" in str(failure.value)


