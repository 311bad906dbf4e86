"""Unit files as texts: sections and directives that systemd does not have, and settings that stand in the wrong place.

Source: the list that systemd prints itself (data/systemd.json), podman-systemd.unit(5) for quadlets (data/podman.json).
"""

from __future__ import annotations

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint, near
from butane_py.linter.tables import table
from ignition_py.report.diag import INFO
from ignition_py.report.examples import unit

_KINDS = ("service", "socket", "mount", "automount", "swap", "timer", "path", "slice", "scope", "target", "device")
_MOST_COMPARED = 100  # names that are compared with the right ones
_INSTALL = "[Install]\n  WantedBy=multi-user.target\nenabled: true\n"
_GOOD = f"contents: |\n  [Service]\n  ExecStart=/bin/true\n  {_INSTALL}"


def sections_of(text: Text) -> dict[str, frozenset[str]]:
    """The sections that a unit file of this kind may have, each with its directives."""
    systemd: dict[str, list[str]] = table("systemd")["sections"]
    kind = text.unit.rpartition(".")[2]
    names = ["Unit", "Install"]
    if text.quadlet:
        podman: dict[str, list[str]] = table("podman")["sections"]
        own = {name: frozenset(podman[name]) for name in (kind.capitalize(), "Quadlet") if name in podman}
        return {**{name: frozenset(systemd[name]) for name in (*names, "Service")}, **own}
    if kind.capitalize() in systemd:
        names.append(kind.capitalize())
    return {name: frozenset(systemd[name]) for name in names}


def misspells(text: Text, section: str, *names: str) -> bool:
    """True if a section or a setting that nobody knows resembles one of these: a mistake that has its own report."""
    sections = sections_of(text)
    unknown = [name for name, _ in text.read.sections if name not in sections][:_MOST_COMPARED]
    inside = [
        each.name
        for each in text.read.settings
        if each.section == section and each.name not in sections.get(section, ())
    ]
    return any(near(name, (section,), 0.7) for name in unknown) or any(
        near(name, names) for name in inside[:_MOST_COMPARED]
    )


def _known_kind(text: Text) -> bool:
    kind = text.unit.rpartition(".")[2]
    return text.quadlet or kind in _KINDS


@lint(
    "lint-unit-section",
    title="A unit has a section that systemd does not know",
    why="systemd ignores the section and everything in it.",
    fix="Write the section as systemd spells it; for notes of your own begin its name with X-.",
    wrong=unit(_GOOD.replace("[Install]", "[Instal]").replace("enabled: true", "enabled: false")),
    right=unit(_GOOD),
)
def unit_section(facts: Facts, find: Find) -> None:
    """Sections that units of this kind do not have."""
    for text in filter(_known_kind, facts.texts):
        sections = sections_of(text)
        for name, line in text.read.sections:
            if name in sections or name.startswith("X-"):
                continue
            close = near(name, sections, 0.7)
            other = name in table("systemd")["sections"] or name in table("podman")["sections"]
            kind = text.unit.rpartition(".")[2]
            what = f"a .{kind} has no section [{name}]" if other else f"unknown section [{name}]"
            hint = (
                f"write [{close}]"
                if close
                else f"sections of a .{kind}: {', '.join(f'[{known}]' for known in sorted(sections))}"
            )
            message = f"{what} in {text.unit}" + (f"; did you mean [{close}]?" if close else "")
            find.in_text(text.at, line, message, hint=hint, replace=(f"[{name}]", f"[{close}]") if close else None)


@lint(
    "lint-unit-directive",
    title="A unit has a directive that systemd does not know",
    why="systemd ignores the line.",
    fix="Write the directive as systemd spells it, in the section that has it.",
    wrong=unit(_GOOD.replace("ExecStart=", "ExecStart=/bin/false\n  ExecStopp=")),
    right=unit(_GOOD),
)
def unit_directive(facts: Facts, find: Find) -> None:
    """Directives that a section does not have: a warning where a similar one or another section is found, else information."""
    for text in filter(_known_kind, facts.texts):
        sections = sections_of(text)
        for setting in text.read.settings:
            known = sections.get(setting.section)
            if known is None or setting.name in known or setting.name.startswith("X-"):
                continue
            elsewhere = next((section for section, names in sections.items() if setting.name in names), "")
            close = near(setting.name, known)
            message = f"unknown directive {setting.name}= in [{setting.section}] of {text.unit}"
            if elsewhere:
                hint = f"move it to [{elsewhere}]"
                find.in_text(text.at, setting.line, f"{message}; it belongs to [{elsewhere}]", hint=hint)
            elif close:
                replace = (f"{setting.name}=", f"{close}=")
                find.in_text(
                    text.at, setting.line, f"{message}; did you mean {close}=?", hint=f"write {close}=", replace=replace
                )
            else:
                version = (
                    f"Podman {table('podman')['version']}"
                    if text.quadlet
                    else f"systemd {table('systemd')['version'].partition(' ')[0]}"
                )
                hint = f"{version} does not have it; take it away, or begin it with X- if it is for another program"
                find.in_text(text.at, setting.line, message, hint=hint, severity=INFO)


@lint(
    "lint-unit-no-section",
    title="A setting of a unit stands outside of any section",
    why="systemd ignores what comes before the first section, and lines that are no setting.",
    fix="Write the section above it, such as [Service].",
    wrong=unit("contents: |\n  Description=a\n  [Service]\n  ExecStart=/bin/true\n  " + _INSTALL),
    right=unit(_GOOD),
)
def unit_no_section(facts: Facts, find: Find) -> None:
    """Settings before the first section."""
    for text in filter(_known_kind, facts.texts):
        sections = sections_of(text)
        for setting in text.read.early:
            home = next((section for section, names in sections.items() if setting.name in names), "")
            hint = f"write [{home}] above it" if home else "write its section above it"
            find.in_text(
                text.at,
                setting.line,
                f"{setting.name}= stands before any section of {text.unit}: systemd ignores it",
                hint=hint,
            )
        for line, number in text.read.stray[:10]:
            message = f"{line[:40]!r} in {text.unit} is neither a section nor a setting: systemd ignores it"
            find.in_text(text.at, number, message, hint="write name=value, or begin the line with # for a comment")
