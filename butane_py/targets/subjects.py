"""What targets are made from: a finished compilation, or an Ignition config."""

from __future__ import annotations

from collections.abc import Sequence

from butane_py.compilation import Compilation
from butane_py.linter.settings import Settings
from butane_py.targets.language import CaCertificate, Machine
from butane_py.targets.options import TargetOptions, merged
from butane_py.targets.plan import Admin, Certificates, Facts, Mirror, Module, ProxyFact, Setting, Text
from butane_py.targets.texts import certificates
from butane_py.yaml.source import Source
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Path, Place, Report
from ignition_py.spec import tables as spec
from ignition_py.spec.upgrade import upgrade


class Subject(Record):
    """A config in the newest version of the Ignition language, the facts of its section `machine`, and what it says of targets.

    `name` is what reports call the config; `source` is its YAML, None for JSON; `settings` say which reports
    are not wanted.
    """

    name: str
    config: spec.Config
    facts: Facts
    options: TargetOptions
    _: KW_ONLY
    report: Report
    source: Source | None = None
    settings: Settings | None = None


def no_options(name: str) -> TargetOptions:
    """The options of a config that says nothing of targets."""
    return TargetOptions({}, lambda path: Place(("targets", *path), source=name))


def subject_of(work: Compilation, included: Sequence[Compilation] = ()) -> Subject:
    """The subject of a compilation whose passes have found no error.

    `included` are those of the files that a build has merged into it, in that order: what they say of the machine and of targets
    counts too, and the config itself last.
    """
    facts, options = Facts(), no_options(work.name)
    report = Report()
    for part in (*included, work):
        if part.row.neutral:
            facts = facts.over(_facts(part, report))
            options = _with_section(options, part)
    config = upgrade(work.output, work.row.spec)
    return Subject(work.name, config, facts, options, report=report, source=work.source, settings=work.options.settings)


def _with_section(options: TargetOptions, part: Compilation) -> TargetOptions:
    """The options with those of the section `targets` of one file merged over them."""
    sections = getattr(part.config, "targets", None) or {}
    before = options.where

    def where(path: Path) -> Place:
        return (
            part.source.place(("targets", *path)) if part.source.find(("targets", *path)) is not None else before(path)
        )

    return TargetOptions(merged(options.sections, sections), where)


def is_ignition(data: bytes) -> bool:
    """True if the text is an Ignition config, in JSON, rather than Butane YAML."""
    if data.lstrip()[:1] != b"{" or b'"ignition"' not in data:
        return False
    import json

    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(root, dict) and "ignition" in root and "variant" not in root


def subject_of_ignition(data: bytes, name: str) -> tuple[Subject | None, Report]:
    """The subject of an Ignition config (JSON); None where the report has errors."""
    from ignition_py.spec.read import EmptyConfig, read

    try:
        config, report = read(data, name)
    except EmptyConfig as error:
        from ignition_py.report.diag import ERROR, Entry

        return None, Report([Entry(ERROR, "json-syntax", error.message, Place((), source=name))])
    if config is None:
        return None, report
    return Subject(name, config, Facts(), no_options(name), report=Report()), report


def _facts(work: Compilation, report: Report) -> Facts:
    """The facts of the section `machine`; local files that cannot be read are errors of the report."""
    machine: Machine = getattr(work.config, "machine")  # noqa: B009  # the row's own section, which the tables get when it is loaded
    at = work.source.place
    top = ("machine",)

    def text(*path: str | int, value: str) -> Text:
        return Text(at((*top, *path)), value)

    proxy = None
    if machine.has("proxy"):
        spot = ("machine", "proxy")
        http, https = (
            Text(at((*spot, name)), url) if url else None
            for name, url in (("http", machine.proxy.http), ("https", machine.proxy.https))
        )
        proxy = ProxyFact(at(spot), http=http, https=https, no_proxy=machine.proxy.no_proxy)
    modules = [
        Module(at((*top, "kernel_modules", index)), module.name, module.parameters, bool(module.blocked))
        for index, module in enumerate(machine.kernel_modules)
    ]
    mirrors = [
        Mirror(at((*top, "registry_mirrors", index)), mirror.registry, mirror.endpoints, not mirror.skip_fallback)
        for index, mirror in enumerate(machine.registry_mirrors)
    ]
    authorities = [_certificates(work, report, index, each) for index, each in enumerate(machine.ca_certificates)]
    users = enumerate(work.config.passwd.users)
    admins = [
        Admin(at(("passwd", "users", index, "admin")), user.name)
        for index, user in users
        if getattr(user, "admin", None)
    ]
    return Facts(
        hostname=text("hostname", value=machine.hostname) if machine.hostname else None,
        timezone=text("timezone", value=machine.timezone) if machine.timezone else None,
        time_servers=tuple(text("time_servers", index, value=each) for index, each in enumerate(machine.time_servers)),
        sysctl=tuple(Setting(at((*top, "sysctl", key)), key, value) for key, value in machine.sysctl.items()),
        modules=tuple(modules),
        certificates=tuple(each for each in authorities if each is not None),
        proxy=proxy,
        mirrors=tuple(mirrors),
        admins=tuple(admins),
    )


def _certificates(work: Compilation, report: Report, index: int, entry: CaCertificate) -> Certificates | None:
    from butane_py.resources import LocalFileError, read_local
    from ignition_py.report.diag import ERROR

    place = work.source.place(("machine", "ca_certificates", index))
    data = entry.inline
    if entry.local is not None:
        spot = work.source.place(("machine", "ca_certificates", index, "local"))
        try:
            data = read_local(entry.local, work.options).decode("utf-8", "replace")
        except LocalFileError as error:
            report.add(ERROR, error.code, str(error), spot)
            return None
        if not certificates(data):
            hint = "write PEM: text between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
            report.add(ERROR, "machine-value", f"{entry.local} has no certificate", spot, hint)
            return None
    return Certificates(place, entry.name, certificates(data or ""))
