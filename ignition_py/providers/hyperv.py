"""Platform `hyperv`: the config comes as key-value pairs from the host, through the kernel's device for them.

    ignition.config              the whole config, or
    ignition.config.0, .1, …     pieces of it, since a value has at most 2 KiB

Source: Linux include/uapi/linux/hyperv.h and drivers/hv/hv_kvp.c. The host sends its pairs once, to the first program
that registers, so they are handed on (machine.outputs): to a later run of this, and as files to hv_kvp_daemon.
"""

from __future__ import annotations

import os
import time
from select import POLLIN, poll
from typing import Any, TypeAlias

from ignition_py.fetch.schemes.data import encode
from ignition_py.providers import Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.dataurl import decode
from ignition_py.system.run import run

Pools: TypeAlias = "list[list[tuple[bytes, bytes]]]"

DRIVER = "/sys/bus/vmbus/drivers/hv_utils"
DEVICE = "/dev/vmbus/hv_kvp"
KEY = b"ignition.config"
POOL_FILES = "/var/lib/hyperv/.kvp_pool_"
POOLS, POOL = 5, 0  # how many there are, and the one for what the host tells the guest
SILENCE = 1.0  # seconds after which the host has said everything
DEVICE_WAIT, DEVICE_POLL = 10.0, 0.1  # seconds
LIMIT = 16 << 20  # bytes in all
_MESSAGE, _HEADER, _SIZES = 7432, 4, 12  # sizes in bytes: struct hv_kvp_msg, its header, type and sizes of a pair
_KEY_SIZE, _VALUE_SIZE = 512, 2048
_SET, _REGISTER = 1, 100  # operations
_FAILED = 0x80004005  # HV_E_FAIL


def fetch(machine: Machine) -> bytes | None:
    """The config, b"" where the host sends none. Raises IgnitionError, CommandError."""
    if not os.path.exists(machine.path(DRIVER)):
        run(machine.log, ("modprobe", "hv_utils"), what="loading the kernel module hv_utils")
    fd = _open(machine)
    try:
        pools = receive(fd)
    except OSError as error:
        raise IgnitionError(f"reading key-value pairs from {DEVICE}: {error.strerror}") from None
    finally:
        os.close(fd)
    if not any(pools) and machine.outputs:
        machine.log.info("the host sent nothing; taking what it sent to an earlier stage of this boot")
        pools = [_pairs(output["contents"]["source"]) for output in machine.outputs]
    machine.outputs[:] = [_pool_file(number, pairs) for number, pairs in enumerate(pools)]
    config = assemble(pools[POOL])
    if config:
        machine.found("the host's key-value pairs (ignition.config)")
    else:
        machine.log.info("the host sent no key ignition.config, so there is no config")
    return config


def _open(machine: Machine) -> int:
    end = time.monotonic() + DEVICE_WAIT
    while True:
        try:
            return os.open(machine.path(DEVICE), os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or time.monotonic() >= end:
                raise IgnitionError(f"opening {DEVICE}: {error.strerror}") from None
            time.sleep(DEVICE_POLL)


def receive(fd: int) -> Pools:
    """Registers, and takes what the host sends until it falls silent: key and value by pool.

    Raises OSError, and IgnitionError for messages that are not as the kernel makes them.
    """
    pools: Pools = [[] for _ in range(POOLS)]
    size = 0
    _send(fd, bytes((_REGISTER,)))
    ready = poll()
    ready.register(fd, POLLIN)
    while ready.poll(SILENCE * 1000):
        try:
            message = os.read(fd, _MESSAGE)
        except BlockingIOError:
            continue
        if len(message) != _MESSAGE:
            raise IgnitionError(f"{DEVICE} delivers messages of {len(message)} instead of {_MESSAGE} bytes")
        operation, pool = message[0], message[1]
        if operation == _REGISTER:
            continue
        if operation == _SET and pool < POOLS:
            pair = _pair(message)
            size += len(pair[0]) + len(pair[1])
            if size > LIMIT:
                raise IgnitionError(f"the host sends more than {LIMIT} bytes of key-value pairs")
            pools[pool].append(pair)
            _send(fd, b"")
        else:
            _send(fd, _FAILED.to_bytes(4, "little"))
    return pools


def _send(fd: int, beginning: bytes) -> None:
    """Sends a message that is zeros but for its beginning: an operation, or the error of an answer."""
    os.write(fd, beginning.ljust(_MESSAGE, b"\0"))


def _pair(message: bytes) -> tuple[bytes, bytes]:
    """Key and value, without the zeros behind them. Raises IgnitionError."""
    key_size = int.from_bytes(message[_HEADER + 4 : _HEADER + 8], "little")
    value_size = int.from_bytes(message[_HEADER + 8 : _HEADER + _SIZES], "little")
    if not (1 <= key_size <= _KEY_SIZE and 1 <= value_size <= _VALUE_SIZE):
        raise IgnitionError(f"{DEVICE} delivers a pair with impossible sizes ({key_size} and {value_size} bytes)")
    start = _HEADER + _SIZES
    key = message[start : start + key_size - 1]
    start += _KEY_SIZE
    return key, message[start : start + value_size - 1]


def assemble(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The config from the pairs of a pool: whole if it is there, else from its pieces up to the first that is missing."""
    values: dict[bytes, bytes] = {}
    for key, value in pairs:
        values.setdefault(key, value)
    if values.get(KEY):
        return values[KEY]
    pieces: list[bytes] = []
    while (piece := values.get(b"%s.%d" % (KEY, len(pieces)))) is not None:
        pieces.append(piece)
    return b"".join(pieces)


def _pool_file(number: int, pairs: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """A pool as hv_kvp_daemon keeps it, as an entry of a config's `storage.files`; for root only, it has the config."""
    data = b"".join(key.ljust(_KEY_SIZE, b"\0") + value.ljust(_VALUE_SIZE, b"\0") for key, value in pairs)
    path = f"{POOL_FILES}{number}"
    return {"path": path, "overwrite": True, "contents": {"source": encode(data)}, "mode": 0o600}


def _pairs(source: str) -> list[tuple[bytes, bytes]]:
    """A pool back from its file's data URL."""
    data, record = decode(source), _KEY_SIZE + _VALUE_SIZE
    records = (data[start : start + record] for start in range(0, len(data), record))
    return [(record[:_KEY_SIZE].rstrip(b"\0"), record[_KEY_SIZE:].rstrip(b"\0")) for record in records]
