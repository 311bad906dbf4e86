"""How long to wait for a device: as long as systemd does.

The reference starts the unit of the device, and systemd ends that job (internal/systemd/systemd.go, WaitOnDevices). Its limit is
DefaultDeviceTimeoutSec= of systemd-system.conf(5) with its drop-ins, or systemd.default_device_timeout_sec= of the kernel command
line (kernel-command-line(7)); a drop-in of the unit has precedence, such as systemd-fstab-generator(8) writes for
x-systemd.device-timeout= of an fstab (systemd.mount(5)). systemctl(1) says what has come of them; without systemd the kernel
command line counts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import kernel_command_line
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

BOOTED = "/run/systemd/system"  # sd_booted(3)
ARGUMENT = "systemd.default_device_timeout_sec"
_PROPERTIES = ("JobRunningTimeoutUSec", "JobTimeoutUSec")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
# Units of systemd.time(7), in seconds. `M` is a month, and `m` a minute.
_UNITS = {
    **dict.fromkeys(("us", "usec", "µs", "μs"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * _DAY),
    **dict.fromkeys(("M", "month", "months"), 30.44 * _DAY),
    **dict.fromkeys(("y", "year", "years"), 365.25 * _DAY),
}
FOREVER = float("inf")


def device_timeouts(log: Log, devices: Sequence[str], default: float) -> dict[str, float]:
    """The seconds for each of `devices`, FOREVER for no limit; `default` where nobody says."""
    limits = dict.fromkeys(devices, _of_command_line(log, default))
    # systemctl makes the name of a unit of a path; of one outside of /dev it is not a device's.
    asked = [device for device in devices if os.path.normpath(device).startswith("/dev/")]
    if not asked or not os.path.isdir(BOOTED):
        return limits
    command = ["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *map(os.path.normpath, asked)]
    try:
        text = run(log, command, what="asking systemd how long to wait for devices").stdout.decode("utf-8", "replace")
    except CommandError as error:
        log.warning(f"{error}; waiting for devices as long as the kernel command line says, or {default:g} s")
        return limits
    blocks = text.strip().split("\n\n")
    if len(blocks) == len(asked):
        shown = zip(asked, map(_shortest, blocks), strict=True)
        limits.update({device: seconds for device, seconds in shown if seconds is not None})
    return limits


def _shortest(block: str) -> float | None:
    """The first of the limits that systemctl shows of a unit; None where it shows none."""
    values = [seconds_of(line.partition("=")[2]) for line in block.splitlines()]
    return min((seconds for seconds in values if seconds is not None), default=None)


def _of_command_line(log: Log, default: float) -> float:
    try:
        words = kernel_command_line().split()
    except IgnitionError as error:
        log.debug(str(error))
        return default
    for word in reversed(words):  # the last one counts
        name, _, value = word.partition("=")
        if name.replace("-", "_") == ARGUMENT:
            seconds = seconds_of(value)
            return default if seconds is None else seconds or FOREVER
    return default


def seconds_of(span: str) -> float | None:
    """A time span (systemd.time(7)) such as "1min 30s", "90" or "infinity" in seconds; None for what is none."""
    span = span.strip()
    if span == "infinity":
        return FOREVER
    total, rest = 0.0, span
    while rest:
        number = _leading(rest, "0123456789.")
        rest = rest[len(number) :].lstrip()
        unit = _leading(rest, "abcdefghijklmnopqrstuvwxyzMµμ")
        rest = rest[len(unit) :].lstrip()
        try:
            total += float(number) * _UNITS[unit]
        except (ValueError, KeyError):
            return None
    return total if span else None


def _leading(text: str, characters: str) -> str:
    return text[: len(text) - len(text.lstrip(characters))]
