"""One rehearsal: a throw-away machine is booted with a config, and looked at.

    programs/rehearse.py -> Request -> rehearse() -> Outcome

    disks.py, handover.py   what the machine needs -> machine.py boots it -> check/questions.py asks -> check/findings.py compares
    failure_screen.py       what the console says where it does not come up
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable

from ignition_py import boot_report as report
from ignition_py.boot_report import Run
from ignition_py.check import questions
from ignition_py.check.contents import Contents
from ignition_py.check.findings import Row, failed_units, rows
from ignition_py.check.script import answers, script
from ignition_py.programs.sizes import size_of
from ignition_py.record import KW_ONLY, Record, field
from ignition_py.rehearsal import disks, failure_screen, marker
from ignition_py.rehearsal.cache import Say
from ignition_py.rehearsal.console import FATAL
from ignition_py.rehearsal.disks import Blank
from ignition_py.rehearsal.failure_screen import Screen
from ignition_py.rehearsal.handover import Handover, hand_over
from ignition_py.rehearsal.hardware import VIRTIO, Drive, Network
from ignition_py.rehearsal.image import BuildError, run
from ignition_py.rehearsal.machine import Boot, BootFailed, Image, Machine
from ignition_py.rehearsal.visitor import UNIT, with_agent
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.read import parse_cached
from ignition_py.spec.tables import Config

AS_WANTED, DIFFERENT, FAILED = "as the config says", "different", "failed"
# Where the result of provisioning lies: ours and the reference's; the other of two directories that images can choose.
RESULTS = ("/etc/.ignition-result.json", "/var/lib/ignition/.ignition-result.json")
CONFIG = "/run/ignition.json"
SETTLE = "timeout 90 systemctl is-system-running --wait"  # until services have been started
READ_CONFIG = f"cat {CONFIG}"  # the config as the machine has merged it, nothing where it keeps none
_BOOTS = 3  # the kargs stage reboots once; more is a loop
_ENTRY = "/boot/loader/entries/rehearsal.conf"
_REBOOT = "rebooting, so that the kernel gets its new arguments"


class Request(Record):
    """What to rehearse. `text`: the config as JSON; `version`: its spec version; `config`: the same, decoded."""

    text: bytes
    config: Config
    version: str
    _: KW_ONLY
    platform: str
    image: Image | None
    blanks: list[Blank]
    outside: bool
    memory: int
    timeout: float


class Outcome(Record):
    """How it went. `rows`, `stages`: of a machine that came up. `why`, `screen`: of one that did not."""

    rows: list[Row] = field(default_factory=list)
    stages: list[Run] = field(default_factory=list)
    screen: Screen | None = None
    why: str = ""
    console: str = ""
    seconds: float = 0.0

    @property
    def state(self) -> str:
        if self.why:
            return FAILED
        return AS_WANTED if all(row.ok for row in self.rows) else DIFFERENT


def rehearse(request: Request, say: Say, watch: Callable[[float, str], None]) -> Outcome:
    """Raises BuildError where there can be no machine. `say` gets the steps, `watch` each line of the console."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="ignition-rehearsal-") as directory:
        text = request.text if request.image is None else with_agent(request.text, request.version)
        handover = hand_over(request.platform, text, directory)
        machine = Machine(
            directory, config=handover.firmware, platform=request.platform, kargs=handover.kargs, memory=request.memory,
            image=request.image, drives=[*_blank_drives(request.blanks, directory), *handover.drives],
            network=_network(request, handover), say=say, watch=watch,
        )  # fmt: skip
        started = time.monotonic()
        with handover.serving(), machine:
            kargs = _boot_entry(machine, request)
            for _ in range(_BOOTS):
                say("booting a throw-away machine ...")
                if _once(machine, request, kargs, outcome, say):
                    break
                kargs = _read_entry(machine)
            else:
                outcome.why = f"the machine restarted {_BOOTS} times and was not provisioned"
        outcome.seconds = time.monotonic() - started
    return outcome


def _blank_drives(blanks: list[Blank], directory: str) -> list[Drive]:
    drives = []
    for number, blank in enumerate(blanks):
        path = os.path.join(directory, f"blank{number}.img")
        with open(path, "wb") as file:
            file.truncate(blank.size)
        drives.append(Drive(path, blank.serial, bus=blank.bus))
    return drives


def _network(request: Request, handover: Handover) -> Network | None:
    if handover.server is None and not request.outside:
        return None
    forward = [handover.server] if handover.server is not None else []
    return Network(*forward, outside=request.outside)


def _once(machine: Machine, request: Request, kargs: str, outcome: Outcome, say: Say) -> bool:
    """One boot; False where the machine restarts to get its new kernel arguments."""
    with machine.boot(kargs=kargs) as boot:
        try:
            if request.image is not None:
                boot.give_up_after(FATAL)
            took = boot.wait_until_up(request.timeout)
            say(f"the machine answers, {took:.0f} s after power on; looking at it ...")
            _look(boot, request.config, outcome)
        except (BootFailed, ValueError) as error:
            if request.image is None and any(_REBOOT in text for _, text in boot.console.lines):
                say("the machine restarts, so that the kernel gets its new arguments")
                return False
            outcome.why = str(error).partition("\nlast lines")[0]
            lines = [text for _, text in boot.console.lines]
            outcome.screen = failure_screen.read(lines) or failure_screen.of_result(marker.result(lines))
        outcome.console = boot.console.text()
    return True


def _look(boot: Boot, config: Config, outcome: Outcome) -> None:
    """Asks the machine. Raises BootFailed, ValueError."""
    boot.ask(SETTLE, timeout=120)
    merged = boot.ask(READ_CONFIG).stdout.encode()
    with contextlib.suppress(IgnitionError):  # what the config merges is known only to the machine
        config = parse_cached(merged, CONFIG) if merged else config
    units = tuple(unit for unit in config.systemd.units if unit.name != UNIT)
    config = config.but(systemd=config.systemd.but(units=units))
    asked = {**questions.questions(config, Contents()), questions.FAILED_UNITS: ()}
    found = answers(asked, boot.feed(script(asked), timeout=180).stdout.encode())
    outcome.rows = [*rows(config, found), failed_units(config, found[questions.FAILED_UNITS])]
    outcome.stages = report.parse(boot.ask(f"cat {report.RUN} || cat {report.KEPT}").stdout.encode())
    if not outcome.stages and not boot.ask(f"cat {' '.join(RESULTS)}").stdout:
        raise ValueError("the machine came up, but nothing was provisioned: is Ignition in this image, and is this its first boot?")


def _boot_entry(machine: Machine, request: Request) -> str:
    """Our own image gets a boot entry where the config changes kernel arguments; we are its boot loader."""
    arguments = request.config.kernel_arguments
    if machine.image is not None or not (arguments.should_exist or arguments.should_not_exist):
        return ""
    source = os.path.join(machine.path, "entry.conf")
    with open(source, "w", encoding="utf-8") as file:
        file.write("title Rehearsal\nlinux /vmlinuz\noptions\n")
    for command in ("mkdir /boot/loader", "mkdir /boot/loader/entries", f"write {source} {_ENTRY}"):
        run(["debugfs", "-w", "-R", command, machine.disks[0]], "making a boot entry")
    return ""


def _read_entry(machine: Machine) -> str:
    text = machine.read(("", _ENTRY)) or ""
    return " ".join(line.partition(" ")[2].strip() for line in text.splitlines() if line.startswith("options"))


def plan_disks(config: Config, requested: list[str]) -> list[Blank]:
    """The blank disks: those asked for (`SIZE` or `SIZE:SERIAL`), else those that the config names. Raises BuildError."""
    try:
        if not requested:
            return disks.expected(config)
        blanks = []
        for number, text in enumerate(requested, 1):
            size, _, serial = text.partition(":")
            blanks.append(disks.Blank(VIRTIO, serial or f"disk{number}", size_of(size)))
    except ValueError as error:
        raise BuildError(str(error)) from None
    return blanks
