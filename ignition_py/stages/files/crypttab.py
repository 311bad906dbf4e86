"""LUKS volumes in the new root: `/etc/crypttab` and the key files that the disks stage generated.

Format: crypttab(5). `x-initrd.attach` keeps the volume open until the initramfs of the shutdown; `_netdev` is for
volumes that a network service unlocks.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.dataurl import DataUrlError, decode
from ignition_py.spec.tables import Luks
from ignition_py.stages.disks.aliases import alias_of
from ignition_py.stages.files.journal import Journal
from ignition_py.stages.files.nodes.writer import Permissions, Writer
from ignition_py.stages.files.touched import Touched
from ignition_py.system.rootfs import Root, chunks_of, shown
from ignition_py.system.run import run

CRYPTTAB = "/etc/crypttab"
KEYS = "/etc/luks"
VOLUME_KEYS = "/etc/zkey/repository"


def line(luks: Luks, uuid: str) -> str:
    """The line of a volume. One that Clevis unlocks has no key file."""
    clevis = luks.clevis
    by_clevis = bool(clevis.tang or clevis.tpm2 or clevis.custom.pin or clevis.threshold)
    network = bool(clevis.tang) or bool(clevis.custom.pin and clevis.custom.needs_network)
    options = ",".join(["luks", *(["_netdev"] if network else []), "x-initrd.attach"])
    return f"{luks.name} UUID={uuid} {'none' if by_clevis else f'{KEYS}/{luks.name}'} {options}\n"


def apply_crypttab(ctx: Context, root: Root, journal: Journal, touched: Touched) -> None:
    """Writes crypttab and key files; takes the keys out of the state. Raises StageError, CommandError."""
    volumes = ctx.config.storage.luks
    if not volumes:
        return
    lines = [line(luks, _uuid(ctx, luks)) for luks in volumes]
    wanted = [luks for luks, text in zip(volumes, lines, strict=True) if f" {KEYS}/" in text]
    keys = {luks.name: _key(ctx, luks) for luks in wanted if not _has_key(ctx, root, journal, luks)}
    try:
        base = _base(root, journal)
        journal.save()
        with Writer(root, ctx.log) as writer:
            if keys:
                _key_directory(root, touched)
            for name, key in keys.items():
                writer.write(f"{KEYS}/{name}", (key,), Permissions(0o600, 0, 0))
                touched.add(root.locate(f"{KEYS}/{name}"))
            _secure_keys(ctx, root, writer, touched)
            _append(root, writer, base, lines)
            touched.add(root.locate(CRYPTTAB))
    except OSError as error:
        raise StageError(f"writing {CRYPTTAB} and the keys of LUKS volumes: {error.strerror}") from None
    ctx.state.luks_persist_key_files = {}


def _uuid(ctx: Context, luks: Luks) -> str:
    what = f"asking for the UUID of LUKS volume {shown(luks.name)}"
    device = luks.device or ""
    alias = alias_of(device)
    done = run(ctx.log, ["cryptsetup", "luksUUID", alias if os.path.exists(alias) else device], what=what)
    uuid = done.stdout.decode("ascii", "replace").strip()
    if not uuid or any(c not in "0123456789abcdefABCDEF-" for c in uuid):
        raise StageError(f"{what}: cryptsetup printed none")
    return uuid


def _has_key(ctx: Context, root: Root, journal: Journal, luks: Luks) -> bool:
    """True if an earlier run took the key out of the state and put it into its place."""
    gone = luks.name not in ctx.state.luks_persist_key_files
    return gone and journal.resumed and root.is_file(f"{KEYS}/{luks.name}")


def _key(ctx: Context, luks: Luks) -> bytes:
    try:
        return decode(ctx.state.luks_persist_key_files[luks.name])
    except (KeyError, DataUrlError):
        raise StageError(f"the disks stage has left no key for LUKS volume {shown(luks.name)}", place=luks.place()) from None


def _key_directory(root: Root, touched: Touched) -> None:
    """Only root may look at key files; a directory that is there keeps its mode."""
    with root.spot(KEYS, create=True) as spot:
        if spot.lstat() is None:
            spot.mkdir(0o700)
            touched.add(spot.where)


def _secure_keys(ctx: Context, root: Root, writer: Writer, touched: Touched) -> None:
    """The key repository of CEX volumes (zkey(1)), as the disks stage has saved it."""
    for luks in ctx.config.storage.luks:
        if not luks.cex.enabled:
            continue
        for suffix in (".info", ".skey"):
            name = f"ignition-luks-{luks.name}{suffix}"
            if name not in ctx.state.luks_persist_volume_key_files:
                raise StageError(f"the disks stage has left no secure key for LUKS volume {shown(luks.name)}")
            try:
                key = decode(ctx.state.luks_persist_volume_key_files[name])
            except DataUrlError:
                raise StageError(f"the secure key of LUKS volume {shown(luks.name)} in the state file is damaged") from None
            path = f"{VOLUME_KEYS}/{name}"
            writer.write(path, (key,), Permissions(0o600, 0, 0))
            touched.add(root.locate(path))


def _base(root: Root, journal: Journal) -> int | None:
    """How much of crypttab is the image's own; None where it has none."""
    where = root.locate(CRYPTTAB)
    if root.lstat(CRYPTTAB) is None:
        journal.absent(where)
    if journal.was_absent(where):
        return None
    return journal.base(where)


def _append(root: Root, writer: Writer, base: int | None, lines: list[str]) -> None:
    text = "".join(lines).encode("utf-8", "surrogateescape")
    if base is None:
        writer.write(CRYPTTAB, (text,), Permissions(0o600))
        return
    with root.spot(CRYPTTAB) as spot, open(spot.open_regular(), "rb") as file:
        found = spot.lstat()

        def chunks() -> Iterator[bytes]:
            left = base
            for chunk in chunks_of(file.fileno()):
                yield chunk[:left]
                left -= min(left, len(chunk))
            yield text

        if found is None:
            spot.fail(errno.ENOENT)
        writer.write(CRYPTTAB, chunks(), Permissions(0o600, found.st_uid, found.st_gid), like=file.fileno())
