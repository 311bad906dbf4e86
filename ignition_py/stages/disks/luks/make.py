"""Making, binding and opening LUKS volumes: the only writer, with the reference's order and arguments.

    wipefs (wipeVolume) -> luksFormat -> luksOpen -> clevis luks bind -> close and open by Clevis -> remove our key -> verify

luksFormat benchmarks the key derivation by wall time; load during it would weaken the key, so volumes are formatted one after the
other. What comes afterwards goes side by side, as many volumes at once as there are processors, and as there is memory for the keys.

A volume that is being made carries a mark in its header (found.py) and stands in the progress record; both prove
to a second run that nobody has used it yet.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ignition_py.context import Context
from ignition_py.fetch.schemes.data import encode
from ignition_py.record import Record, field
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Luks
from ignition_py.stages.disks import aliases
from ignition_py.stages.disks.luks import cex as luks_cex
from ignition_py.stages.disks.luks import clevis as luks_clevis
from ignition_py.stages.disks.luks import found as luks_found
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.stages.disks.luks.pin_config import handed_over as pin_config
from ignition_py.stages.disks.luks.plan import DISCARDS, MADE, MAKING, Decision, bound, fact
from ignition_py.stages.disks.luks.prepared import Prepared
from ignition_py.stages.disks.places import AskedBy
from ignition_py.stages.disks.progress import Progress
from ignition_py.system import udev
from ignition_py.system.host import available_memory
from ignition_py.system.log import Log
from ignition_py.system.parallel import run_all
from ignition_py.system.run import run

_DEFAULT_MEMORY = 1 << 30  # bytes that cryptsetup gives a key, if the machine has twice as much (cryptsetup-luksFormat(8))
_UNMARKED = ("--subsystem", "--type", "-M")  # options of the config that leave no room for our mark


def format_command(luks: Luks, alias: str, key_path: str) -> list[str]:
    """The command that makes the volume; with the mark, unless an option of the config is in its way."""
    command = ["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--key-file", key_path]
    if luks.label:
        command += ["--label", luks.label]
    if luks.uuid:
        command += ["--uuid", luks.uuid]
    if not _names(luks, *_UNMARKED):
        command += ["--subsystem", luks_found.marker_of(luks)]
    return [*command, *luks.options, alias]


def _names(luks: Luks, *options: str) -> bool:
    """True if the config itself gives one of these options to luksFormat."""
    return any(option.startswith(options) for option in luks.options)


def open_command(luks: Luks, alias: str, key_path: str) -> list[str]:
    """The command that opens the volume. What it says about discards and other options is kept in the header:
    Clevis cannot be told, and crypttab does not say it."""
    command = ["cryptsetup", "luksOpen", alias, luks.name, "--key-file", key_path, "--persistent"]
    return [*command, *(["--allow-discards"] if luks.discard else []), *luks.open_options]


def measures(luks: Luks) -> bool:
    """True if luksFormat benchmarks the machine for this volume. A secure key's card is asked one at a time, too."""
    return luks.cex.enabled or not _names(luks, "--pbkdf-force-iterations")


def cheap(luks: Luks) -> bool:
    """True if deriving the key of a new volume takes next to no memory."""
    options = " ".join(luks.options).replace("=", " ").split()
    return "pbkdf2" in options[options.index("--pbkdf") + 1 :][:1] if "--pbkdf" in options else False


class Maker(Record):
    """Carries decisions out. `persist` and `persist_volume_keys` are what the files stage needs, for the state."""

    ctx: Context
    prepared: Prepared
    record: Progress
    persist: dict[str, str] = field(default_factory=dict)
    persist_volume_keys: dict[str, str] = field(default_factory=dict)

    def carry_out(self, todo: Sequence[tuple[Luks, Decision, str]]) -> None:
        """Each volume with what was decided for it, and its node. Raises CommandError or StageError."""
        for luks, decision, node in todo:
            if decision.action == "make" and measures(luks):
                self._format(luks, node)
        jobs = [partial(self._carry_out_one, luks, decision, node) for luks, decision, node in todo]
        run_all(jobs, self._at_once(todo), stop_on_error=True)

    def _at_once(self, todo: Sequence[tuple[Luks, Decision, str]]) -> int:
        """How many keys can be derived at once."""
        processors = os.cpu_count() or 1
        if len(todo) < 2 or processors < 2:
            return 1
        need = 1
        for luks, decision, node in todo:
            if decision.action == "make" and not measures(luks):
                need = max(need, 0 if cheap(luks) else _DEFAULT_MEMORY)
            else:
                need = max(need, luks_found.slot_memory(self.ctx.log, node))
        return max(min(processors, available_memory() // need), 1)

    def _carry_out_one(self, luks: Luks, decision: Decision, node: str) -> None:
        with AskedBy(luks):
            self._carry_out_volume(luks, decision, node)

    def _carry_out_volume(self, luks: Luks, decision: Decision, node: str) -> None:
        if decision.action == "make":
            if not measures(luks):
                self._format(luks, node)
            with self.ctx.log.step(f"disks: opening the LUKS volume {luks.name} on {luks.device}"):
                self._complete(luks, node)
        elif decision.action == "reuse":
            self._open_by_key(luks, self.prepared.keys[luks.name])
        elif decision.action == "open":
            self._open_again(luks)
        self._wait(luks)
        self._hand_on(luks, made=decision.action == "make")

    def _run(self, argv: Sequence[str], what: str, *, secret: Sequence[str] = ()) -> None:
        # Clevis is made of bash, which would say at each start that an initramfs has no other locale.
        run(self.ctx.log, argv, what=what, secret=secret, env={"LC_ALL": "C"})

    def _format(self, luks: Luks, node: str) -> None:
        hint = "See what the program says; `options` of the volume go to cryptsetup luksFormat as they are"
        with AskedBy(luks, hint), self.ctx.log.step(f"disks: making the LUKS volume {luks.name} on {luks.device}"):
            self._format_now(luks, node)

    def _format_now(self, luks: Luks, node: str) -> None:
        alias = aliases.alias_of(luks.device or "")
        self.record.add(MAKING, *fact(luks))
        if luks_found.mangled(luks.name) in luks_found.look(self.ctx.log, node, luks).open_as:
            self._close(luks)
        if luks.wipe_volume:
            self._run(["wipefs", "-a", alias], f"removing signatures from {luks.device}")
        key_path = luks_keys.put(luks.name, self._new_key(luks))
        command = format_command(luks, alias, key_path)
        if luks.cex.enabled:
            command += luks_cex.secure_key(self.ctx.log, luks)
        self._run(command, f"making the LUKS volume {luks.name} on {luks.device}")
        if luks.cex.enabled:
            luks_cex.set_pattern(self.ctx.log, alias, key_path, luks)

    def _complete(self, luks: Luks, node: str) -> None:
        alias, key_path = aliases.alias_of(luks.device or ""), luks_keys.path_of(luks.name)
        self._run(open_command(luks, alias, key_path), f"opening the LUKS volume {luks.name}")
        if bound(luks):
            self._bind(luks, alias, key_path)
        udev.settle_devices(self.ctx.log, alias)
        self._verify(luks, node)
        self.record.add(MADE, *fact(luks))

    def _new_key(self, luks: Luks) -> bytes:
        key = self.prepared.keys.get(luks.name)
        if key is None and luks.cex.enabled:
            key = luks_cex.image_key()
        return luks_keys.generate() if key is None else key

    def _bind(self, luks: Luks, alias: str, key_path: str) -> None:
        bind_pin(self.ctx.log, luks, alias, key_path, self.prepared.advertisements)
        if luks_clevis.reopens(luks):
            self._close(luks)
            self._unlock(luks, alias)
        if not luks.key_file.source:
            self._run(
                ["cryptsetup", "luksRemoveKey", alias, key_path],
                f"removing the temporary key of the LUKS volume {luks.name}",
            )
            luks_keys.drop(luks.name)

    def _close(self, luks: Luks) -> None:
        self._run(["cryptsetup", "luksClose", luks.name], f"closing the LUKS volume {luks.name}")

    def _unlock(self, luks: Luks, alias: str) -> None:
        self._run(
            ["clevis", "luks", "unlock", "-d", alias, "-n", luks.name],
            f"opening the LUKS volume {luks.name} by Clevis",
        )

    def _open_by_key(self, luks: Luks, key: bytes) -> None:
        alias = aliases.alias_of(luks.device or "")
        path = luks_keys.put(luks.name, key)
        if luks_found.mangled(luks.name) not in luks_found.mappings():
            self._run(open_command(luks, alias, path), f"opening the LUKS volume {luks.name}")

    def _open_again(self, luks: Luks) -> None:
        """A volume that an earlier run of this boot has made, and that somebody has closed since."""
        key = self.prepared.keys.get(luks.name) or luks_keys.get(luks.name)
        if key is not None:
            self._open_by_key(luks, key)
        elif bound(luks):
            self._unlock(luks, aliases.alias_of(luks.device or ""))
        else:
            raise StageError(
                f"the LUKS volume {luks.name} was made by an earlier run of this boot and its key is gone"
            )

    def _wait(self, luks: Luks) -> None:
        node = luks_found.node_of(luks.name)
        udev.wait_for(self.ctx.log, {node: luks.place()})
        aliases.make(node)

    def _hand_on(self, luks: Luks, *, made: bool) -> None:
        """The key for the state, where the reference leaves it there too."""
        key = self.prepared.keys.get(luks.name) or luks_keys.get(luks.name)
        if key is not None:
            self.persist[luks.name] = encode(key)
        elif not bound(luks) and luks.name in self.ctx.state.luks_persist_key_files:
            self.persist[luks.name] = self.ctx.state.luks_persist_key_files[luks.name]
        if luks.cex.enabled:
            self.persist_volume_keys.update(luks_cex.persisted(luks))
        if luks.key_file.source:
            luks_keys.drop(luks.name)  # it can be fetched again

    def _verify(self, luks: Luks, node: str) -> None:
        """What cryptsetup and the kernel have must be what the config wants. Raises StageError."""
        found = luks_found.look(self.ctx.log, node, luks)
        header = found.header
        wrong = []
        if header is None or found.damaged:
            wrong.append("it has no LUKS header")
        elif header.version == 2:
            if luks.label and header.label != luks.label and not _names(luks, "--label"):
                wrong.append(f'its label is "{header.label}"')
            if luks.uuid and header.uuid != luks.uuid.lower() and not _names(luks, "--uuid"):
                wrong.append(f"its UUID is {header.uuid}")
            if luks.discard and DISCARDS not in found.flags:
                wrong.append("its header does not let discards through")
        elif not _names(luks, "--type", "-M"):
            wrong.append(f"it is {found.describe()}")
        if bound(luks) and not found.clevis:
            wrong.append("Clevis has left no token in its header")
        if luks_found.mangled(luks.name) not in found.open_as:
            wrong.append("it is not open")
        if wrong:
            raise StageError(f"the LUKS volume {luks.name} is not as wanted: {'; '.join(wrong)}")


def bind_pin(log: Log, luks: Luks, device: str, key_path: str, advertisements: Mapping[str, Any]) -> None:
    """Binds a volume, which the key in the file `key_path` opens, to its Clevis pin. Raises CommandError, StageError."""
    pin, config = luks_clevis.pin_of(luks, advertisements)
    what = f"binding the LUKS volume {luks.name} with the Clevis pin {pin}"
    try:
        with pin_config(luks.name, pin, config) as passed:
            command = ["clevis", "luks", "bind", "-f", "-k", key_path, "-d", device, pin, passed.argument]
            # Clevis is made of bash, which would say at each start that an initramfs has no other locale.
            run(log, command, what=what, secret=(config,), env={"LC_ALL": "C", **passed.environment})
    except OSError as error:
        raise StageError(f"{what}: {error.filename}: {error.strerror}") from None


def handed_over(ctx: Context) -> None:
    """Called when the new root has keys and crypttab, on the disk: takes the marks out of the headers and the keys out
    of memory. From now on a volume is wiped only if the config says so. Raises CommandError, StageError."""
    for luks in ctx.config.storage.luks:
        alias = aliases.alias_of(luks.device or "")
        node = aliases.real_of(luks.device or "")
        header = luks_found.read_header(node)
        if header is not None and header.subsystem.startswith(luks_found.MARK):
            run(
                ctx.log,
                ["cryptsetup", "config", "--label", header.label, "--subsystem", "", alias],
                what=f"completing the LUKS volume {luks.name}",
            )
    luks_keys.drop_all()
