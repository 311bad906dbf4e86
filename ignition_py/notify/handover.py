"""Leaves in /run what tells, from the real root, that the machine is provisioned. The real root may have neither Python nor curl.

    the files stage is done -> /run/ignition/notify/{provisioned,marker,executor/}, /run/systemd/system/ignition-report.service
    the real root has come up as far as multi-user.target wants -> the unit runs the script `provisioned`
        the line for the consoles, by a shell; then `ignition notify --event provisioned` by the executor, which is deleted behind it

/run outlives the switch to the real root, and systemd reads units there, so the image needs no change. `executor` is there only where
somebody is to be told: the interpreter with its libraries and its dynamic linker, about 25 MB of memory until the unit has run.
The unit holds up nobody: no target waits for it, and it waits for network-online.target only where a sink takes the network. It
reports nothing where ignition-firstboot-complete.service has failed: the next boot would provision again.
"""

from __future__ import annotations

import os
import sys

from ignition_py.context import Options
from ignition_py.notify.event import MARKER, PROVISIONED, marker, report
from ignition_py.notify.settings import FOLDER, wanted
from ignition_py.notify.sinks import SINKS, chosen
from ignition_py.report.diag import IgnitionError
from ignition_py.system.host import write_private
from ignition_py.system.log import Log

UNITS = "/run/systemd/system"
UNIT = "ignition-report.service"
_EXECUTOR = "executor"
_MAPS = "/proc/self/maps"
_SCRIPT = """#!/bin/sh
# Made by the files stage of this first boot (ignition_py/notify/handover.py).
here='{folder}'
read -r up _ </proc/uptime
if read -r line <"$here/marker"; then
    while read -r tty _; do
        printf '\\n{marker}%s,"seconds":%s}}\\n' "${{line%?}}" "$up" 2>/dev/null >"/dev/$tty" || :
    done </proc/consoles
fi
if [ -e "$here/{executor}/ignition.py" ]; then
    "$here/{executor}/ld.so" --inhibit-cache --library-path "$here/{executor}/libraries" \\
        "$here/{executor}/bin/python3" -IS "$here/{executor}/ignition.py" notify \\
        --event {event} --folder '{stages}' --config-cache '{cache}'
    rm -rf "$here/{executor}"
fi
"""
_TEXT = """# Made by the files stage of this first boot: docs/report.md.
[Unit]
Description=Report of the first boot
DefaultDependencies=no
After=basic.target ignition-firstboot-complete.service{after}
{wants}Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=-/run/ignition.env
ExecCondition=/bin/sh -c '! systemctl is-failed --quiet ignition-firstboot-complete.service'
ExecStart=/bin/sh {folder}/provisioned
TimeoutStartSec=60
"""


def leave(log: Log, options: Options, units: str = UNITS) -> None:
    """Leaves all of it; an error is a line in the log."""
    try:
        _leave(log, options, units)
    except (IgnitionError, OSError) as error:
        log.warning(f"the real root will not report that this machine is provisioned: {error}")


def _leave(log: Log, options: Options, units: str) -> None:
    folder = f"{options.folder}/{FOLDER}"
    asked = wanted(options.environ)
    made = report(PROVISIONED, options.platform, options.folder, None)
    line = marker({**made.data, "seconds": None}).removeprefix(MARKER)
    write_private(f"{folder}/marker", f"{line}\n".encode(), what="the line for the consoles")
    names = chosen(PROVISIONED, options.platform, asked)
    if names:
        try:
            carry(log, f"{folder}/{_EXECUTOR}")
        except (IgnitionError, OSError):  # the consoles can be told all the same
            import shutil

            shutil.rmtree(f"{folder}/{_EXECUTOR}", ignore_errors=True)
            raise
        finally:
            _unit(options, units, network=any(SINKS[name].network for name in names))
    else:
        _unit(options, units, network=False)


def _unit(options: Options, units: str, *, network: bool) -> None:
    """The script, the unit and the link that starts it. Raises IgnitionError, OSError."""
    folder = f"{options.folder}/{FOLDER}"
    script = _SCRIPT.format(
        folder=folder,
        marker=MARKER,
        executor=_EXECUTOR,
        event=PROVISIONED,
        stages=options.folder,
        cache=options.config_cache,
    )
    write_private(f"{folder}/provisioned", script.encode(), what="the script for the real root")
    online = "network-online.target"
    text = _TEXT.format(
        folder=folder, after=f" {online}" if network else "", wants=f"Wants={online}\n" if network else ""
    )
    os.makedirs(f"{units}/multi-user.target.wants", exist_ok=True)
    with open(f"{units}/{UNIT}", "w", encoding="utf-8") as file:
        file.write(text)
    link = f"{units}/multi-user.target.wants/{UNIT}"
    if not os.path.lexists(link):
        os.symlink(f"../{UNIT}", link)


def carry(log: Log, target: str) -> None:
    """Copies the executor to `target`, so that it runs in any root of this machine. Raises IgnitionError, OSError."""
    import shutil  # with `re`, for boots that report alone

    from ignition_py.system.libraries import listed, opened
    from ignition_py.system.run import run

    prefix, library = sys.prefix, f"{sys.platlibdir}/python{sys.version_info[0]}.{sys.version_info[1]}"
    if not os.path.exists(f"{prefix}/modules"):
        raise IgnitionError("the executor does not run from an initramfs")
    os.makedirs(f"{target}/bin")
    os.mkdir(f"{target}/libraries")
    shutil.copy(f"{prefix}/bin/python3", f"{target}/bin/python3")
    shutil.copytree(f"{prefix}/{library}", f"{target}/{library}")
    shutil.copy(f"{prefix}/modules", f"{target}/modules")
    with open(sys.argv[0], encoding="utf-8") as file:
        program = file.read()
    with open(f"{target}/ignition.py", "w", encoding="utf-8") as file:
        file.write(program.replace(repr(prefix)[1:-1], target))
    linker = _linker()
    shutil.copy(linker, f"{target}/ld.so")
    extensions = [
        f"{folder}/{name}"
        for folder, _, names in os.walk(f"{target}/{library}")
        for name in names
        if name.endswith(".so")
    ]
    argv = (
        [linker, "--inhibit-cache"] if linker.startswith(prefix) else [linker]
    )  # its libraries are all beside it then
    argv += ["--library-path", f"{prefix}/lib", "--preload", ":".join(extensions), "--list", f"{target}/bin/python3"]
    found, missing = listed(run(log, argv, what="looking for the executor's libraries").stdout.decode())
    if missing:
        log.debug(f"the executor goes to the real root without {', '.join(missing)}")
    for name, path in {**opened(found), **found}.items():
        shutil.copy(path, f"{target}/libraries/{name}")


def _linker() -> str:
    """The dynamic linker that has started this process. Raises IgnitionError, OSError."""
    with open(_MAPS, encoding="utf-8", errors="surrogateescape") as file:
        paths = {line.split(None, 5)[5].strip() for line in file if line.count("/")}
    for path in paths:
        name = os.path.basename(path)
        if name.startswith(("ld-", "ld.so", "ld64.so")) and ".so" in name:
            return path
    raise IgnitionError("this process has no dynamic linker that it could take along")
