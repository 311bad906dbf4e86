"""`ignition-py initrd build|install|size`: ignition-py for the initramfs of an image.

    build     cpio: an archive to append to any systemd initramfs; dracut, initramfs-tools: a whole initramfs by that program
    install   the dracut module or the initramfs-tools hook where that program finds it on every run
    size      what each part of the archive weighs

Runs where images are built, with the interpreter that the image will carry. Exit status: 0 done, 1 it cannot be, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys

from ignition_py.goflags import SWITCH, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.report.diag import IgnitionError
from ignition_py.system.log import NOTICE, Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ignition_py.goflags import Values
    from ignition_py.initrd.tree import Tree

_FORMATS = ("dracut", "initramfs-tools", "cpio")
_BROUGHT = "programs that the archive brings: `all` that a config may ask for, `none`, or their names"
_TOOLS = Flag("tools", TEXT, _BROUGHT, noun="list", default="all")
_WHOSE = "version of the kernel: whose initramfs this is, or (cpio) whose modules the archive brings"
_KERNEL = Flag("kernel", TEXT, _WHOSE, noun="version")
_SHOWN = Flag("format", TEXT, "how to show it", noun="format", default="table", choices=("table", "json"))
_VERBOSE = Flag("verbose", SWITCH, "show the programs that are run")


def _parsers(program: str) -> dict[str, Parser]:
    build = (
        Flag("format", TEXT, "what to make (required)", noun="format", choices=_FORMATS),
        Flag("output", TEXT, "where to write it (required)", noun="file"),
        Flag("compress", TEXT, "cpio only", noun="method", default="none", choices=("none", "gzip", "zstd")),
        _KERNEL,
        _TOOLS,
        _VERBOSE,
    )
    install = (
        Flag("format", TEXT, "for which program (required)", noun="format", choices=_FORMATS[:2]),
        Flag("root", TEXT, "where the image's root filesystem is", noun="folder", default="/"),
    )
    return {
        "build": Parser(f"{program} build", build, about="Makes an initramfs, or an archive to append to one.",
                        operands="[-- more arguments for dracut or mkinitramfs]"),
        "install": Parser(f"{program} install", install, about="Has dracut or mkinitramfs put ignition-py into every initramfs they make."),
        "size": Parser(f"{program} size", (_SHOWN, _KERNEL, _TOOLS, _VERBOSE),
                       about="Shows what each part of the stand-alone archive weighs, as it is and by zstd -19."),
    }  # fmt: skip


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status."""
    parsers = _parsers(program)
    words: dict[str, Callable[[Values], None]] = {"build": _build, "install": _install, "size": _size}
    if not argv or argv[0] not in parsers:
        wrong = bool(argv) and argv[0] not in ("-h", "-help", "--help")
        wrong = wrong or not argv
        sys.stderr.write("".join(parser.usage() + "\n" for parser in parsers.values()))
        if wrong:
            sys.stderr.write(f"{program}: say build, install or size\n")
        return 2 if wrong else 0
    parser = parsers[argv[0]]
    try:
        values = parser.parse(argv[1:])
        for name in ("format", "output"):
            if any(flag.name == name for flag in parser.flags) and not values.text(name):
                raise UsageError(f"--{name} is required")
    except HelpRequested:
        return parser.show_help()
    except UsageError as error:
        return parser.show_usage_error(error)
    try:
        words[argv[0]](values)
    except IgnitionError as error:
        sys.stderr.write(f"{parser.program}: {error}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{parser.program}: {error.filename or 'writing'}: {error.strerror}\n")
        return 1
    return 0


def _log(values: Values) -> Log:
    return Log(to_stdout=True) if values.on("verbose") else Log(to_stdout=True, threshold=NOTICE - 1)


def _tree(values: Values) -> Tree:
    from ignition_py.initrd.carried import CLEVIS, PROGRAMS
    from ignition_py.initrd.standalone import standalone, try_out
    from ignition_py.system.host import which

    named = values.text("tools")
    every = (*PROGRAMS, *CLEVIS) if which(CLEVIS[0]) else PROGRAMS
    tools = {"all": every, "none": ()}.get(named, tuple(name for name in named.split(",") if name))
    log = _log(values)
    tree = standalone(log, tools, values.text("kernel"), required=named != "all")
    try_out(log, tree)
    return tree


def _build(values: Values) -> None:
    """Raises IgnitionError, OSError."""
    form, output = values.text("format"), values.text("output")
    if form != "cpio":
        from ignition_py.initrd import whole

        whole.build(_log(values), form, output, values.text("kernel"), values.arguments)
        sys.stdout.write(f"{output}: {os.path.getsize(output) / 1e6:.1f} MB, with ignition-py in it\n")
        return
    from ignition_py.initrd.newc import archive

    tree = _tree(values)
    partial = f"{output}.partial"
    try:
        with open(partial, "wb") as file:
            pieces = archive(tree)
            if values.text("compress") == "none":
                file.writelines(pieces)
            else:
                file.write(_compressed(values, b"".join(pieces)))
        os.replace(partial, output)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    sys.stdout.write(f"{output}: {os.path.getsize(output) / 1e6:.1f} MB; append it to an initramfs\n")


def _compressed(values: Values, data: bytes) -> bytes:
    """One compressed piece of an initramfs, padded so that another can follow. Raises IgnitionError."""
    if values.text("compress") == "gzip":
        import gzip

        packed = gzip.compress(data, 9, mtime=0)
    else:
        from ignition_py.initrd.size import compress

        packed = compress(_log(values), data)
    return packed + b"\0" * (-len(packed) % 4)


def _install(values: Values) -> None:
    from ignition_py.initrd import whole

    for path in whole.install(values.text("format"), values.text("root")):
        sys.stdout.write(f"{path}\n")


def _size(values: Values) -> None:
    from ignition_py.initrd import size

    rows = size.weigh(_log(values), _tree(values))
    sys.stdout.write(size.document(rows) if values.text("format") == "json" else size.table(rows))
