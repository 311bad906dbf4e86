"""The only door to other programs.

Every stage starts programs through `run()`. It fixes locale and standard input, bounds the time, logs a command line
that can be copied and pasted (secret arguments hidden), and turns a failure into a `CommandError` that carries the
tool's own words. `subprocess` is imported at the first call, so stages that start nothing do not pay for it.
"""

from __future__ import annotations

from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import search_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ignition_py.system.log import Log

DEFAULT_TIMEOUT = 600.0  # seconds; mkfs of a large disk is the slowest thing that is started
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")


class CommandError(IgnitionError):
    """A program could not be started, failed or ran out of time. `returncode` is None where it never ended."""

    def __init__(self, message: str, returncode: int | None = None, stderr: str = "", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode
        self.stderr = stderr


class Finished:
    """A program that ran to its end: exit status and what it printed."""

    __slots__ = ("returncode", "stderr", "stdout")

    def __init__(self, returncode: int, stdout: bytes, stderr: bytes) -> None:
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


def quote(argument: str) -> str:
    """One shell word; what `shlex.quote` does, without its import of `re`."""
    if argument and not set(argument) - _SAFE:
        return argument
    return "'" + argument.replace("'", "'\"'\"'") + "'"


def command_line(argv: Sequence[str], secret: Collection[str] = ()) -> str:
    """`argv` as text for a log; every word in `secret` is shown as `<hidden>`."""
    return " ".join("<hidden>" if word in secret else quote(word) for word in argv)


def _without(secret: Collection[str], words: str) -> str:
    """What a program said, its secret arguments hidden there too."""
    for word in secret:
        if word:
            words = words.replace(word, "<hidden>")
    return words


def run(
    log: Log,
    argv: Sequence[str],
    *,
    what: str,
    stdin: bytes = b"",
    secret: Collection[str] = (),
    env: Mapping[str, str] | None = None,
    ok: Collection[int] = (0,),
    timeout: float = DEFAULT_TIMEOUT,
    chroot: str | None = None,
) -> Finished:
    """Runs `argv` and returns its output.

    `what` completes the sentence of a failure ("making ext4 on /dev/vda1"). `secret` lists words of argv that no log
    may show. `ok` lists the exit statuses that count as success. `env` is added to a minimal environment. `timeout` in
    seconds. Raises CommandError.
    """
    import os
    import subprocess

    environment = {"PATH": ":".join(search_path()), "LC_ALL": "C.UTF-8", **(env or {})}
    shown = command_line(argv, secret)
    log.debug(f"running: {shown}")

    def enter() -> None:
        if chroot is not None:
            os.chroot(chroot)
            os.chdir("/")

    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
            preexec_fn=enter if chroot is not None else None,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"{what}: {argv[0]} did not finish within {timeout:g} seconds", hint=f"Command: {shown}"
        ) from None
    except (OSError, subprocess.SubprocessError) as error:
        raise CommandError(f"{what}: {argv[0]} could not be started: {error}", hint=f"Command: {shown}") from None
    stderr = _without(secret, done.stderr.decode("utf-8", "replace").strip())
    if done.returncode not in ok:
        words = stderr or _without(secret, done.stdout.decode("utf-8", "replace").strip()) or "it printed nothing"
        how = f"ended by signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        last = "; ".join(line.strip() for line in words.splitlines()[-8:] if line.strip())
        raise CommandError(
            f"{what}: {argv[0]} failed ({how}): {last}", done.returncode, stderr, hint=f"Command: {shown}"
        )
    for line in stderr.splitlines():  # each says what it is about: other programs may run beside this one
        log.debug(f"{what}: {argv[0]}: {line}")
    return Finished(done.returncode, done.stdout, done.stderr)
