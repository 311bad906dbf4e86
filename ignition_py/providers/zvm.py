"""Platform `zvm`: the config is a file in the virtual reader (000c) of the z/VM guest, of the type `ign`.

Source: vmur(8) and chccwdev(8) of s390-tools.
"""

from __future__ import annotations

import os

from ignition_py.providers import Machine
from ignition_py.report.diag import IgnitionError
from ignition_py.system import udev
from ignition_py.system.run import CommandError, run

READER = "000c"
LIMIT = 256 << 20  # bytes
_ID, _NAME, _TYPE, _FIELDS = 1, 9, 10, 11  # words of a line of `vmur list`


def fetch(machine: Machine) -> bytes | None:
    """The first config of the reader's queue without the zeros around it, b"" where there is none.

    Raises CommandError, IgnitionError.
    """
    run(machine.log, ("modprobe", "vmur"), what="loading the kernel module vmur")
    _bring_online(machine)
    done = run(machine.log, ("vmur", "li"), what="listing the z/VM reader")
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) >= _FIELDS and words[_TYPE] == "ign":
            return _receive(machine, words[_ID], f"{words[_NAME]}.{words[_TYPE]}")
    machine.log.info("the z/VM reader holds no file of the type ign; there is no config")
    return b""


def _bring_online(machine: Machine) -> None:
    """Makes the reader usable; it can be on the kernel's list of devices to ignore."""
    online = ("chccwdev", "-e", READER)
    what = f"bringing the z/VM reader {READER} online"
    try:
        run(machine.log, online, what=what)
    except CommandError as error:
        machine.log.info(f"{error}; perhaps it is ignored")
        run(machine.log, ("cio_ignore", "-r", READER), what=f"no longer ignoring the z/VM reader {READER}")
        run(machine.log, online, what=what)
    udev.settle(machine.log)


def _receive(machine: Machine, spool_id: str, name: str) -> bytes:
    """Takes a spool file out of the reader, into a folder for root's eyes only."""
    from shutil import rmtree
    from tempfile import mkdtemp

    if not spool_id.isdecimal():
        raise IgnitionError(f"the z/VM reader lists {name} under {spool_id!r}, which is not a number")
    folder = mkdtemp(prefix="ignition-config-")
    path = f"{folder}/config"
    try:
        run(machine.log, ("vmur", "re", "-f", spool_id, path), what=f"receiving {name} from the z/VM reader")
        with open(path, "rb") as file:
            data = file.read(LIMIT)
    except OSError as error:
        raise IgnitionError(f"reading {name}, received from the z/VM reader: {error.strerror}") from None
    finally:
        if os.path.exists(path):
            os.unlink(path)
        rmtree(folder)
    machine.found(f"{name} in the z/VM reader")
    return data.strip(b"\0")
