"""Rules of the config's version and of systemd units."""

from __future__ import annotations

from ignition_py.report.catalog import code
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import unit as example
from ignition_py.spec import tables
from ignition_py.spec.rules.paths import extension
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Dropin, Systemd, Unit
from ignition_py.spec.unitfile import UnitError, sections_with_settings

# fmt: off
UNIT_TYPES = (
    ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".snapshot", ".slice", ".scope",
)
# fmt: on
QUADLET_TYPES = (".container", ".volume", ".network", ".kube", ".image", ".build", ".pod", ".artifact")
# Target that units of a type are usually wanted by. Source: systemd.special(7).
_WANTED_BY = {
    ".timer": "timers",
    ".socket": "sockets",
    ".path": "paths",
    ".mount": "local-fs",
    ".automount": "local-fs",
}
_SHOWN = 80  # characters of a unit's line in a message
_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n"
_INSTALL = "    [Install]\n    WantedBy=multi-user.target\n"
_TEMPLATE = (
    "systemd:\n  units:\n    - name: one@.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n{}"
    "    - name: one@a.service\n      enabled: true\n"
)


@rule(tables.Ignition)
def version(ignition: tables.Ignition, findings: Findings) -> None:
    if tables.VERSIONS.get(ignition.version, findings.version) != findings.version:
        findings.error("version-unknown", f"the version {ignition.version!r} is unknown", "version")


@rule(
    Unit,
    "unit-name",
    title="The name of a unit has no type",
    why="systemd tells by the end of the name what a unit is, and ignores files with another ending.",
    fix="End the name with its type: .service, .socket, .mount, .timer and so on. Quadlets (.container, .volume …) are no units: put them "
    "into systemd.quadlets (fcos 1.8.0-experimental), or write them as files to /etc/containers/systemd.",
    wrong=example("enabled: true", "example"),
    right=example("enabled: true"),
)
@code(
    "unit-no-install",
    title="An enabled unit has no [Install] section",
    why="Enabling a unit creates the links that its [Install] section names. Without the section no link is created, and nothing starts "
    "the unit at boot.",
    fix="Add the lines [Install] and WantedBy=multi-user.target to the unit, or remove enabled: true.",
    severity=WARNING,
    wrong=example(f"enabled: true\ncontents: {_TEXT}"),
    right=example(f"enabled: true\ncontents: {_TEXT}{_INSTALL}"),
)
def unit(unit: Unit, findings: Findings) -> None:
    if extension(unit.name) not in UNIT_TYPES:
        _bad_name(unit.name, findings)
    sections = _sections(unit.contents, findings)
    if unit.enabled and unit.contents and sections is not None and "Install" not in sections:
        findings.warning(
            "unit-no-install",
            f"{unit.name} is enabled, but has no [Install] section, so nothing starts it",
            "contents",
            hint=_install_hint(unit.name),
            related=(("enabled here", ("enabled",)),),
        )


def _install_hint(name: str) -> str:
    target = _WANTED_BY.get(extension(name), "multi-user")
    return f"add two lines to the unit: `[Install]` and `WantedBy={target}.target`"


def _bad_name(name: str, findings: Findings) -> None:
    kind = extension(name)
    fix = None
    if kind in QUADLET_TYPES:
        message = f"{name} is a quadlet, not a systemd unit"
        hint = (
            "move it to systemd.quadlets (fcos 1.8.0-experimental), or write it as a file to "
            f"/etc/containers/systemd/{name}"
        )
    elif kind == ".conf":
        message = f"{name} is a drop-in, not a unit"
        hint = f"name the unit that it changes, and put it there as dropins: [{{name: {name}, contents: …}}]"
    else:
        message = f"the name of a unit ends with its type: one of {' '.join(UNIT_TYPES)}"
        meant = next((each for each in UNIT_TYPES if kind and each.startswith(kind[:4])), "")
        fix = name[: -len(kind)] + meant if meant else f"{name}.service" if name and name[-1] != "." else None
        hint = f"write {fix}" if fix else "write a name such as example.service"
    findings.error("unit-name", message, "name", hint=hint, fix=fix)


@rule(
    Dropin,
    "dropin-name",
    title="The name of a drop-in does not end with .conf",
    why="systemd reads only the files *.conf of a drop-in directory, so this one would be ignored.",
    fix="Add .conf to the name.",
    wrong=example("dropins:\n  - name: one\n    contents: '[Unit]'"),
    right=example("dropins:\n  - name: one.conf\n    contents: '[Unit]'"),
)
def dropin(dropin: Dropin, findings: Findings) -> None:
    _sections(dropin.contents, findings)
    if extension(dropin.name) != ".conf":
        better = f"{dropin.name}.conf" if dropin.name else None
        hint = f"write {better}" if better else "write a name such as override.conf"
        findings.error("dropin-name", "the name of a drop-in ends with .conf", "name", hint=hint, fix=better)


@code(
    "unit-contents",
    title="The text of a unit cannot be parsed",
    why="The text of a unit is made of [Section] lines and Name=value lines. systemd skips what it cannot parse, so the unit would do "
    "something else than what is written.",
    fix="Correct the line that the message names. A value that goes on in the next line needs a backslash as the last character.",
    wrong=example("contents: '[Service'"),
    right=example(f"contents: {_TEXT}"),
)
def _sections(contents: str | None, findings: Findings) -> set[str] | None:
    """The sections of a unit's text that have settings; None, with an error reported, if it cannot be parsed."""
    if contents is None:
        return set()
    try:
        return sections_with_settings(contents)
    except UnitError as error:
        where = f", line {error.line}: `{_shown(error.text)}`" if error.line else ""
        message = f"this is not the text of a unit: {error}{where}"
        findings.error("unit-contents", message, "contents", hint=_way_out(contents, error))
        return None


def _shown(line: str) -> str:
    """A line of a unit as it stands in a message: without values, which may be secret; control characters are made visible."""
    text = line.rstrip()
    bare = text.lstrip()
    if not bare.startswith("["):
        name = bare[: next((index for index, char in enumerate(bare) if char in "=: \t"), len(bare))]
        if name == bare and not name.startswith("-"):
            name = ""  # one word, which may be anything
        shown = text[: len(text) - len(bare)] + name
        text = shown if name == bare else f"{shown}…"
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _way_out(contents: str, error: UnitError) -> str:
    """What to do about a line that is not a unit's."""
    before = contents.split("\n")[max(error.line - 2, 0)] if error.line > 1 else ""
    if "\\n" in error.text and error.text.lstrip().startswith("["):
        return "\\n is no line break here: write the text as a block (contents: |), or in double quotes"
    if before.endswith("\\\r") or error.text.endswith("\r"):
        return "the text has Windows line ends (CRLF), which break continued lines: save it with LF alone"
    if before.rstrip().endswith("\\") and before != before.rstrip():
        return f"line {error.line - 1} ends with a backslash and blanks: remove the blanks, so that the line goes on"
    if error.text.lstrip().startswith(("-", "|", "&&")) and not before.rstrip().endswith("\\"):
        return f"line {error.line - 1} does not end with a backslash, so this line does not continue it: add one"
    return "a unit has lines such as [Service] and ExecStart=/usr/bin/true; a value goes on behind a backslash at the line end"


def _template(name: str) -> str:
    """The template of which a service is an instance, "" for one that is none."""
    stem = name.removesuffix(".service")
    at = stem.find("@", 1)
    return f"{stem[:at]}@.service" if stem != name and 0 < at < len(stem) - 1 else ""


@rule(
    Systemd,
    "instance-no-install",
    title="The template of an enabled instance has no [Install] section",
    why="An instance is enabled by the links that the [Install] section of its template names. Without the section nothing starts it.",
    fix="Add the lines [Install] and WantedBy=multi-user.target to the template, or remove enabled: true from the instance.",
    severity=WARNING,
    wrong=_TEMPLATE.format(""),
    right=_TEMPLATE.format("        [Install]\n        WantedBy=multi-user.target\n"),
)
def instances(systemd: Systemd, findings: Findings) -> None:
    if not any("@" in each.name for each in systemd.units):
        return
    units = {each.name: i for i, each in enumerate(systemd.units)}
    for i, each in enumerate(systemd.units):
        number = units.get(_template(each.name)) if each.enabled else None
        if number is None:
            continue
        template = systemd.units[number]
        if not template.contents:
            continue
        try:
            sections = sections_with_settings(template.contents)
        except UnitError:
            continue
        if "Install" not in sections:
            message = f"{each.name} is enabled, but its template {template.name} has no [Install] section"
            related = (("the template", ("units", number, "contents")),)
            hint = _install_hint(template.name).replace("the unit", "the template")
            findings.warning("instance-no-install", message, "units", i, "contents", hint=hint, related=related)
