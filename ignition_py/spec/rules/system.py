"""Checks of the config's version and of systemd units."""

from __future__ import annotations

from ignition_py.spec import tables
from ignition_py.spec.rules.paths import extension
from ignition_py.spec.rules.registry import Findings, rule
from ignition_py.spec.tables import Dropin, Systemd, Unit
from ignition_py.spec.unitfile import UnitError, sections_with_settings

UNIT_TYPES = (
    ".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".snapshot", ".slice", ".scope",
)  # fmt: skip


@rule(tables.Ignition)
def version(it: tables.Ignition, findings: Findings) -> None:
    if tables.VERSIONS.get(it.version, findings.version) != findings.version:
        findings.error("version-unknown", f"the version {it.version!r} is unknown", "version")


@rule(Unit)
def unit(it: Unit, findings: Findings) -> None:
    if extension(it.name) not in UNIT_TYPES:
        findings.error("unit-name", f"the name of a unit ends in its type: one of {' '.join(UNIT_TYPES)}", "name")
    sections = _sections(it.contents, findings)
    if it.enabled and it.contents and sections is not None and "Install" not in sections:
        findings.warning(
            "unit-no-install", f"{it.name} is enabled, but has no [Install] section, so nothing starts it", "contents"
        )


@rule(Dropin)
def dropin(it: Dropin, findings: Findings) -> None:
    _sections(it.contents, findings)
    if extension(it.name) != ".conf":
        findings.error("dropin-name", "the name of a drop-in ends in .conf", "name")


def _sections(contents: str | None, findings: Findings) -> set[str] | None:
    if contents is None:
        return set()
    try:
        return sections_with_settings(contents)
    except UnitError as error:
        findings.error("unit-contents", f"this is not unit text: {error}", "contents")
        return None


def _template(name: str) -> str:
    """The template of which a service is an instance, "" for one that is none."""
    stem = name.removesuffix(".service")
    at = stem.find("@", 1)
    return f"{stem[:at]}@.service" if stem != name and 0 < at < len(stem) - 1 else ""


@rule(Systemd)
def instances(it: Systemd, findings: Findings) -> None:
    if not any("@" in each.name for each in it.units):
        return
    units = {each.name: each for each in it.units}
    for i, each in enumerate(it.units):
        template = units.get(_template(each.name)) if each.enabled else None
        if template is None or not template.contents:
            continue
        try:
            sections = sections_with_settings(template.contents)
        except UnitError:
            continue
        if "Install" not in sections:
            message = f"{each.name} is enabled, but its template {template.name} has no [Install] section"
            findings.warning("instance-no-install", message, "units", i, "contents")
