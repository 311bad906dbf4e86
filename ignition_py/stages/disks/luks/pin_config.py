"""Hands the configuration of a custom Clevis pin over without it standing in an argument, which all users of the machine can read.

Clevis starts pins as `clevis-encrypt-PIN CONFIG`. A folder in front of PATH has a program of that name: it reads the configuration
from a private file and then is the pin itself, whose script it continues with. Clevis is given `{}`. JSON that the script
hands to jose(1) goes through a pipe.

That works for pins that are shell scripts, as most are (tang, tpm2). `sss` and other compiled pins take their
configuration from their own arguments only; it is given to them so. Source: clevis(1), clevis-luks-bind(1), jose-fmt(1).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shlex import quote

from ignition_py.record import Record
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.system.host import search_path, which, write_private

_SCRIPT = r"""#!/bin/bash -e
jose() {
    local words=() word fd
    for word; do
        case $word in
        [{[]*) exec {fd}< <(printf %s "$word"); word=/dev/fd/$fd ;;
        --json=[{[]*) exec {fd}< <(printf %s "${word#--json=}"); word=--json=/dev/fd/$fd ;;
        esac
        words+=("$word")
    done
    command jose "${words[@]}"
}
set -- "$(< CONFIG)" "${@:2}"
. PROGRAM
"""


class PinConfig(Record):
    """What is given to clevis-luks-bind: the `argument`, and the `environment` that leads it to the configuration."""

    argument: str
    environment: Mapping[str, str]


@contextmanager
def handed_over(name: str, pin: str, config: str) -> Iterator[PinConfig]:
    """The configuration of the pin of LUKS volume `name`, for as long as Clevis needs it. Raises OSError, IgnitionError."""
    program = which(f"clevis-encrypt-{pin}")
    if not _is_bash(program):
        yield PinConfig(config, {})
        return
    path = luks_keys.path_of(f"{name}.pin")
    folder = tempfile.mkdtemp(prefix="clevis-pin-")  # not in /run, which may be mounted noexec
    try:
        write_private(path, config.encode("utf-8", "surrogatepass"), what="the configuration of a Clevis pin")
        script = os.path.join(folder, os.path.basename(program))
        with open(script, "w", encoding="utf-8") as file:
            file.write(_SCRIPT.replace("CONFIG", quote(path)).replace("PROGRAM", quote(program)))
        os.chmod(script, 0o700)
        yield PinConfig("{}", {"PATH": ":".join((folder, *search_path()))})
    finally:
        shutil.rmtree(folder)
        if os.path.lexists(path):
            os.unlink(path)


def _is_bash(program: str) -> bool:
    """True for a script of bash or sh."""
    if not program:
        return False
    with open(program, "rb") as file:
        first = file.read(128).partition(b"\n")[0]
    words = first.removeprefix(b"#!").split()
    return first.startswith(b"#!") and any(os.path.basename(word) in (b"bash", b"sh") for word in words[:2])
