"""`bootcmd`, `runcmd` and `power_state`: scripts, and the units that run them. Source: cloud-init's util.shellify."""

from __future__ import annotations

import re

from butane_py.emit.shell import word, words
from butane_py.importer.draft import FOLDER, Draft
from butane_py.importer.values import Value

STATE = "/var/lib/cloud-config"
_RUN_UNIT = f"""[Unit]
Description=Commands of the cloud-config, on the first boot (runcmd)
Wants=network-online.target
After=network-online.target cloud-config-bootcmd.service
ConditionPathExists=!{STATE}/runcmd.done

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {FOLDER}/runcmd.sh
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
"""
_BOOT_UNIT = f"""[Unit]
Description=Commands of the cloud-config, on every boot (bootcmd)

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {FOLDER}/bootcmd.sh
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
"""
# As cloud-init does, the stamp is set before the commands: they run once, even if one of them fails or reboots.
_RUN_HEAD = f"""#!/bin/sh
mkdir -p {STATE} && : >{STATE}/runcmd.done
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
    script = _script(commands, draft)
    if script:
        draft.file(f"{FOLDER}/runcmd.sh", commands, (_RUN_HEAD + script).encode("utf-8", "surrogateescape"), 0o700)
        draft.unit("cloud-config-runcmd.service", _RUN_UNIT, commands)


def bootcmd(commands: Value, draft: Draft) -> None:
    script = _script(commands, draft)
    if not script:
        return
    head = "#!/bin/sh\n" + (_PER if re.search(r"^per\s", script, re.MULTILINE) else "")
    draft.file(f"{FOLDER}/bootcmd.sh", commands, (head + script).encode("utf-8", "surrogateescape"), 0o700)
    draft.unit("cloud-config-bootcmd.service", _BOOT_UNIT, commands)
    commands.differs("bootcmd runs once systemd has reached its services; cloud-init runs it before it writes files")


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
    path = f"{FOLDER}/runcmd.sh"
    if path not in draft.files:
        draft.file(path, value, _RUN_HEAD.encode(), 0o700)
        draft.unit("cloud-config-runcmd.service", _RUN_UNIT, value)
    draft.files[path].appended += f"{command}\n".encode("utf-8", "surrogateescape")
