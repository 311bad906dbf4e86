"""`ignition-py initrd`: ignition-py for the initramfs of an image.

    build     cpio: an archive to append to any systemd initramfs; dracut, initramfs-tools: a whole initramfs by that program
    install   the dracut module or the initramfs-tools hook where that program finds it on every run
    size      what each part of the archive weighs

Runs where images are built, with the interpreter that the image will carry.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence

from ignition_py.initrd import size as weights
from ignition_py.initrd import whole
from ignition_py.initrd.carried import CLEVIS, PROGRAMS
from ignition_py.initrd.newc import archive
from ignition_py.initrd.size import compress
from ignition_py.initrd.standalone import standalone, try_out
from ignition_py.initrd.tree import Tree
from ignition_py.record import Record
from ignition_py.system.host import which
from ignition_py.system.log import NOTICE, Log

CPIO = "cpio"
HOSTS = ("dracut", "initramfs-tools")  # programs that make initramfs images
FORMATS = (*HOSTS, CPIO)
COMPRESSIONS = ("none", "gzip", "zstd")


class Contents(Record):
    """What an archive carries beside Python: `tools`, a list with commas, `all` or `none`; modules of the `kernel` of a version."""

    tools: str = "all"
    kernel: str = ""
    verbose: bool = False

    def log(self) -> Log:
        return Log(to_stdout=True) if self.verbose else Log(to_stdout=True, threshold=NOTICE - 1)


def _tree(contents: Contents) -> Tree:
    named = contents.tools
    every = (*PROGRAMS, *CLEVIS) if which(CLEVIS[0]) else PROGRAMS
    tools = {"all": every, "none": ()}.get(named, tuple(name for name in named.split(",") if name))
    log = contents.log()
    tree = standalone(log, tools, contents.kernel, required=named != "all")
    try_out(log, tree)
    return tree


def build(form: str, output: str, contents: Contents, *, compress: str = "none", more: Sequence[str] = ()) -> str:
    """Makes an initramfs (by one of HOSTS, with `more` arguments for it) or an archive (CPIO); a line about it.

    Raises IgnitionError, OSError.
    """
    if form != CPIO:
        whole.build(contents.log(), form, output, contents.kernel, tuple(more))
        return f"{output}: {os.path.getsize(output) / 1e6:.1f} MB, with ignition-py in it"
    pieces = archive(_tree(contents))
    partial = f"{output}.partial"
    try:
        with open(partial, "wb") as file:
            if compress == "none":
                file.writelines(pieces)
            else:
                file.write(_compressed(contents.log(), compress, b"".join(pieces)))
        os.replace(partial, output)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    return f"{output}: {os.path.getsize(output) / 1e6:.1f} MB; append it to an initramfs"


def _compressed(log: Log, method: str, data: bytes) -> bytes:
    """One compressed piece of an initramfs, padded so that another can follow. Raises IgnitionError."""
    packed = gzip.compress(data, 9, mtime=0) if method == "gzip" else compress(log, data)
    return packed + b"\0" * (-len(packed) % 4)


def size(contents: Contents, *, as_json: bool = False) -> str:
    """What each part weighs, as it is and by zstd -19. Raises IgnitionError."""
    rows = weights.weigh(contents.log(), _tree(contents))
    return weights.document(rows) if as_json else weights.table(rows)
