"""LUKS volumes for real, with cryptsetup, Clevis, tangd and a TPM, where the kernel has the device mapper (in the VM: see
tests/vm/README.md)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec import tables
from ignition_py.spec.dataurl import decode
from ignition_py.spec.tables import (
    Clevis,
    ClevisCustom,
    Filesystem,
    Luks,
    Partition,
    Raid,
    Resource,
)
from ignition_py.stages import disks, files
from ignition_py.stages.disks import aliases, progress
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.system import run as run_module
from ignition_py.system.log import Log
from tests.stages.disks.disks_lab import disk, fetching_for, fingerprint, forget_boot, replace_run
from tests.stages.disks.luks_lab import FAST, Tang, close, dump, key_opens, said, serving_tang, shown

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]

KEY = Resource(source="data:,the-key-of-the-config", verification=tables.Verification(
    hash="sha256-" + hashlib.sha256(b"the-key-of-the-config").hexdigest()))  # fmt: skip
UUID = "5de10927-7137-4b6b-a201-25b3d1adb74f"
NULL = Clevis(custom=ClevisCustom(pin="null", config="{}"))
Loop = Callable[..., str]
Make = Callable[..., Context]


@pytest.fixture(autouse=True)
def _device_mapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    subprocess.run(["modprobe", "-q", "dm_crypt"], check=False)
    if "device-mapper" not in Path("/proc/misc").read_text():
        pytest.skip("this kernel has no device mapper: the VM's has")
    monkeypatch.setattr(luks_keys, "DIRECTORY", str(tmp_path / "run" / "luks-keys"))
    yield
    close(*[name for name in ("one", "two", "three") if os.path.exists(f"/dev/mapper/{name}")])
    subprocess.run("mdadm --stop /dev/md/* 2>/dev/null; udevadm settle", shell=True, check=False)


@pytest.fixture(scope="module")
def tang(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tang]:
    with serving_tang(tmp_path_factory.mktemp("tang") / "keys") as server:
        yield server


@pytest.fixture
def make(context: Make, log: Log) -> Make:
    """A context whose fetcher works, and gives up after `seconds`."""

    def made(*, seconds: int = 120, **storage: Any) -> Context:
        return fetching_for(seconds, log, context(**storage))

    return made


def volume(device: str, name: str = "one", **more: Any) -> Luks:
    return Luks(**{"name": name, "device": device, "options": FAST, **more})


def hand_over(ctx: Context) -> Path:
    """The files stage, on a root of nothing."""
    root = Path(ctx.root)
    (root / "etc").mkdir(exist_ok=True)
    files.run(ctx)
    return root / "etc"


def no_secret(captured: pytest.CaptureFixture[str], *secrets: bytes) -> None:
    said = captured.readouterr()
    for secret in secrets:
        assert secret.decode() not in said.out + said.err


def test_a_given_key_and_everything_that_is_kept(loop: Loop, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    node = loop(96)
    luks = volume(node, key_file=KEY, label="data", uuid=UUID, discard=True, open_options=("--perf-no_read_workqueue",))
    ctx = make(luks=(luks,), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4", label="inside"),))
    disks.run(ctx)
    assert (shown(node, "Label"), shown(node, "UUID")) == ("data", UUID)
    assert sorted(dump(node)["config"]["flags"]) == ["allow-discards", "no-read-workqueue"]
    assert said("blkid", "-p", "-o", "value", "-s", "LABEL", "/dev/mapper/one") == "inside\n"
    assert os.path.realpath(aliases.alias_of("/dev/mapper/one")) == os.path.realpath("/dev/mapper/one")
    assert decode(ctx.state.luks_persist_key_files["one"]) == b"the-key-of-the-config"
    assert luks_found.read_header(node).subsystem == luks_found.marker_of(luks)  # type: ignore[union-attr]
    before = fingerprint(node)
    disks.run(ctx)  # the same boot again
    assert fingerprint(node) == before
    etc = hand_over(ctx)
    assert (etc / "crypttab").read_text() == f"one UUID={UUID} /etc/luks/one luks,x-initrd.attach\n"
    assert (etc / "luks" / "one").read_bytes() == b"the-key-of-the-config"
    assert [oct(os.stat(etc / p).st_mode & 0o7777) for p in ("luks", "luks/one", "crypttab")] == ["0o700", "0o600", "0o600"]
    assert shown(node, "Subsystem") == "(no subsystem)" and shown(node, "Label") == "data"
    assert not os.path.exists(luks_keys.DIRECTORY) and ctx.state.luks_persist_key_files == {}
    no_secret(capsys, b"the-key-of-the-config")


def test_a_generated_key(loop: Loop, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    node = loop(64)
    ctx = make(disks=(disk(node, Partition(number=1, label="p", size_mib=40)),), luks=(volume(f"{node}p1"),))
    disks.run(ctx)
    key = decode(ctx.state.luks_persist_key_files["one"])
    assert len(key) == 8192 and os.stat(luks_keys.path_of("one")).st_mode & 0o777 == 0o600
    etc = hand_over(ctx)
    assert (etc / "luks" / "one").read_bytes() == key and key_opens(f"{node}p1", key)
    no_secret(capsys, key)
    close("one")
    forget_boot()
    before = fingerprint(node)
    parts = Partition(number=1, label="p"), Partition(number=2, label="q")
    for more in ({}, {"disks": (disk(node, *parts),)}):  # the second: the partition that is there stays, another is made
        with pytest.raises(StageError, match=r"cannot be reused as one: the config gives no key file.*Changed so far: nothing"):
            disks.run(make(luks=ctx.config.storage.luks, **more))
    assert fingerprint(node) == before


def test_reuse_and_refusal(loop: Loop, make: Make) -> None:
    node, other = loop(24), loop(24)  # small ones: a translated machine decrypts a megabyte a second
    wanted: dict[str, Any] = {"key_file": KEY, "label": "data", "uuid": UUID}
    disks.run(ctx := make(luks=(volume(node, **wanted),), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),)))
    hand_over(ctx)
    inside = fingerprint("/dev/mapper/one")
    close("one")
    forget_boot()

    def refused(match: str, *volumes: Luks) -> None:
        before = fingerprint(node), fingerprint(other)
        with pytest.raises(StageError, match=match):
            disks.run(make(disks=(disk(other, Partition(label="x"), wipe_table=True),), luks=volumes))
        assert (fingerprint(node), fingerprint(other)) == before, "a refusal comes before the first write"
        forget_boot()

    refused("its key file|key file of the config does not open it", volume(node, key_file=Resource(source="data:,wrong")))
    refused(r'label is "data", the config wants "x"; its UUID is.*; it forbids discards',
            volume(node, key_file=KEY, label="x", uuid="0" * 8 + UUID[8:], discard=True))  # fmt: skip
    refused("Clevis opens is always made anew", volume(node, key_file=KEY, clevis=NULL))
    refused("the contents have the hash sha256-", volume(node, key_file=KEY.but(verification=tables.Verification(hash="sha256-" + "0" * 64))))
    refused("it is empty", volume(node, key_file=Resource(source="data:,")))
    refused("3 conflicts.*it is empty.*gives no key file.*holds a gpt partition table",
            volume(node), volume(other, "two", key_file=Resource(source="data:,")))  # fmt: skip
    ctx = make(luks=(volume(node, **wanted),), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),))
    disks.run(ctx)
    assert fingerprint("/dev/mapper/one") == inside
    assert decode(ctx.state.luks_persist_key_files["one"]) == b"the-key-of-the-config"
    forget_boot()
    disks.run(ctx)  # killed after opening it: it is open already
    assert fingerprint("/dev/mapper/one") == inside
    close("one")
    forget_boot()
    disks.run(make(luks=(volume(node, key_file=Resource(source="data:,new"), wipe_volume=True),)))
    assert key_opens(node, b"new") and not key_opens(node, b"the-key-of-the-config")


def test_a_volume_in_a_partition_that_is_made_anew(loop: Loop, make: Make) -> None:
    """`wipeTable` takes the table and not what is in the sectors: the volume of before is found in the new partition, and its
    key is tried before anything is written."""
    node = loop(32)
    wanted: dict[str, Any] = {"disks": (disk(node, Partition(number=1, label="p", size_mib=24), wipe_table=True),)}
    disks.run(ctx := make(**wanted, luks=(volume(f"{node}p1", key_file=KEY),), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),)))
    hand_over(ctx)
    inside = fingerprint("/dev/mapper/one")
    close("one")
    forget_boot()
    wanted["disks"] = (disk(node, Partition(number=1, label="q", size_mib=24), wipe_table=True),)
    before = fingerprint(node)
    with pytest.raises(StageError, match=r"the key file of the config does not open it.*Changed so far: nothing"):
        disks.run(make(**wanted, luks=(volume(f"{node}p1", key_file=Resource(source="data:,wrong")),)))
    assert fingerprint(node) == before
    disks.run(make(**wanted, luks=(volume(f"{node}p1", key_file=KEY),), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),)))
    assert fingerprint("/dev/mapper/one") == inside
    forget_boot()
    close("one")
    disks.run(make(luks=(volume(f"{node}p1", key_file=KEY),)))
    # It is open: what is in it can be judged before anything is written.
    with pytest.raises(StageError, match=r"/dev/mapper/one holds ext4.*Changed so far: nothing"):
        disks.run(make(luks=(volume(f"{node}p1", key_file=KEY),), filesystems=(Filesystem(device="/dev/mapper/one", format="xfs"),)))


def test_what_is_there_is_refused_or_wiped(loop: Loop, make: Make) -> None:
    node = loop(64)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "old", node], check=True)
    with pytest.raises(StageError, match=r'holds ext4 with label "old".*wipeVolume'):
        disks.run(make(luks=(volume(node),)))
    disks.run(make(luks=(volume(node, wipe_volume=True, key_file=KEY),)))
    assert shown(node, "UUID")
    close("one")
    subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks1", "--key-file", "-", "--pbkdf-force-iterations", "1000", node],
                   input=b"x", check=True)  # fmt: skip
    with pytest.raises(StageError, match=r"a LUKS1 volume.*it is not LUKS2"):
        disks.run(make(luks=(volume(node, key_file=KEY),)))
    subprocess.run(["mkfs.ext4", "-q", "-F", node], check=True)
    subprocess.run(["mount", node, "/mnt"], check=True)
    try:
        with pytest.raises(StageError, match="it is mounted at /mnt"):
            disks.run(make(luks=(volume(node, key_file=KEY, wipe_volume=True),)))
    finally:
        subprocess.run(["umount", "/mnt"], check=True)


def test_tang_whose_advertisement_is_fetched(loop: Loop, make: Make, tang: Tang) -> None:
    node = loop(64)
    luks = volume(node, discard=True, clevis=Clevis(tang=(tables.Tang(url=tang.url, thumbprint=tang.thumbprint),)))
    ctx = make(luks=(luks,), filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),))
    disks.run(ctx)
    data = dump(node)
    assert [token["type"] for token in data["tokens"].values()] == ["clevis"]
    assert list(data["keyslots"]) == ["1"], "the temporary key is gone"
    assert data["config"]["flags"] == ["allow-discards"]
    assert ctx.state.luks_persist_key_files == {} and luks_keys.get("one") is None
    assert "sss" in said("clevis", "luks", "list", "-d", node) and tang.url in said("clevis", "luks", "list", "-d", node)
    uuid = shown(node, "UUID")
    assert (hand_over(ctx) / "crypttab").read_text() == f"one UUID={uuid} none luks,_netdev,x-initrd.attach\n"
    close("one")
    subprocess.run(["clevis", "luks", "unlock", "-d", node, "-n", "one"], check=True)
    assert said("blkid", "-p", "-o", "value", "-s", "TYPE", "/dev/mapper/one") == "ext4\n"


def test_tang_whose_advertisement_is_given(loop: Loop, make: Make, tang: Tang) -> None:
    """Nobody answers at the address: the volume is bound all the same, and is left open by our key."""
    node = loop(64)
    server = tables.Tang(url="http://127.0.0.1:1", thumbprint=tang.thumbprint, advertisement=tang.advertisement())
    disks.run(make(luks=(volume(node, clevis=Clevis(tang=(server,))),)))
    assert [token["type"] for token in dump(node)["tokens"].values()] == ["clevis"]
    assert list(dump(node)["keyslots"]) == ["1"] and os.path.exists("/dev/mapper/one")


def test_tang_servers_that_cannot_be_are_told_before_the_first_write(loop: Loop, make: Make, tang: Tang) -> None:
    node = loop(64)
    before = fingerprint(node)
    volumes = (
        volume(f"{node}p1", clevis=Clevis(tang=(tables.Tang(url="http://127.0.0.1:1", thumbprint="x"),))),
        volume(f"{node}p2", "two", clevis=Clevis(tang=(tables.Tang(url=tang.url, thumbprint="wrong"),))),
        volume(f"{node}p3", "three", clevis=Clevis(
            tang=(tables.Tang(url="http://a", thumbprint="wrong", advertisement=tang.advertisement()),))),
    )  # fmt: skip
    parts = [Partition(number=number, label=f"x{number}", size_mib=20) for number in (1, 2, 3)]
    ctx = make(seconds=20, disks=(disk(node, *parts, wipe_table=True),), luks=volumes)  # one of them is there, and may be slow
    with pytest.raises(StageError) as failure:
        disks.run(ctx)
    message = str(failure.value)
    assert "3 conflicts" in message and "advertisement of the Tang server http://127.0.0.1:1" in message
    assert message.count(f"have the thumbprints {tang.thumbprint}, the config wants wrong") == 2
    assert failure.value.changed == "nothing" and fingerprint(node) == before


def test_tpm2(loop: Loop, make: Make) -> None:
    node = loop(64)
    ctx = make(luks=(volume(node, clevis=Clevis(tpm2=True)),))
    disks.run(ctx)
    assert "tpm2" in said("clevis", "luks", "list", "-d", node) and list(dump(node)["keyslots"]) == ["1"]
    assert (hand_over(ctx) / "crypttab").read_text().endswith(" none luks,x-initrd.attach\n")
    close("one")
    subprocess.run(["clevis", "luks", "unlock", "-d", node, "-n", "one"], check=True)


def test_two_of_two_with_a_given_key(loop: Loop, make: Make, tang: Tang) -> None:
    """The user's own key stays in the header; crypttab goes by Clevis."""
    node = loop(64)
    clevis = Clevis(tang=(tables.Tang(url=tang.url, thumbprint=tang.thumbprint),), tpm2=True, threshold=2)
    ctx = make(luks=(volume(node, clevis=clevis, key_file=KEY),))
    disks.run(ctx)
    assert key_opens(node, b"the-key-of-the-config") and list(dump(node)["keyslots"]) == ["0", "1"]
    assert json.loads(said("clevis", "luks", "list", "-d", node).partition("'")[2].rpartition("'")[0])["t"] == 2
    close("one")
    asked = tang.connections
    subprocess.run(["clevis", "luks", "unlock", "-d", node, "-n", "one"], check=True)
    assert tang.connections > asked
    etc = hand_over(ctx)
    assert " none luks,_netdev," in (etc / "crypttab").read_text() and not (etc / "luks").exists()


def test_a_custom_pin(loop: Loop, make: Make, tang: Tang, capsys: pytest.CaptureFixture[str]) -> None:
    node, second = loop(64), loop(64)
    config = json.dumps({"t": 1, "pins": {"tang": [{"url": tang.url, "thp": tang.thumbprint}]}})
    custom = ClevisCustom(pin="sss", config=config, needs_network=True)
    bad = ClevisCustom(pin="tang", config='{"note": "s3cret"}')
    ctx = make(luks=(volume(node, clevis=Clevis(custom=custom)),))
    disks.run(ctx)
    assert tang.url in said("clevis", "luks", "list", "-d", node)
    assert (hand_over(ctx) / "crypttab").read_text().endswith(" none luks,_netdev,x-initrd.attach\n")
    capsys.readouterr()
    with pytest.raises(run_module.CommandError, match="binding the LUKS volume two with the Clevis pin tang") as failure:
        disks.run(make(luks=(volume(second, "two", clevis=Clevis(custom=bad)),)))
    assert "s3cret" not in str(failure.value)
    no_secret(capsys, b"s3cret")


def test_on_raid_and_with_integrity(loop: Loop, make: Make) -> None:
    one, two, three = loop(96), loop(96), loop(64)
    ctx = make(
        disks=tuple(disk(node, Partition(label=f"m{i}"), wipe_table=True) for i, node in enumerate((one, two))),
        raid=(Raid(name="pair", level="raid1", devices=(f"{one}p1", f"{two}p1")),),
        luks=(volume("/dev/md/pair"), volume(three, "two", options=(*FAST, "--integrity", "hmac-sha256", "--integrity-no-wipe"))),
        filesystems=(Filesystem(device="/dev/mapper/one", format="ext4"),),
    )
    disks.run(ctx)
    assert said("lsblk", "-nro", "TYPE", "/dev/mapper/one").split() == ["crypt"]
    assert "raid1" in said("lsblk", "-snro", "TYPE", "/dev/mapper/one").split()
    disks.run(ctx)


def test_several_at_once(loop: Loop, make: Make, tang: Tang, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other while the machine is measured, side by side afterwards."""
    measured = ("--pbkdf-memory", "65536", "--iter-time", "100")
    bind = Clevis(tang=(tables.Tang(url=tang.url, thumbprint=tang.thumbprint),))
    volumes = (
        volume(loop(64), options=measured, label="first"), volume(loop(64), "two", options=measured, clevis=bind),
        volume(loop(64), "three", clevis=bind),
    )  # fmt: skip
    ctx = make(luks=volumes, filesystems=tuple(Filesystem(device=f"/dev/mapper/{it.name}", format="ext4") for it in volumes))
    capsys.readouterr()
    disks.run(ctx)
    lines = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()]
    for name in ("one", "two"):
        [start, end] = [i for i, line in enumerate(lines) if line.startswith(f"disks: making the LUKS volume {name} on ")]
        between = [line for line in lines[start:end] if line.startswith("running:") and not line.startswith(("running: blkid", "running: cryptsetup luksDump"))]
        assert all("luksFormat" in line for line in between), between
    assert [sorted(token["type"] for token in dump(it.device or "")["tokens"].values()) for it in volumes] == [[], ["clevis"], ["clevis"]]
    assert [list(dump(it.device or "")["keyslots"]) for it in volumes] == [["0"], ["1"], ["1"]]


# ---------------------------------------------------------------- interrupted

class Killed(BaseException):
    """What a kill looks like from inside: nothing of ours handles it."""


class Saboteur:
    """Kills before or after program number `at`, or when the record's line number `at` is written."""

    READERS = ("blkid", "modprobe", "udevadm")

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.count = -1, 0
        real, add = run_module.run, progress.Progress.add

        def run(log: Any, argv: Any, **more: Any) -> Any:
            if argv[0] in self.READERS or "luksDump" in argv:
                return real(log, argv, **more)
            self.effect()
            done = real(log, argv, **more)
            self.effect()
            return done

        def noted(record: Any, *words: str) -> None:
            self.effect()
            add(record, *words)

        replace_run(monkeypatch, run)
        monkeypatch.setattr(progress.Progress, "add", noted)

    def effect(self) -> None:
        self.count += 1
        if 0 <= self.at < self.count:
            raise Killed

    def run(self, stage: Callable[[Context], object], ctx: Context, at: int = -1) -> int:
        self.at, self.count = at, 0
        try:
            stage(ctx)
        finally:
            self.at = -1
        return self.count


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch) -> Saboteur:
    return Saboteur(monkeypatch)


def blank(node: str, size: int = 1 << 20) -> None:
    with open(node, "r+b") as file:
        file.write(bytes(size))


def picture(node: str, ctx: Context) -> dict[str, Any]:
    data = dump(node)
    key = ctx.state.luks_persist_key_files.get("one")
    return {
        "slots": list(data["keyslots"]), "tokens": [token["type"] for token in data["tokens"].values()],
        "label": shown(node, "Label"), "key opens it": key is not None and key_opens(node, decode(key)),
        "inside": said("blkid", "-p", "-o", "value", "-s", "LABEL", "/dev/mapper/one"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("clevis", "step"),
    [(Clevis(), 3), pytest.param(Clevis(), 1, marks=pytest.mark.matrix), pytest.param(NULL, 1, marks=pytest.mark.matrix)],
    ids=["generated key", "generated key, everywhere", "clevis, everywhere"],
)
def test_killed_anywhere_and_run_again(loop: Loop, make: Make, saboteur: Saboteur, clevis: Clevis, step: int) -> None:
    """In the same boot the record tells what is ours, after a power cut the mark in the header does. `step`: from one effect to the next."""
    node = loop(32)
    wanted: Any = {
        "luks": (volume(node, label="mine", clevis=clevis),),
        "filesystems": (Filesystem(device="/dev/mapper/one", format="ext4", label="inside"),),
    }
    effects = saboteur.run(disks.run, ctx := make(**wanted))
    goal = picture(node, ctx)
    assert goal["inside"] == "inside\n" and goal["label"] == "mine" and goal["key opens it"] is (clevis != NULL)
    for at in range(1, effects, step):
        cut = "power" if at % 2 else "same boot"
        close("one")
        blank(node)
        forget_boot()
        luks_keys.drop_all()
        with pytest.raises(Killed):
            saboteur.run(disks.run, make(**wanted), at)
        if cut == "power":
            close("one")
            forget_boot()
            luks_keys.drop_all()
        disks.run(ctx := make(**wanted))
        assert picture(node, ctx) == goal, (at, cut)


def test_cut_off_in_the_files_stage(loop: Loop, make: Make, saboteur: Saboteur, tmp_path: Path) -> None:
    """Until the files stage has ended the volume is made anew at the next boot; from then on it is refused."""
    node = loop(32)
    ctx = make(luks=(volume(node),))
    disks.run(ctx)
    (Path(ctx.root) / "etc").mkdir()
    assert saboteur.run(files.run, ctx) == 4  # before and after asking for the UUID, before and after taking the mark away
    for at in (0, 2):
        close("one")
        blank(node)
        forget_boot()
        disks.run(ctx := make(luks=(volume(node),)))
        with pytest.raises(Killed):
            saboteur.run(files.run, ctx, at)
        close("one")
        forget_boot()
        luks_keys.drop_all()
        disks.run(ctx := make(luks=(volume(node),)))
        key = decode(ctx.state.luks_persist_key_files["one"])
        files.run(ctx)
        assert (Path(ctx.root) / "etc/luks/one").read_bytes() == key and key_opens(node, key)
        assert (Path(ctx.root) / "etc/crypttab").read_text().count("\n") == 1
    close("one")
    forget_boot()
    with pytest.raises(StageError, match="cannot be reused as one"):
        disks.run(make(luks=(volume(node),)))
    assert key_opens(node, key)


def test_an_unfinished_volume_of_another_config_is_refused(loop: Loop, make: Make) -> None:
    node = loop(32)
    disks.run(make(luks=(volume(node),)))
    close("one")
    forget_boot()
    with pytest.raises(StageError, match="the config gives no key file"):
        disks.run(make(luks=(volume(node, label="other"),)))


