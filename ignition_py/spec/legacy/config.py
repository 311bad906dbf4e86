"""A whole old config: the sections besides storage. Spec 1 has no `ignition` section, else it is a subset of 2.0."""

from __future__ import annotations

from ignition_py.spec import tables
from ignition_py.spec.legacy import rules
from ignition_py.spec.legacy.reader import Reader
from ignition_py.spec.legacy.storage import headers, storage, verification
from ignition_py.spec.merge import merge

_VERSION = "3.1.0"


def config(it: Reader) -> tables.Config:
    """Raises Unreadable; other errors are in the report."""
    if it.version < 0:
        it.number("ignitionVersion")
        ignition = tables.Ignition(it.origin, version=_VERSION)
    else:
        ignition = _ignition(it.below("ignition"))
    made = tables.Config(
        it.origin,
        ignition=ignition,
        passwd=_passwd(it.below("passwd")),
        storage=storage(it.below("storage"), it.below("networkd")),
        systemd=_systemd(it.below("systemd")),
    )
    it.done()
    return made


def _ignition(it: Reader) -> tables.Ignition:
    it.text("version")
    below = it.below("config")
    references = tables.IgnitionConfig(
        below.origin,
        merge=tuple([_reference(each) for each in below.each("append")]) or None,
        replace=_reference(below.below("replace")) if below.has("replace") else None,
    )
    below.done()
    timeouts, proxy = it.below("timeouts", since=1), it.below("proxy", since=4)
    made = tables.Ignition(
        it.origin,
        version=_VERSION,
        config=references,
        timeouts=tables.Timeouts(
            timeouts.origin,
            http_response_headers=timeouts.number("httpResponseHeaders"),
            http_total=timeouts.number("httpTotal"),
        ),
        proxy=tables.Proxy(
            proxy.origin,
            http_proxy=proxy.given("httpProxy"),
            https_proxy=proxy.given("httpsProxy"),
            no_proxy=proxy.texts("noProxy") or None,
        ),
        security=_security(it.below("security", since=2)),
    )
    for each in (timeouts, proxy, it):
        each.done()
    return made


def _security(it: Reader) -> tables.Security:
    tls = it.below("tls")
    authorities = tuple([_authority(each) for each in tls.each("certificateAuthorities")])
    it.done()
    tls.done()
    return tables.Security(it.origin, tls=tables.TLS(tls.origin, certificate_authorities=authorities or None))


def _reference(it: Reader) -> tables.ConfigReference:
    rules.scheme(it, it.text("source"))
    made = tables.ConfigReference(
        it.origin, source=it.text("source"), verification=verification(it), http_headers=headers(it)
    )
    it.done()
    return made


def _authority(it: Reader) -> tables.CaReference:
    return tables.CaReference(
        it.origin, source=it.text("source"), verification=verification(it), http_headers=headers(it)
    )


def _passwd(it: Reader) -> tables.Passwd:
    made = tables.Passwd(
        it.origin,
        users=tuple([_user(each) for each in it.each("users")]) or None,
        groups=tuple([_group(each) for each in it.each("groups")]) or None,
    )
    it.done()
    return made


def _group(it: Reader) -> tables.PasswdGroup:
    return tables.PasswdGroup(
        it.origin,
        name=it.text("name"),
        gid=it.number("gid"),
        password_hash=it.given("passwordHash"),
        system=it.switch("system"),
    )


def _user(it: Reader) -> tables.PasswdUser:
    """Up to 2.0 what is needed to make the account stands below `create`; where it is given, it wins later too."""
    own = tables.PasswdUser(
        it.origin,
        name=it.text("name"),
        password_hash=it.maybe_text("passwordHash") if it.version >= 1 else it.given("passwordHash"),
        ssh_authorized_keys=_without_twins(it, "sshAuthorizedKeys", it.texts("sshAuthorizedKeys")),
    )
    details = _account(it) if it.version >= 1 else {}
    rules.account_alone(it)
    if it.has("create"):
        create = it.below("create")
        details = _account(create)
        create.done()
    return own.but(**details)


def _account(it: Reader) -> dict[str, object]:
    return {
        "uid": it.number("uid"),
        "gecos": it.given("gecos"),
        "home_dir": it.given("homeDir"),
        "no_create_home": it.switch("noCreateHome"),
        "primary_group": it.given("primaryGroup"),
        "groups": _without_twins(it, "groups", it.texts("groups")),
        "no_user_group": it.switch("noUserGroup"),
        "no_log_init": it.switch("noLogInit"),
        "shell": it.given("shell"),
        "system": it.switch("system"),
    }


def _without_twins(it: Reader, name: str, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Spec 3 refuses a value given twice; it meant nothing more than one."""
    unique = tuple(dict.fromkeys(values))
    if len(unique) != len(values):
        it.warn("given-twice", f"{name} has the same value twice; one of them is left out", name)
    return unique or None


def _systemd(it: Reader) -> tables.Systemd:
    """A unit given twice is merged into one: the later contents win, drop-ins add up."""
    units: dict[str, tables.Unit] = {}
    for each in it.each("units"):
        made = _unit(each)
        before = units.get(made.name)
        if before is not None:
            each.warn("given-twice", f"the unit {made.name} is given twice; both are merged into one")
        units[made.name] = made if before is None else merge(before, made)
    it.done()
    return tables.Systemd(it.origin, units=tuple(units.values()) or None)


def _unit(it: Reader) -> tables.Unit:
    """`enabled` (2.1) wins over `enable`, which can only switch on."""
    enable, enabled = it.on("enable"), it.maybe_on("enabled", since=1)
    return tables.Unit(
        it.origin,
        name=it.text("name"),
        enabled=True if enable and enabled is None else enabled,
        mask=it.switch("mask"),
        contents=it.given("contents"),
        dropins=tuple([dropin(each) for each in it.each("dropins")]) or None,
    )


def dropin(it: Reader) -> tables.Dropin:
    return tables.Dropin(it.origin, name=it.text("name"), contents=it.given("contents"))
