"""The systems with Ignition: Fedora CoreOS, Flatcar and openSUSE MicroOS. Facts become the files that each of them reads.

Sources: the documentation of Fedora CoreOS (hostname, time zone, sysctl, CA, proxy), of Flatcar (CA, timesyncd), and of MicroOS (Ignition).
"""

from __future__ import annotations

import json

from butane_py.emit.json import emit_json
from butane_py.targets.combustion import LAYOUT, OPTIONS, native_script
from butane_py.targets.fields import FIELDS
from butane_py.targets.layouts import CHRONY, TIMESYNCD, Layout
from butane_py.targets.model import FILES, NATIVE, Chosen, No, Takes, Target
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec
from ignition_py.spec.check import check_output
from ignition_py.spec.downgrade import convert
from ignition_py.spec.encode import to_data
from ignition_py.spec.merge import merge
from ignition_py.spec.tables import VERSIONS, latest

_STABLE = tuple(text for text in VERSIONS if "-" not in text and VERSIONS[text] >= 3)  # kernel arguments came with 3.3
_FACTS = (
    "hostname", "timezone", "time_servers", "sysctl", "kernel_modules", "module_parameters", "blocked_modules", "ca_certificates",
    "proxy", "registry_mirrors", "users.admin", "quadlets",
)  # fmt: skip
_SUPPORT: dict[str, Takes | No] = {**dict.fromkeys(FIELDS, NATIVE), **dict.fromkeys(_FACTS, FILES)}

LAYOUTS = {
    "fcos": Layout(time=CHRONY, admin_group="sudo"),
    "flatcar": Layout(
        time=TIMESYNCD,
        anchors="/etc/ssl/certs",
        ca_command="/usr/sbin/update-ca-certificates",
        admin_group="sudo",
        podman=False,
    ),
    "microos": LAYOUT,
}


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The Ignition config in the chosen version of its language."""
    config = _with_native(plan, findings)
    made, report = convert(config, VERSIONS[latest()], VERSIONS[plan.chosen.version])
    findings.report.merge(report)
    if made is None:
        return {}
    data = to_data(made, VERSIONS[plan.chosen.version])
    check_output(data, VERSIONS[plan.chosen.version])
    text = emit_json(data, pretty=plan.pretty)
    main, *others = plan.chosen.target.outputs
    outputs = {main: text.encode("utf-8", "replace") + b"\n"}
    if others and (plan.native.get("packages") or plan.native.get("script")):
        outputs[others[0]] = native_script(plan, findings)
    return outputs


def _with_native(plan: Plan, findings: Findings) -> spec.Config:
    """The config with `targets.NAME.config` merged over it, as Ignition merges configs."""
    native = plan.native.get("config")
    if not native or plan.native_place is None:
        return plan.config
    from ignition_py.spec.read import read

    ignition = (
        {**native.get("ignition", {}), "version": latest()}
        if isinstance(native.get("ignition", {}), dict)
        else native["ignition"]
    )
    try:
        text = json.dumps({**native, "ignition": ignition})
    except (TypeError, ValueError):
        text = ""
    config, report = read(text.encode("utf-8", "replace") or b"{", plan.source)
    if config is None or len(report):
        why = "; ".join(entry.message for entry in report)
        hint = "write an Ignition config in YAML, with Ignition's own keys"
        findings.error(
            "target-option",
            f"the config of targets.{plan.chosen.target.name} is not valid: {why}",
            plan.native_place,
            hint=hint,
        )
        return plan.config
    return merge(plan.config, config.but(ignition=None))


def _layout(chosen: Chosen) -> Layout:
    return LAYOUTS[chosen.target.name]


def _target(name: str, title: str, version: str, *others: str, **cells: Takes | No) -> Target:
    return Target(
        name,
        title,
        write=write,
        support={**_SUPPORT, **{field.replace("__", "."): cell for field, cell in cells.items()}},
        outputs=(f"{name}.ign", *others),
        versions=_STABLE,
        default_version=version,
        options={"config": "map", **(OPTIONS if others else {})},
        layout=_layout,
        platforms=("aws", "azure", "gcp", "openstack"),
        gzips=True,
    )


TARGETS = {
    "fcos": _target("fcos", "Fedora CoreOS", "3.5.0"),
    "flatcar": _target(
        "flatcar",
        "Flatcar",
        "3.4.0",
        luks__clevis=No("target-no-luks", "this version of Flatcar has no Clevis", "use key_file"),
        luks__cex=No("target-no-luks", "Flatcar does not support CEX", "use key_file"),
    ),
    "microos": _target("microos", "openSUSE MicroOS", "3.5.0", "microos-combustion.sh"),
}
