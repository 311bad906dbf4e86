"""Reading what a LUKS volume's device holds: header, flags, tokens, and what the kernel has built on it.

The binary header is read here (LUKS2 On-Disk Format Specification, 2.1): label, UUID, subsystem. Its JSON part and
everything that needs a key is cryptsetup's. `subsystem` is where a volume that is being made carries a mark, see
`marker_of()`; it is empty again when the files stage has handed the volume over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Luks, Resource
from ignition_py.stages.disks import progress
from ignition_py.stages.disks.partitions import kernel
from ignition_py.system.blkid import Signature, probe
from ignition_py.system.log import Log
from ignition_py.system.run import run

MARK = "ignition-py:"
_MAGIC = b"LUKS\xba\xbe"
_LABEL, _UUID, _SUBSYSTEM = slice(24, 72), slice(168, 208), slice(208, 256)  # bytes of a LUKS2 header
_LARGEST_HEADER = 8 << 20  # bytes; two copies of a header with the largest JSON part
_LARGEST_AREA = _LARGEST_HEADER + (128 << 20)  # bytes; the same with the largest area of key slots
_WRONG_KEY = 2  # exit status of cryptsetup: no permission (bad passphrase)


class Header(Record):
    """The binary header: version 1 or 2; what only version 2 has is "" in version 1."""

    version: int
    label: str = ""
    uuid: str = ""
    subsystem: str = ""


class Found(Record):
    """What a device holds. `header` None where it has no LUKS header; `damaged`: it has one that cryptsetup refuses.

    `flags` and `clevis` (a token of Clevis) are from the header's JSON. `open_as`: the names of the mappings on it.
    `busy`: what else uses it, "" if nothing. `name_taken`: the volume's name belongs to another device.
    """

    signature: Signature
    header: Header | None = None
    _: KW_ONLY
    damaged: bool = False
    flags: tuple[str, ...] = ()
    clevis: bool = False
    open_as: tuple[str, ...] = ()
    busy: str = ""
    name_taken: bool = False

    @property
    def marker(self) -> str:
        return self.header.subsystem if self.header is not None else ""

    def describe(self) -> str:
        header = self.header
        if header is None:
            return self.signature.describe()
        if header.version != 2:
            return f"a LUKS{header.version} volume with UUID {self.signature.uuid or 'none'}"
        state = "a damaged" if self.damaged else "a"
        return f'{state} LUKS2 volume with label "{header.label}" and UUID {header.uuid or "none"}'


def marker_of(luks: Luks) -> str:
    """The mark of a volume that this entry of a config is making: proof, after a power cut, that it is ours. Nobody
    can try keys on it."""
    return MARK + progress.digest(luks.but(key_file=Resource()))


def parse(data: bytes) -> Header | None:
    """The header at the beginning of a device (its first 4096 bytes), None where there is none."""
    if len(data) < 512 or not data.startswith(_MAGIC):
        return None
    version = int.from_bytes(data[6:8], "big")
    if version != 2:
        return Header(version, uuid=_text(data[_UUID]))
    return Header(2, _text(data[_LABEL]), _text(data[_UUID]), _text(data[_SUBSYSTEM]))


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def read_header(node: str) -> Header | None:
    """Raises StageError."""
    try:
        with open(node, "rb") as device:
            return parse(device.read(4096))
    except OSError as error:
        raise StageError(f"reading the LUKS header of {node}: {error.strerror}") from None


def look(log: Log, node: str, luks: Luks) -> Found:
    """Reads `node`, and who uses it. Raises StageError or CommandError."""
    found = read(log, node, probe(log, node))
    found.open_as, found.busy = _users(os.path.basename(node), mangled(luks.name))
    found.name_taken = mangled(luks.name) in mappings() and mangled(luks.name) not in found.open_as
    return found


def read(log: Log, node: str, signature: Signature) -> Found:
    """What a device (or an image of one) with that signature holds. Raises StageError or CommandError."""
    header = read_header(node)
    damaged, clevis = False, False
    flags: tuple[str, ...] = ()
    if header is None and "crypto_LUKS" in (signature.type, *signature.ambiguous):
        header, damaged = Header(2, signature.label, signature.uuid), True  # only the second copy is there
    elif header is not None and header.version == 2:
        data = metadata(log, node)
        damaged = data is None
        if data is not None:
            flags, clevis = tuple(data["flags"]), "clevis" in data["tokens"]
    return Found(signature, header, damaged=damaged, flags=flags, clevis=clevis)


def metadata(log: Log, node: str) -> dict[str, list[str]] | None:
    """Of the JSON part of a LUKS2 header: `flags`, `tokens` (their types), `keyslots` (their numbers). None where
    cryptsetup takes the header for none."""
    data = _json(log, node)
    if data is None:
        return None
    try:
        return {
            "flags": [str(flag) for flag in data.get("config", {}).get("flags", ())],
            "tokens": [str(token["type"]) for token in data.get("tokens", {}).values()],
            "keyslots": [str(number) for number in data.get("keyslots", {})],
        }
    except (TypeError, KeyError, AttributeError):
        raise _no_header(node) from None


def slot_memory(log: Log, node: str) -> int:
    """The bytes of memory that the most expensive key slot of a LUKS2 header takes for deriving its key. Raises StageError or
    CommandError."""
    data = _json(log, node) or {}
    try:
        return max((int(slot["kdf"].get("memory", 0)) for slot in data.get("keyslots", {}).values()), default=0) * 1024
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise _no_header(node) from None


def _json(log: Log, node: str) -> dict[str, Any] | None:
    done = run(
        log,
        ["cryptsetup", "luksDump", "--dump-json-metadata", node],
        what=f"reading the LUKS header of {node}",
        ok=range(256),
    )
    if done.returncode:
        return None
    try:
        data = json.loads(done.stdout)
    except (ValueError, RecursionError):
        raise _no_header(node) from None
    if not isinstance(data, dict):
        raise _no_header(node)
    return data


def _no_header(node: str) -> StageError:
    return StageError(f"reading the LUKS header of {node}: cryptsetup printed something that is not it")


def opens(log: Log, node: str, luks: Luks, key: bytes, *, sure: bool = True) -> bool | None:
    """True if the key opens the volume, tried without opening it, and without a file, so that a user can plan. None where cryptsetup
    cannot tell, unless it has to be `sure` (of a file it may not: it needs ciphers that are not in every kernel). Raises CommandError,
    StageError."""
    done = run(
        log,
        ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", node],
        what=f"trying the key file of LUKS volume {luks.name}",
        stdin=key,
        ok=(0, _WRONG_KEY) if sure else range(256),
    )
    return {0: True, _WRONG_KEY: False}.get(done.returncode)


@contextmanager
def excerpt(path: str, offset: int, size: int) -> Iterator[str]:
    """A file that is like the `size` bytes of `path` from `offset` on, as far as LUKS headers and key slots go: cryptsetup knows
    of no offsets. Raises StageError."""
    import tempfile  # with shutil and random; few configs come here

    try:
        with open(path, "rb") as device, tempfile.NamedTemporaryFile(prefix="luks-header-") as copy:
            copy.truncate(size)
            device.seek(offset)
            start = device.read(min(size, _LARGEST_HEADER))
            rest = min(size, _area(start)) - len(start)
            copy.write(start + (device.read(rest) if rest > 0 else b""))
            copy.flush()
            yield copy.name
    except OSError as error:
        raise StageError(f"reading the LUKS header in {path}: {error.strerror}") from None


def _area(start: bytes) -> int:
    """How many bytes at the beginning of a device are LUKS2's own: both headers and the key slots."""
    if parse(start) is None:
        return len(start)
    header = int.from_bytes(start[8:16], "big")
    try:
        slots = int(json.loads(start[4096:header].partition(b"\0")[0])["config"]["keyslots_size"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return len(start)
    return min(2 * header + max(slots, 0), _LARGEST_AREA)


def mangled(name: str) -> str:
    """The name as device mapper and /dev/mapper have it (libdevmapper's "hex" mode)."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#+-.:=@_"
    return "".join(chr(c) if c in plain else f"\\x{c:02x}" for c in name.encode("utf-8", "surrogateescape"))


def node_of(name: str) -> str:
    """The path at which an opened volume appears."""
    return f"/dev/mapper/{mangled(name)}"


def mappings() -> dict[str, str]:
    """Every device-mapper device: name -> kernel name (dm-0)."""
    found = {}
    for entry in os.listdir(kernel.SYS) if os.path.isdir(kernel.SYS) else ():
        if kernel.device_mapper(entry):
            found[kernel.mapped_name(entry)] = entry
    return found


def _users(name: str, mapping: str) -> tuple[tuple[str, ...], str]:
    """The mappings on a node, and what else uses it. With `--integrity` the volume has a second mapping below it."""
    holders = kernel.holders(name)
    names = tuple(kernel.mapped_name(holder) for holder in holders)
    own = {mapping, f"{mapping}_dif"}
    if names and set(names) <= own:
        return (mapping,), ""
    return names, kernel.in_use(name)
