"""`ignition-py rehearse`: boots a config in a throw-away virtual machine and says what it made of it.

Progress goes to standard error, the result to standard output. Exit statuses are part of the interface: 0 the machine is as the
config says, 1 it is not, was not provisioned, or the config is not valid, 2 wrong usage, 3 there could be no machine.
"""

from __future__ import annotations

import os
import shutil
import sys

from ignition_py.butane import is_butane
from ignition_py.goflags import DURATION, SWITCH, TEXT, Flag, HelpRequested, Parser, UsageError
from ignition_py.programs.inputs import compile_butane, complain, printable, read_input, write
from ignition_py.report.diag import IgnitionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ignition_py.goflags import Values
    from ignition_py.programs.inputs import Input
    from ignition_py.rehearsal.findings import Row
    from ignition_py.rehearsal.rehearse import Outcome, Request

AS_WANTED, NOT_SO, USAGE, NO_MACHINE = 0, 1, 2, 3
LINES, JSON = "text", "json"
_LONGEST = 400.0  # seconds until the real root answers
_MEMORY = "1536M"
_ABOUT = (
    "Boots a config (Butane or Ignition) in a throw-away virtual machine and says what was provisioned. Nothing on this host changes but "
    "the cache of built images. Exit status: 0 as the config says, 1 not so, 2 wrong usage, 3 there could be no machine."
)


def parser(program: str) -> Parser:
    flags = (
        Flag("append", TEXT, "with -kernel: more words for the kernel command line", noun="words"),
        Flag("console", TEXT, "write the machine's whole console to a file", noun="file"),
        Flag("disk", TEXT, "a blank disk, SIZE or SIZE:SERIAL (default: what the config names)", noun="size", many=True),
        Flag("files-dir", TEXT, "where a Butane config's local files come from", noun="folder"),
        Flag("format", TEXT, "how to show the result", default=LINES, noun="format", choices=(LINES, JSON)),
        Flag("image", TEXT, "a disk image to boot (raw, qcow2, vmdk, vhdx; default: a small Debian, built once)", noun="file"),
        Flag("initrd", TEXT, "with -kernel: the initramfs", noun="file"),
        Flag("kernel", TEXT, "boot -image with this kernel and not with its own boot loader", noun="file"),
        Flag("memory", TEXT, "memory of the machine", default=_MEMORY, noun="size"),
        Flag("offline", SWITCH, "let the machine reach nothing outside"),
        Flag("platform", TEXT, "how the machine is handed its config", default="qemu", noun="platform"),
        Flag("timeout", DURATION, "how long the boot may take", default=_LONGEST),
    )
    return Parser(program, flags, about=_ABOUT, operands="CONFIG")


def main(program: str, argv: Sequence[str]) -> int:
    """Runs the command and returns its exit status. The config may stand before the flags or behind them."""
    flags = parser(program)
    words = list(argv)
    first = [words.pop(0)] if words and (words[0] == "-" or not words[0].startswith("-")) else []
    try:
        values = flags.parse(words)
        operands = [*first, *values.arguments]
        if len(operands) != 1:
            raise UsageError("one config is wanted")
        _check(values)
    except HelpRequested:
        return flags.show_help()
    except UsageError as error:
        return flags.show_usage_error(error)
    try:
        given = read_input(operands[0])
        text = _compiled(program, given, values.text("files-dir") or None)
        if text is None:
            return NOT_SO
    except IgnitionError as error:
        complain(program, str(error))
        return NOT_SO
    return _rehearse(program, given, text, values)


def _check(values: Values) -> None:
    """Raises UsageError for flags that do not go together."""
    from ignition_py.providers import PLATFORMS
    from ignition_py.rehearsal.handover import PLATFORMS as PLAYED

    if values.text("platform") not in PLATFORMS:
        raise UsageError(f"there is no platform {values.text('platform')!r}")
    for name, other in (("kernel", "image"), ("initrd", "kernel"), ("append", "kernel")):
        if values.text(name) and not values.text(other):
            raise UsageError(f"-{name} needs -{other}")
    if values.text("platform") == "metal" and values.text("image") and not values.text("kernel"):
        raise UsageError("platform metal names its config on the kernel command line: -image needs -kernel (and -initrd) for it")
    if values.text("platform") not in PLAYED:
        known = ", ".join(PLAYED)
        raise UsageError(f"a rehearsal cannot play platform {values.text('platform')}, which asks a service of its own; it plays {known}")


def _compiled(program: str, given: Input, files_dir: str | None) -> bytes | None:
    """The config as JSON; None where it is not valid, which has been said. Raises IgnitionError."""
    from ignition_py.report import text as reports
    from ignition_py.spec.read import parse

    text: bytes | None = given.data
    if is_butane(given.data):
        compiled = compile_butane(given, files_dir)
        text, report = compiled.data, compiled.report
    else:
        report = parse(given.data, given.name)[2]
    if len(report):
        sys.stderr.write(printable(reports.pretty(report, given.data, colour=False)))
    if text is None or report.fatal:
        complain(program, f"{given.name} is not a valid config")
        return None
    return text


def _rehearse(program: str, given: Input, text: bytes, values: Values) -> int:
    from ignition_py.rehearsal.image import BuildError
    from ignition_py.rehearsal.machine import BootFailed
    from ignition_py.rehearsal.qemu import QEMU
    from ignition_py.rehearsal.rehearse import rehearse
    from ignition_py.rehearsal.screen import Screen

    for needed in (QEMU, "mkfs.ext4", "debugfs"):
        if shutil.which(needed) is None:
            complain(program, f"there can be no rehearsal: {needed} is not installed")
            return NO_MACHINE
    screen = Screen()
    try:
        outcome = rehearse(_request(text, values), screen.say, screen.console)
    except (BuildError, BootFailed, OSError, IgnitionError) as error:
        screen.end()
        complain(program, f"there can be no rehearsal: {error}")
        return NO_MACHINE
    except KeyboardInterrupt:
        screen.end()
        sys.stderr.write("stopped\n")
        return NO_MACHINE
    screen.end()
    if outcome.screen is not None and is_butane(given.data):
        from ignition_py.rehearsal.failure_screen import to_yaml

        to_yaml(outcome.screen, given.data, given.name, values.text("files-dir") or None)
    if values.text("console"):
        with open(values.text("console"), "w", encoding="utf-8", errors="replace") as file:
            file.write(outcome.console + "\n")
    if values.text("format") == JSON:
        from json import dumps

        write(dumps(_data(given.name, values, outcome), ensure_ascii=False, indent=2) + "\n")
    else:
        write(_text(given.name, outcome))
    return AS_WANTED if outcome.state == "as the config says" else NOT_SO


def _request(text: bytes, values: Values) -> Request:
    """Raises BuildError, IgnitionError."""
    import json

    from ignition_py.rehearsal.disks import size_of
    from ignition_py.rehearsal.image import BuildError
    from ignition_py.rehearsal.machine import Image
    from ignition_py.rehearsal.rehearse import Request, plan_disks
    from ignition_py.spec.read import read

    config, _ = read(text)
    assert config is not None  # it has been checked
    image = None
    if values.text("image"):
        files = {name: os.path.abspath(values.text(name)) for name in ("image", "kernel", "initrd") if values.text(name)}
        for name, path in files.items():
            if not os.access(path, os.R_OK):
                raise BuildError(f"-{name}: {path} cannot be read")
        kargs = f"console=ttyS0 {values.text('append')}".strip()
        image = Image(files["image"], kernel=files.get("kernel", ""), initrd=files.get("initrd", ""), append=kargs)
    try:
        memory = size_of(values.text("memory")) >> 20
    except ValueError as error:
        raise BuildError(f"-memory: {error}") from None
    return Request(
        text, config, json.loads(text)["ignition"]["version"], platform=values.text("platform"), image=image,
        blanks=plan_disks(config, list(values.texts("disk"))), outside=not values.on("offline"), memory=memory,
        timeout=values.seconds("timeout"),
    )  # fmt: skip


def _data(name: str, values: Values, outcome: Outcome) -> dict[str, object]:
    return {
        "config": name,
        "platform": values.text("platform"),
        "image": values.text("image") or None,
        "result": outcome.state,
        "seconds": round(outcome.seconds, 1),
        "stages": [{"stage": run.stage, "took": run.took, "ok": run.ok} for run in outcome.stages],
        "items": [row.data() for row in outcome.rows],
        "why": outcome.why or None,
        "failure": outcome.screen.data() if outcome.screen is not None else None,
    }


def _text(name: str, outcome: Outcome) -> str:
    if outcome.why:
        return _failure(name, outcome)
    wrong = sum(not row.ok for row in outcome.rows)
    verdict = f"{wrong} of {len(outcome.rows)} items are not as the config says" if wrong else "as the config says"
    stages = ", ".join(f"{run.stage} {run.took:.2f} s" for run in outcome.stages if run.took is not None)
    lines = ["", f"What a first boot makes of {name}:", "", *_table(outcome.rows), ""]
    lines += [f"stages: {stages}"] if stages else []
    return "\n".join([*lines, f"{verdict}; {outcome.seconds:.0f} s in all", ""])


def _failure(name: str, outcome: Outcome) -> str:
    lines = ["", f"A first boot with {name} fails:", "", *(outcome.screen.lines if outcome.screen is not None else [outcome.why])]
    screen = outcome.screen
    if screen is not None and screen.source == name:
        lines += ["", f"to blame: {name}:{screen.line}:{screen.column} ({screen.entry})"]
    elif screen is None:
        lines += ["", "the last lines of its console:", *outcome.console.splitlines()[-40:]]
    return "\n".join([*lines, "", f"failed; {outcome.seconds:.0f} s in all", ""])


def _table(rows: Sequence[Row]) -> list[str]:
    """Item, wanted, found: columns as wide as they need to be and as the terminal allows."""
    width = shutil.get_terminal_size((140, 24)).columns
    names = [f"{row.kind} {row.name}" for row in rows]
    first = min(max(map(len, ("item", *names))), width // 2)
    rest = max(16, (width - first - 9) // 2)
    second = min(rest, max(len(row.wanted) for row in rows))

    def cut(text: str, room: int) -> str:
        return text if len(text) <= room else text[: room - 1] + "…"

    lines = [f"    {'item':<{first}}  {'wanted':<{second}}  found", f"    {'-' * first}  {'-' * second}  {'-' * second}"]
    for name, row in zip(names, rows, strict=True):
        found = "as wanted" if row.wanted == row.found and len(row.wanted) > rest else cut(row.found, rest)
        lines.append(f" {'ok' if row.ok else 'NO'} {cut(name, first):<{first}}  {cut(row.wanted, second):<{second}}  {found}")
    return lines


