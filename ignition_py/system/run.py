"""The only door to other programs.

Every stage starts programs through `run()`. It fixes locale and standard input, bounds the output, logs a command line
that can be copied and pasted (secret arguments hidden), and turns a failure into a `CommandError` with the program's own
output. `subprocess` is imported at the first call, so stages that start nothing do not pay for it.

A program may take as long as it needs, and the console is told each minute who is waited for: killed by a clock, one that works
on a disk or a tree leaves half of its work. Only the programs in LIMITS have a limit.

A program gets a session and process group of its own. When its time is over, the whole group is killed: clevis, for one, is
a shell script, and killing bash alone leaves cryptsetup running. A program has ended when its first process has; a child
that keeps the pipes open is not waited for.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from ignition_py.record import Record
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import mounts, search_path, which
from ignition_py.system.log import Log
from ignition_py.system.waiting import Waiting, wait_for_child

# The first words of a command line -> how many seconds the program may take. They change nothing that another run could not
# begin anew: they read, ask a daemon, or wait for a server or an event that may never come.
LIMITS = {
    ("blkid",): 600.0,
    ("clevis",): 600.0,  # a Tang server that takes the connection and says nothing
    ("cryptsetup", "luksDump"): 600.0,
    ("cryptsetup", "luksUUID"): 600.0,
    ("dmsetup", "table"): 600.0,
    ("is-live-image",): 60.0,
    ("mdadm", "--detail"): 600.0,
    ("systemctl", "is-enabled"): 60.0,
    ("systemctl", "reboot"): 600.0,
    ("systemctl", "show"): 60.0,
    ("udevadm",): 200.0,  # an event that got lost; settle has a limit of its own
    ("vmur", "li"): 600.0,
}
OUTPUT_LIMIT = 8 << 20  # bytes that are kept of standard output, and of standard error
_SHOWN = 8  # lines of a program in an error
_LOGGED = 200  # lines of each output of a program in the log


class CommandError(IgnitionError):
    """A program could not be started, failed or ran out of time.

    `summary` is what was being done and how it ended ("making ext4 on /dev/vda1: mkfs.ext4 failed (exit status 1)"),
    `said` the lines of the program that tell the cause (output.py), `output` all that it printed, `command` its command line as
    it can be pasted; all with secrets hidden. `returncode` is None where the program did not end by itself. `message` is the
    summary with `said`.
    """

    def __init__(
        self, summary: str, *, command: str = "", said: Sequence[str] = (), output: str = "", returncode: int | None = None
    ) -> None:
        words = "; ".join(said)
        super().__init__(f"{summary}: {words}" if words else summary)
        self.summary = summary
        self.command = command
        self.said = tuple(said)
        self.output = output
        self.returncode = returncode

    def __str__(self) -> str:
        return super().__str__() + (f". Command: {self.command}" if self.command else "")


class Finished(Record):
    """A program that ran to its end: exit status and what it printed, at most `limit` bytes of each (see `run`)."""

    returncode: int
    stdout: bytes
    stderr: bytes


def command_line(argv: Sequence[str], secret: Collection[str] = ()) -> str:
    """`argv` as text for a log; every word in `secret` is shown as `<hidden>`."""
    from shlex import quote

    return " ".join("<hidden>" if word in secret else quote(word) for word in argv)


def limit_of(argv: Sequence[str]) -> float | None:
    """The seconds that LIMITS has for a command line, None for none."""
    program = (os.path.basename(argv[0]), *argv[1:2])
    return LIMITS.get(program, LIMITS.get(program[:1]))


def run(
    log: Log,
    argv: Sequence[str],
    *,
    what: str,
    stdin: bytes = b"",
    secret: Collection[str] = (),
    env: Mapping[str, str] | None = None,
    ok: Collection[int] = (0,),
    timeout: float | None = None,
    limit: int = OUTPUT_LIMIT,
    chroot: str | None = None,
) -> Finished:
    """Runs `argv` and returns its output.

    `what` completes the sentence of a failure ("making ext4 on /dev/vda1"). `secret` lists words of argv that no log
    may show. `ok` lists the exit statuses that count as success. `env` is added to a minimal environment. `timeout` in
    seconds, where LIMITS does not say it. Of more than `limit` bytes the first and the last half are kept. `chroot`: chroot(1)
    starts it there, as a function between fork and exec is not safe in a process with threads. Raises CommandError.
    """
    import subprocess

    from ignition_py.system.output import cause, excerpt
    from ignition_py.system.process import Process, TimedOut

    environment = {"PATH": ":".join(search_path()), "LC_ALL": "C.UTF-8", **(env or {})}
    started = [*(("chroot", chroot) if chroot is not None else ()), *argv]
    shown = command_line(started, secret)
    log.debug(f"running: {shown}")
    try:
        process = Process(started, environment, limit)
    except (OSError, subprocess.SubprocessError) as error:
        raise CommandError(f"{what}: {started[0]} could not be started: {error}", command=shown) from None
    timeout = timeout or limit_of(argv)
    returncode: int | None = None
    try:
        status = returncode = process.finish(stdin, timeout, Waiting(log, f"{argv[0]} ({what})", timeout))
    except TimedOut:
        how = f"did not finish within {timeout:g} seconds"
    else:
        if status in ok:
            for line in excerpt(_text(process.stderr, secret), _LOGGED):  # each says what it is about: others may run beside this one
                log.debug(f"{what}: {argv[0]}: {line}")
            return Finished(status, process.stdout, process.stderr)
        how = f"failed (ended by signal {-status})" if status < 0 else f"failed (exit status {status})"
    outputs = [_text(output, secret) for output in (process.stderr, process.stdout)]
    for line in [line for output in outputs for line in excerpt(output, _LOGGED)]:
        log.error(f"{what}: {argv[0]}: {line}")
    said = cause(outputs, argv[0], _SHOWN) or (["it printed nothing"] if returncode is not None else [])
    all_output = "\n".join(filter(None, outputs))
    raise CommandError(f"{what}: {argv[0]} {how}", command=shown, said=said, output=all_output, returncode=returncode)


def _text(output: bytes, secret: Collection[str]) -> str:
    """What a program printed, its secret arguments hidden there too."""
    text = output.decode("utf-8", "replace").strip()
    for word in secret:
        if word:
            text = text.replace(word, "<hidden>")
    return text


def sync_below(log: Log, root: str) -> None:
    """Writes what waits for the filesystems at `root` and mounted below it to their disks, and nothing of others. Raises nothing.

    sync(2) waits for every disk of the machine, which after mkfs of large ones can take minutes, and Python has no
    syncfs(2); the program sync has. Without it or /proc, or where it fails, sync(2) does.
    """
    root = os.path.realpath(root)
    if root == "/":  # every filesystem is meant, and /proc and automounts are not to be opened
        os.sync()
        return
    try:
        _sync_filesystems(log, [root, *(mount.target for mount in mounts() if mount.target.startswith(f"{root}/"))])
    except (IgnitionError, OSError) as error:
        log.debug(f"{error}; syncing every filesystem")
        os.sync()


def _sync_filesystems(log: Log, paths: Sequence[str]) -> None:
    """Raises CommandError, OSError."""
    program = which("sync")
    if not program:
        raise CommandError("sync is not on PATH")
    argv = ["sync", "-f", *dict.fromkeys(paths)]
    log.debug(f"running: {' '.join(argv)}")
    # Not by run(), nor quoted by shlex: every files stage would import subprocess and re for it (30 ms).
    pid = os.posix_spawn(program, argv, {"LC_ALL": "C"})
    status = wait_for_child(pid, Waiting(log, "sync (writing to disk what was made)"))
    if status:
        raise CommandError("sync failed", command=" ".join(argv))
