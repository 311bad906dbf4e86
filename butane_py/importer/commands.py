"""`bootcmd`, `runcmd` and `power_state`: scripts, and the units that run them. Source: cloud-init's util.shellify."""

from __future__ import annotations

import re

from butane_py.emit.shell import word, words
from butane_py.importer.draft import FOLDER, Draft
from butane_py.importer.values import Value

STATE = "/var/lib/cloud-config"
_RUN, _BOOT = "runcmd", "bootcmd"
_RUN_ORDER = f"""Wants=network-online.target
After=network-online.target cloud-config-{_BOOT}.service
ConditionPathExists=!{STATE}/{_RUN}.done
"""
# The sections of the units: what each is for, and when it is run.
_UNITS = {_RUN: ("on the first boot", _RUN_ORDER), _BOOT: ("on every boot", "")}
_UNIT = """[Unit]
Description=Commands of the cloud-config, {when} ({name})
{order}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {path}
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
"""
# As cloud-init does, the stamp is set before the commands: they run once, even if one of them fails or reboots.
_RUN_HEAD = f"""#!/bin/sh
mkdir -p {STATE} && : >{STATE}/{_RUN}.done
"""
_PER = f"""per() {{ # FREQUENCY NAME COMMAND...: cloud-init-per
    stamp={STATE}/per-$2
    case $1 in
        always) shift 2 && "$@" && return ;;
        instance | once) ;;
        *) echo "unknown frequency $1" >&2 && return 1 ;;
    esac
    [ ! -e "$stamp" ] || return 0
    shift 2
    "$@" && mkdir -p {STATE} && : >"$stamp"
}}
"""
_PER_CALL = re.compile(r"cloud-init-per(?=\s)")
_ABSENT = re.compile(
    r"(?:^|[;&|]\s*|\bsudo\s+)(apt-get|apt|aptitude|dpkg|add-apt-repository|yum|dnf|microdnf|zypper|apk|snap|cloud-init)(?=\s|$)",
    re.MULTILINE,
)
_DELAY = re.compile(r"now|\+?[0-9]{1,9}\Z")
_VERBS = {"reboot": "-r", "poweroff": "-P", "halt": "-H"}


def runcmd(commands: Value, draft: Draft) -> None:
    """Adds commands that run once, on the first boot."""
    script = _script(commands, draft)
    if script:
        _add(_RUN, _RUN_HEAD + script, commands, draft)


def bootcmd(commands: Value, draft: Draft) -> None:
    """Adds commands that run on every boot."""
    script = _script(commands, draft)
    if script:
        _add(_BOOT, "#!/bin/sh\n" + (_PER if re.search(r"^per\s", script, re.MULTILINE) else "") + script, commands, draft)
        commands.differs("bootcmd runs once systemd has reached its services; cloud-init runs it before it writes files")


def _add(name: str, script: str, value: Value, draft: Draft) -> None:
    """Adds a script, and the unit that runs it."""
    path = _path(name)
    when, order = _UNITS[name]
    draft.file(path, value, script.encode("utf-8", "surrogateescape"), 0o700)
    draft.unit(f"cloud-config-{name}.service", _UNIT.format(name=name, when=when, order=order, path=path), value)


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.sh"


def _script(commands: Value, draft: Draft) -> str:
    """The commands as lines of a script, with the comments between them."""
    lines = []
    for command in commands.items():
        lines += [f"# {line}".rstrip() for line in command.remark]
        text = _command(command)
        lines.append(text)
        absent = _ABSENT.search(text)
        if absent:
            hint = "run it in a container, or install what it brings by a system extension or an image of your own"
            command.differs(f"{draft.system.title} has no {absent[1]}: the command will fail", hint)
    draft.expressions.update(commands.reader.expressions.values())
    return "".join(f"{line}\n" for line in lines)


def _command(value: Value) -> str:
    """One command: a text is a line of shell, a list is its words."""
    if not value.is_list:
        return _PER_CALL.sub("per", value.text(templated=True).rstrip("\n"), count=1)
    texts = [part.text(templated=True) for part in value.items()]
    if not texts or "\0" in "".join(texts):
        value.error("a command needs at least one word", "write [program, argument]")
        return ":"
    if texts[0] == "cloud-init-per" and len(texts) > 3:
        return f"per {words(*texts[1:])}"
    # Inside of quotes an expression of the template still has its place, since sed puts the value in before the script runs.
    return words(*texts)


def power_state(value: Value, draft: Draft) -> None:
    """Adds the shutdown to the commands of the first boot."""
    keys = dict(value.take({"mode": "", "delay": "", "message": "", "timeout": "", "condition": ""}))
    mode = keys["mode"].text() if "mode" in keys else ""
    if mode not in _VERBS:
        (keys.get("mode") or value).error("power_state needs a mode", f"write mode: {', '.join(_VERBS)}")
        return
    delay = keys["delay"].text() if "delay" in keys else "now"
    if not _DELAY.match(delay):
        keys["delay"].error(f"{keys['delay'].shown} is no delay", "write now or a number of minutes")
        return
    command = words("shutdown", _VERBS[mode], delay if delay == "now" else f"+{delay.lstrip('+')}")
    if "message" in keys:
        command += f" {word(keys['message'].text())}"
    condition = keys.get("condition")
    if condition is not None and condition.is_list:
        command = f"if {_command(condition)}; then {command}; fi"
    elif condition is not None and condition.text().lower() in ("false", "no", "off"):
        return
    elif condition is not None and condition.text().lower() not in ("true", "yes", "on"):
        command = f"if sh -c {word(condition.text())}; then {command}; fi"
    if _path(_RUN) not in draft.files:
        _add(_RUN, _RUN_HEAD, value, draft)
    draft.files[_path(_RUN)].appended += f"{command}\n".encode("utf-8", "surrogateescape")
