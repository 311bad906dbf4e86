"""`ignition-py rehearse`: boots a config in a throw-away virtual machine and compares what it made with the config.

Progress goes to standard error, the result to standard output.
"""

from __future__ import annotations

import json
import os
from json import dumps

from ignition_py.butane import is_butane
from ignition_py.check.table import table
from ignition_py.programs.inputs import Input, compile_butane, complain, read_input
from ignition_py.programs.sizes import size_of
from ignition_py.providers import PLATFORMS
from ignition_py.record import Record
from ignition_py.rehearsal import namespace
from ignition_py.rehearsal.handover import PLATFORMS as PLAYED
from ignition_py.rehearsal.image import BuildError
from ignition_py.rehearsal.machine import BootFailed, Image
from ignition_py.rehearsal.qemu import QEMU
from ignition_py.rehearsal.rehearse import Outcome, Request, plan_disks
from ignition_py.rehearsal.rehearse import rehearse as run_rehearsal
from ignition_py.rehearsal.screen import Screen
from ignition_py.report import text as reports
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.read import parse, read
from ignition_py.system import streams
from ignition_py.system.host import search_path, which

AS_WANTED, NOT_SO, USAGE, NO_MACHINE = 0, 1, 2, 3
TIMEOUT = 400.0  # seconds until the real root answers
MEMORY = "1536M"


class Wishes(Record):
    """What machine a config is rehearsed on: an `image` of one's own (with `kernel`, `initrd` and `append` where its boot loader
    is not to be used), blank `disks` (SIZE or SIZE:SERIAL; default: those that the config names), `timeout` in seconds."""

    files_dir: str | None = None
    platform: str = "qemu"
    image: str = ""
    kernel: str = ""
    initrd: str = ""
    append: str = ""
    disks: tuple[str, ...] = ()
    memory: str = MEMORY
    offline: bool = False
    timeout: float = TIMEOUT

    def contradiction(self) -> str:
        """Why the wishes do not go together; empty where they do."""
        if self.platform not in PLATFORMS:
            return f"there is no platform {self.platform!r}"
        for name, other in (("kernel", "image"), ("initrd", "kernel"), ("append", "kernel")):
            if getattr(self, name) and not getattr(self, other):
                return f"--{name} needs --{other}"
        if self.platform == "metal" and self.image and not self.kernel:
            return "platform metal names its config on the kernel command line: --image needs --kernel (and --initrd) for it"
        if self.platform not in PLAYED:
            return f"a rehearsal cannot play platform {self.platform}, which asks a service of its own; it plays {', '.join(PLAYED)}"
        return ""


def rehearse(program: str, path: str, wishes: Wishes, *, as_json: bool = False, console: str = "") -> int:
    """Boots the config at `path` and writes the comparison to standard output; the exit status. `console` is a file for
    everything that the machine wrote to its console.

    For an image of ours an ordinary user becomes the root of a user namespace first: this process is replaced.
    """
    enters = not wishes.image and namespace.needed()
    try:
        config = read_input(path)
        text = _compiled(program, config, wishes.files_dir, warn=not enters)
    except IgnitionError as error:
        complain(program, error)
        return NOT_SO
    if text is None:
        return NOT_SO
    try:
        _check_programs()
        if enters:
            namespace.enter(config.data if path == "-" else None)
        outcome = _booted(text, wishes)
    except (NoMachine, namespace.Refused) as error:
        complain(program, f"there can be no rehearsal: {error}")
        return NO_MACHINE
    except KeyboardInterrupt:
        streams.say("stopped\n")
        return NO_MACHINE
    if console:
        with open(console, "w", encoding="utf-8", errors="replace") as file:
            file.write(outcome.console + "\n")
    if as_json:
        streams.write_stdout(dumps(_data(config.name, wishes, outcome), ensure_ascii=False, indent=2) + "\n")
    else:
        streams.write_stdout(_text(config.name, outcome))
    return AS_WANTED if outcome.state == "as the config says" else NOT_SO


class NoMachine(Exception):
    """There can be no machine; the message says why."""


def _compiled(program: str, source: Input, files_dir: str | None, *, warn: bool) -> bytes | None:
    """The config as JSON; None where it is not valid, which has been said. `warn`: says what is wrong with a valid one, too. Raises
    IgnitionError."""
    text: bytes | None = source.data
    if is_butane(source.data):
        compiled = compile_butane(source, files_dir, source_map=True)  # so that a failure names the line of the YAML
        text, report = compiled.data, compiled.report
    else:
        report = parse(source.data, source.name)[2]
    if len(report) and (warn or text is None or report.fatal):
        streams.say(reports.pretty(report, source.data, colour=False))
    if text is None or report.fatal:
        complain(program, f"{source.name} is not a valid config")
        return None
    return text


def _check_programs() -> None:
    """Raises NoMachine."""
    for needed in (QEMU, "mkfs.ext4", "debugfs"):
        if not which(needed):
            raise NoMachine(f"{needed} is not installed; tools/setup.sh vm installs what a rehearsal needs")


def _booted(text: bytes, wishes: Wishes) -> Outcome:
    """Raises NoMachine."""
    os.environ["PATH"] = ":".join(search_path())
    screen = Screen()
    try:
        return run_rehearsal(_request(text, wishes), screen.say, screen.console)
    except (BuildError, BootFailed, OSError, IgnitionError) as error:
        raise NoMachine(str(error)) from None
    finally:
        screen.end()


def _request(text: bytes, wishes: Wishes) -> Request:
    """Raises BuildError, IgnitionError."""
    config, _ = read(text)
    assert config is not None  # it has been checked
    image = None
    if wishes.image:
        files = {name: os.path.abspath(getattr(wishes, name)) for name in ("image", "kernel", "initrd") if getattr(wishes, name)}
        for name, path in files.items():
            if not os.access(path, os.R_OK):
                raise BuildError(f"--{name}: {path} cannot be read")
        kargs = f"console=ttyS0 {wishes.append}".strip()
        image = Image(files["image"], kernel=files.get("kernel", ""), initrd=files.get("initrd", ""), append=kargs)
    try:
        memory = size_of(wishes.memory) >> 20
    except ValueError as error:
        raise BuildError(f"--memory: {error}") from None
    return Request(
        text, config, json.loads(text)["ignition"]["version"], platform=wishes.platform, image=image,
        blanks=plan_disks(config, list(wishes.disks)), outside=not wishes.offline, memory=memory,
        timeout=wishes.timeout,
    )  # fmt: skip


def _data(name: str, wishes: Wishes, outcome: Outcome) -> dict[str, object]:
    return {
        "config": name,
        "platform": wishes.platform,
        "image": wishes.image or None,
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
    lines = ["", f"What a first boot makes of {name}:", "", *table(outcome.rows), ""]
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
