"""Units as systemd loads them: what it refuses, and what does not do what it looks like.

Sources: systemd.unit(5), systemd.service(5), systemd.timer(5), systemd.socket(5), systemd.path(5), systemd.special(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint, near
from butane_py.linter.tables import image_units, table
from butane_py.linter.unit_settings import misspells
from butane_py.linter.unit_text import Setting, UnitText
from ignition_py.report.diag import INFO
from ignition_py.report.examples import unit

_INSTALL = "  [Install]\n  WantedBy=multi-user.target\nenabled: true\n"
_GOOD = f"contents: |\n  [Service]\n  ExecStart=/bin/true\n{_INSTALL}"
_TIMER = "contents: |\n  [Timer]\n  OnCalendar=daily\n  [Install]\n  WantedBy=timers.target\nenabled: true\n"
_SUFFIXES = ("service", "socket", "target", "timer", "path", "mount", "automount", "swap", "slice", "scope", "device")
_LISTEN = ("Stream", "Datagram", "SequentialPacket", "FIFO", "Special", "Netlink", "MessageQueue", "USBFunction")
_PATHS = ("PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty")
_TRIGGERS = (
    "OnCalendar",
    "OnActiveSec",
    "OnBootSec",
    "OnStartupSec",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
    "OnClockChange",
    "OnTimezoneChange",
)


def whole_units(facts: Facts, kind: str) -> Iterator[tuple[Text, UnitText]]:
    """Units of a kind that the config writes itself: the main text, and it with its drop-ins read together."""
    for name, texts in facts.by_unit.items():
        main = next((text for text in texts if not text.dropin), None)
        if main is not None and name.endswith(kind):
            together = UnitText()
            for text in texts:
                together.settings.extend(text.read.settings)
            yield main, together


def _first_line(text: Text, section: str) -> int:
    return next((line for name, line in text.read.sections if name == section), 1)


@lint(
    "lint-service-no-exec",
    title="A service has nothing to run",
    why="systemd refuses it: only Type=oneshot services with RemainAfterExit=yes and an ExecStop= may do without ExecStart=.",
    fix="Write ExecStart=, with the absolute path of the program.",
    wrong=unit(_GOOD.replace("ExecStart=/bin/true", "Restart=always")),
    right=unit(_GOOD),
)
def service_no_exec(facts: Facts, find: Find) -> None:
    """Services without ExecStart= that systemd would refuse."""
    for text, read in whole_units(facts, ".service"):
        if (
            read.all("Service", "ExecStart")
            or read.last("Unit", "SuccessAction")
            or misspells(text, "Service", "ExecStart")
        ):
            continue
        oneshot = read.last("Service", "Type") == "oneshot" and read.last("Service", "RemainAfterExit").lower() in (
            "yes",
            "true",
            "1",
            "on",
            "y",
            "t",
        )
        if not (oneshot and read.all("Service", "ExecStop")):
            find.in_text(
                text.at,
                _first_line(text, "Service"),
                f"{text.unit} has no ExecStart=: systemd refuses it",
                hint="write ExecStart=/path/of/program",
            )


@lint(
    "lint-service-several-exec",
    title="A service has several main programs",
    why="systemd refuses more than one ExecStart= but of Type=oneshot services.",
    fix="Write Type=oneshot if they are to run one after the other; else give each a unit of its own.",
    wrong=unit(_GOOD.replace("/bin/true", "/bin/true\n  ExecStart=/bin/false")),
    right=unit(_GOOD.replace("ExecStart=", "Type=oneshot\n  ExecStart=/bin/false\n  ExecStart=")),
)
def service_several_exec(facts: Facts, find: Find) -> None:
    """Second ExecStart= of services that run one program."""
    for text, read in whole_units(facts, ".service"):
        several = read.all("Service", "ExecStart")[1:]
        if several and read.last("Service", "Type") != "oneshot":
            hint = "write Type=oneshot, or ExecStart= (empty) before the one that replaces the others"
            find.in_text(
                text.at,
                several[0].line,
                f"{text.unit} has {len(several) + 1} ExecStart=, and is not Type=oneshot",
                hint=hint,
            )


@lint(
    "lint-service-restart",
    title="A oneshot service is to be restarted always",
    why="systemd refuses Restart=always and Restart=on-success with Type=oneshot.",
    fix="Write Restart=on-failure, or another Type.",
    wrong=unit(_GOOD.replace("ExecStart", "Type=oneshot\n  Restart=always\n  ExecStart")),
    right=unit(_GOOD.replace("ExecStart", "Type=oneshot\n  Restart=on-failure\n  ExecStart")),
)
def service_restart(facts: Facts, find: Find) -> None:
    """Restart= that Type=oneshot does not go with."""
    for text, read in whole_units(facts, ".service"):
        restart = read.all("Service", "Restart")[-1:]
        if restart and read.last("Service", "Type") == "oneshot" and restart[0].value in ("always", "on-success"):
            message = (
                f"{text.unit} is Type=oneshot, which does not go with Restart={restart[0].value}: systemd refuses it"
            )
            find.in_text(text.at, restart[0].line, message, hint="write Restart=on-failure")


@lint(
    "lint-unit-target",
    title="A unit names a target that does not exist",
    why="Enabling makes a link that nothing follows, so the unit does not start.",
    fix="Write a target of systemd, such as multi-user.target.",
    wrong=unit(_GOOD.replace("multi-user.target", "multiuser.target")),
    right=unit(_GOOD),
)
def unit_target(facts: Facts, find: Find) -> None:
    """Targets in [Install] and in dependencies that are neither systemd's nor the config's: information where no similar one is known."""
    known = {name for name in image_units() if name.endswith(".target")} | set(table("image")["user-targets"])
    known |= {text.unit for text in facts.texts} | {each.name for each in facts.compiled.systemd.units}
    known |= {link.path.rpartition("/")[2] for link in facts.compiled.storage.links}
    for text in facts.texts:
        installed = text.read.all("Install", "WantedBy", "RequiredBy", "UpheldBy")
        for setting in [
            *installed,
            *text.read.all("Unit", "Wants", "Requires", "After", "Before", "BindsTo", "PartOf"),
        ]:
            for name in setting.value.split():
                _check_target(find, text, setting, name.strip("\"'"), known, installed=setting in installed)


def _check_target(find: Find, text: Text, setting: Setting, name: str, known: set[str], *, installed: bool) -> None:
    if not name or "%" in name or "@" in name or "$" in name:
        return
    kind = name.rpartition(".")[2] if "." in name else ""
    if kind not in _SUFFIXES:
        whole = f"{name}.target"
        hint = f"write {whole}" if whole in known else "write the whole name, with .service, .target or another suffix"
        replace = (name, whole) if whole in known else None
        find.in_text(
            text.at,
            setting.line,
            f"{setting.name}={name} of {text.unit} is not a name of a unit",
            hint=hint,
            replace=replace,
        )
    elif kind == "target" and name not in known:
        close = near(name, known, 0.85)
        if close and re.sub(r"\d", "", close) != re.sub(r"\d", "", name):
            message = f"{setting.name}={name} of {text.unit}: there is no such target; did you mean {close}?"
            find.in_text(text.at, setting.line, message, hint=f"write {close}", replace=(name, close))
        elif installed and not find.facts.merges:
            message = f"{setting.name}={name} of {text.unit} is a target that neither systemd nor this config has"
            find.in_text(
                text.at, setting.line, message, hint="write multi-user.target, or add the target", severity=INFO
            )


@lint(
    "lint-unit-enabled-masked",
    title="A unit is enabled and masked",
    why="A masked unit never starts, whatever enables it.",
    fix="Take enabled or mask away.",
    wrong=unit("enabled: true\nmask: true\n", "docker.service"),
    right=unit("enabled: true\n", "docker.service"),
)
def unit_enabled_masked(facts: Facts, find: Find) -> None:
    """Units with enabled: true and mask: true."""
    for i, each in enumerate(facts.compiled.systemd.units):
        if each.enabled and each.mask:
            find.at(
                ("systemd", "units", i, "mask"),
                f"{each.name} is enabled and masked: it never starts",
                hint="take one of the two away",
            )


@lint(
    "lint-template-enabled",
    title="A template is enabled without an instance",
    why="Only instances run. systemd enables a template only if it has DefaultInstance=.",
    fix="Name an instance, such as getty@tty1.service, or write DefaultInstance=.",
    wrong=unit(_GOOD, "example@.service"),
    right=unit(_GOOD.replace("WantedBy", "DefaultInstance=a\n  WantedBy"), "example@.service"),
)
def template_enabled(facts: Facts, find: Find) -> None:
    """Enabled templates without DefaultInstance=."""
    for i, each in enumerate(facts.compiled.systemd.units):
        if each.enabled and "@." in each.name and (each.contents or each.name not in image_units()):
            texts = facts.by_unit.get(each.name, [])
            if not any(text.read.last("Install", "DefaultInstance") for text in texts):
                instance = each.name.replace("@.", "@NAME.")
                message = f"{each.name} is a template: enabling it starts nothing"
                find.at(
                    ("systemd", "units", i, "name"),
                    message,
                    hint=f"add a unit {instance} with enabled: true, or write DefaultInstance= in [Install]",
                )


@lint(
    "lint-timer-no-trigger",
    title="A timer never elapses",
    why="systemd refuses a timer without OnCalendar= or another On…=.",
    fix="Write OnCalendar=daily, OnBootSec=5min or the like in [Timer].",
    wrong=unit(_TIMER.replace("OnCalendar=daily", "Persistent=true"), "example.timer"),
    right=unit(_TIMER, "example.timer")
    + "    - name: example.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n",
)
def timer_no_trigger(facts: Facts, find: Find) -> None:
    """Timers that have no time."""
    for text, read in whole_units(facts, ".timer"):
        if not read.all("Timer", *_TRIGGERS) and not misspells(text, "Timer", *_TRIGGERS):
            find.in_text(
                text.at,
                _first_line(text, "Timer"),
                f"{text.unit} has no On…= setting: systemd refuses it",
                hint="write OnCalendar= or OnBootSec=",
            )


@lint(
    "lint-unit-incomplete",
    title="A unit lacks what it is for",
    why="systemd refuses a socket without Listen…=, a path unit without a path, a mount unit without What= or Where=.",
    fix="Write the setting that the message names.",
    wrong=unit(
        "contents: |\n  [Mount]\n  Where=/var/data\n  [Install]\n  WantedBy=local-fs.target\nenabled: true\n",
        "var-data.mount",
    ),
    right=unit(
        "contents: |\n  [Mount]\n  What=/dev/disk/by-label/data\n  Where=/var/data\n  [Install]\n  WantedBy=local-fs.target\nenabled: true\n",
        "var-data.mount",
    ),
)
def unit_incomplete(facts: Facts, find: Find) -> None:
    """Sockets, path, mount, automount and swap units without their main setting."""
    needs = (
        (".socket", "Socket", tuple(f"Listen{kind}" for kind in _LISTEN), "ListenStream="),
        (".path", "Path", _PATHS, "PathExists="),
        (".mount", "Mount", ("What",), "What="),
        (".mount", "Mount", ("Where",), "Where="),
        (".automount", "Automount", ("Where",), "Where="),
        (".swap", "Swap", ("What",), "What="),
    )
    for kind, section, names, setting in needs:
        for text, read in whole_units(facts, kind):
            if (
                not read.all(section, *names)
                and not misspells(text, section, *names)
                and not (kind == ".mount" and text.unit in image_units())
            ):
                find.in_text(
                    text.at,
                    _first_line(text, section),
                    f"{text.unit} has no {setting} in [{section}]: systemd refuses it",
                    hint=f"write {setting}",
                )


@lint(
    "lint-timer-service-enabled",
    severity=INFO,
    title="A timer and its service are both enabled",
    why="The service runs at each boot besides when the timer starts it.",
    fix="Enable only the timer, if that is not meant.",
    wrong=unit(_TIMER, "example.timer")
    + "    - name: example.service\n      enabled: true\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n"
    "        [Install]\n        WantedBy=multi-user.target\n",
    right=unit(_TIMER, "example.timer")
    + "    - name: example.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n",
)
def timer_service_enabled(facts: Facts, find: Find) -> None:
    """Enabled services that an enabled timer of the config starts."""
    units = {each.name: (i, each) for i, each in enumerate(facts.compiled.systemd.units)}
    for name, (_, timer) in units.items():
        if name.endswith(".timer") and timer.enabled and timer.contents:
            texts = [text.read.last("Timer", "Unit") for text in facts.by_unit.get(name, [])]
            started = next(filter(None, texts), name.removesuffix(".timer") + ".service")
            if started in units and units[started][1].enabled and units[started][1].contents:
                at = ("systemd", "units", units[started][0], "enabled")
                find.at(
                    at,
                    f"{started} runs at each boot besides when {name} starts it",
                    hint="enable only the timer, if that is not meant",
                )


@lint(
    "lint-network-online",
    title="A unit waits for the network and nothing brings it",
    why="After= only orders. Where nothing wants network-online.target it is not started, and the unit does not wait.",
    fix="Write Wants=network-online.target too.",
    wrong=unit(_GOOD.replace("[Service]", "[Unit]\n  After=network-online.target\n  [Service]")),
    right=unit(
        _GOOD.replace("[Service]", "[Unit]\n  Wants=network-online.target\n  After=network-online.target\n  [Service]")
    ),
)
def network_online(facts: Facts, find: Find) -> None:
    """Units after network-online.target in configs where nothing wants it."""
    target = "network-online.target"
    wanting = ("Wants", "Requires", "BindsTo", "Requisite", "Upholds")
    if facts.merges or any(
        target in text.read.words("Unit", *wanting) or target in text.read.words("Install", "WantedBy")
        for text in facts.texts
    ):
        return
    for text in facts.texts:
        for setting in text.read.all("Unit", "After"):
            if target in setting.value.split() and not text.quadlet:
                message = f"{text.unit} is After={target}, which nothing in this config wants"
                find.in_text(text.at, setting.line, message, hint=f"add Wants={target} to [Unit]")
