"""Bottlerocket: user data in TOML, one table `settings`, which its API takes as a whole or not at all.

Source: the settings of Bottlerocket 1.57 (documentation, and the models of the settings SDK 0.28). Unknown keys and wrong forms anywhere
make the machine refuse all of it, so values are checked here. Files can only be written by a bootstrap container, below a few folders.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from butane_py.emit import shell
from butane_py.targets.fields import FIELDS
from butane_py.targets.host_containers import container_of
from butane_py.targets.model import NATIVE, No, Takes, Target, native
from butane_py.targets.nodes import DEFAULT_DIRECTORY, DEFAULT_FILE, ROOT, below, owner_of, pieces
from butane_py.targets.options import merged
from butane_py.targets.plan import Certificates, Plan
from butane_py.targets.report import Findings
from butane_py.targets.schemas import hold, schema
from ignition_py.spec import tables as spec

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[0-9a-z][0-9a-z-]{0,62})(?:\.[0-9a-z][0-9a-z-]{0,62})*\Z")
_SYSCTL = re.compile(r"(?![./])(?!.*\.\.)[a-zA-Z0-9./_-]{1,128}\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_VALUE = re.compile(r"(?!.*\".*')(?!.*'.*\")[ -~]*\Z")
_FOLDERS = ("/var", "/local", "/mnt", "/opt")  # what stays, and what bootstrap containers may write
_MODES = ("once", "always")
_SCRIPT = """#!/usr/bin/env bash
# {heading}
set -euo pipefail
umask 022
root=/.bottlerocket/rootfs
put() {{ # PATH MODE OWNER, contents on standard input
    mkdir -p "$(dirname "$root$1")"
    (umask 077 && cat >"$root$1")
    chown "$3" "$root$1"
    chmod "$2" "$root$1"
}}
"""


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The user data."""
    from tomli_w import dumps

    settings = _settings(plan)
    document = {"settings": merged(settings, plan.native.get("settings", {}))}
    hold(document, plan, findings, ())
    if findings.fatal:
        return {}
    return {"bottlerocket.toml": f"# {plan.heading}\n{dumps(document, indent=2)}".encode()}


def _settings(plan: Plan) -> dict[str, Any]:
    """The settings, in the order of the documentation, without empty tables."""
    facts = plan.facts
    network: dict[str, Any] = {"hostname": facts.hostname.value} if facts.hostname else {}
    if facts.proxy and facts.proxy.https:
        network["https-proxy"] = facts.proxy.https.value
    if facts.proxy and facts.proxy.no_proxy:
        network["no-proxy"] = list(facts.proxy.no_proxy)
    made = {
        "network": network,
        "ntp": {"time-servers": [server.value for server in facts.time_servers]} if facts.time_servers else {},
        "kernel": _kernel(plan),
        "boot": _boot(plan),
        "pki": {each.name: {"data": _base64(each.text.encode()), "trusted": True} for each in facts.certificates},
        "container-registry": _registries(plan),
        "host-containers": _host_containers(plan),
        "bootstrap-containers": _bootstrap(plan),
    }
    return {key: value for key, value in made.items() if value}


def _kernel(plan: Plan) -> dict[str, Any]:
    modules = {
        module.name: {"allowed": False} if module.blocked else {"allowed": True, "autoload": True}
        for module in plan.facts.modules
        if module.blocked or module.loaded
    }
    made = {"sysctl": {setting.key: setting.value for setting in plan.facts.sysctl}, "modules": modules}
    return {key: value for key, value in made.items() if value}


def _boot(plan: Plan) -> dict[str, Any]:
    """Kernel parameters by key, values in order; the first boot is repeated for them."""
    parameters: dict[str, list[str]] = {}
    for argument in plan.config.kernel_arguments.should_exist:
        key, equals, value = argument.partition("=")
        parameters.setdefault(key, []).extend([value] if equals else [])
    for module in plan.facts.modules:
        for parameter in module.parameters:
            key, equals, value = parameter.partition("=")
            parameters.setdefault(f"{module.name}.{key}", []).extend([value] if equals else [])
    return {"reboot-to-reconcile": True, "kernel-parameters": parameters} if parameters else {}


def _registries(plan: Plan) -> dict[str, Any]:
    mirrors = [{"registry": each.registry, "endpoint": list(each.endpoints)} for each in plan.facts.mirrors]
    return {"mirrors": mirrors} if mirrors else {}


def _host_containers(plan: Plan) -> dict[str, Any]:
    """The admin container with the keys of all users, and quadlets that are plain enough."""
    containers: dict[str, Any] = {}
    keys = list(dict.fromkeys(key.strip() for user in plan.config.passwd.users for key in user.ssh_authorized_keys))
    if keys:
        data = json.dumps({"ssh": {"authorized-keys": keys}}, separators=(",", ":"))
        containers["admin"] = {"enabled": True, "user-data": _base64(data.encode())}
    for quadlet in plan.facts.quadlets:
        container = container_of(quadlet.name, quadlet.text)
        assert not isinstance(container, str)
        command = {"command": container.command} if container.command else {}
        containers[container.name] = {"source": container.image, "enabled": True, "superpowered": False, **command}
    return containers


def _bootstrap(plan: Plan) -> dict[str, Any]:
    """One bootstrap container that writes all nodes: several would run side by side."""
    storage = plan.config.storage
    if not (storage.files or storage.directories or storage.links):
        return {}
    text = _SCRIPT.format(heading=plan.heading) + "".join(_node_commands(plan))
    data = _base64(text.encode("utf-8", "surrogateescape"))
    return {"butane-files": {"mode": plan.native["bootstrap"], "essential": True, "user-data": data}}


def _node_commands(plan: Plan) -> list[str]:
    storage = plan.config.storage
    commands = []
    for directory in storage.directories:
        path, mode = _on_host(directory.path), DEFAULT_DIRECTORY if directory.mode is None else directory.mode
        commands.append(f"mkdir -p {path}\nchown {_ids(directory)} {path}\nchmod {mode:04o} {path}\n")
    for file in storage.files:
        path, mode = shell.word(file.path), DEFAULT_FILE if file.mode is None else file.mode
        found = pieces(file)
        if not found:
            commands.append(f"[ -e {_on_host(file.path)} ] || put {path} {mode:04o} {_ids(file)} </dev/null\n")
        for piece in found:
            target = f"cat >>{_on_host(file.path)}" if piece.append else f"put {path} {mode:04o} {_ids(file)}"
            commands.append(shell.fed(target, piece.data or b""))
    for link in storage.links:
        target = _on_host(link.target or "") if link.hard else shell.word(link.target or "")
        path = _on_host(link.path)
        commands.append(f'mkdir -p "$(dirname {path})"\nln {"-fT" if link.hard else "-sfnT"} -- {target} {path}\n')
    return commands


def _on_host(path: str) -> str:
    """A path of the host as the container sees it."""
    return f'"$root"{shell.word(path)}'


def _ids(node: spec.Node) -> str:
    """The owner by numbers: the container does not know the host's names."""
    return str(owner_of(node)).replace("root", "0")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def check(plan: Plan, findings: Findings) -> None:
    """Reports values that Bottlerocket would refuse, with the whole user data."""
    _check_facts(plan, findings)
    _check_arguments(plan, findings)
    _check_users(plan, findings)
    _check_nodes(plan, findings)
    for quadlet in plan.facts.quadlets:
        container = container_of(quadlet.name, quadlet.text)
        skip = quadlet.lifted or f"systemd.quadlets.{quadlet.name}"
        if isinstance(container, str):
            hint = "on Kubernetes write a static pod: targets.bottlerocket.settings.kubernetes.static-pods"
            message = f"Bottlerocket runs this quadlet as no host container: {container}"
            findings.error("target-value", message, quadlet.place, hint=hint, skip=skip)
        elif container.command and not plan.chosen.at_least("1.47"):
            findings.error(
                "target-value", "host containers take a command since Bottlerocket 1.47", quadlet.place, skip=skip
            )
    _check_native(plan, findings)


def _check_facts(plan: Plan, findings: Findings) -> None:
    facts = plan.facts
    if facts.hostname and not _HOST.match(facts.hostname.value):
        message = "a host name of Bottlerocket has lower-case letters, digits, - and dots"
        findings.error("target-value", message, facts.hostname.place, skip=facts.hostname.lifted or "machine.hostname")
    for setting in facts.sysctl:
        if not _SYSCTL.match(setting.key):
            skip = setting.lifted or f"machine.sysctl.{setting.key}"
            findings.error(
                "target-value", f"Bottlerocket takes no kernel parameter {setting.key}", setting.place, skip=skip
            )
    proxy = facts.proxy
    if proxy and proxy.http and (proxy.https is None or proxy.http.value != proxy.https.value):
        message = "Bottlerocket has one proxy, for https; http is another one"
        findings.error(
            "target-value", message, proxy.http.place, hint="give both the same URL", skip="machine.proxy.http"
        )
    for mirror in facts.mirrors:
        if not mirror.fallback:
            skip = mirror.lifted or f"machine.registry_mirrors.{mirror.registry}"
            message = "Bottlerocket asks the registry itself when its mirrors fail; skip_fallback cannot be said"
            findings.error("target-value", message, mirror.place, hint="remove skip_fallback", skip=skip)
    for each in facts.certificates:
        _check_certificate(each, findings)


def _check_certificate(fact: Certificates, findings: Findings) -> None:
    """One certificate that cannot be read makes Bottlerocket refuse everything."""
    for number, block in enumerate(fact.blocks, 1):
        if not _is_certificate(block):
            message = f"certificate {number} of {fact.name} is not X.509: Bottlerocket would refuse all settings"
            skip = fact.lifted or f"machine.ca_certificates.{fact.name}"
            findings.error("target-value", message, fact.place, hint="write the certificate anew", skip=skip)


def _is_certificate(block: str) -> bool:
    """True if the PEM block holds a DER sequence of the right length, and if `cryptography` is there, one that it reads."""
    try:
        data = base64.b64decode("".join(block.split("\n")[1:-2]), validate=True)
    except ValueError:
        return False
    if len(data) < 4 or data[0] != 0x30 or data[1] != 0x82 or int.from_bytes(data[2:4], "big") != len(data) - 4:
        return len(data) > 2 and data[0] == 0x30 and data[1] == 0x81 and data[2] == len(data) - 3
    try:
        from cryptography.x509 import load_der_x509_certificate
    except ImportError:
        return True
    try:
        load_der_x509_certificate(data)
    except ValueError:
        return False
    return True


def _check_arguments(plan: Plan, findings: Findings) -> None:
    arguments = plan.config.kernel_arguments.should_exist
    parts = [(plan.place("kernel_arguments", "should_exist", index), argument, f"kernel_arguments.should_exist.{argument}")
             for index, argument in enumerate(arguments)]  # fmt: skip
    parts += [(module.place, f"{module.name}.{each}", module.lifted or f"machine.kernel_modules.{module.name}")
              for module in plan.facts.modules for each in module.parameters]  # fmt: skip
    for place, argument, skip in parts:
        key, _, value = argument.partition("=")
        if not _PARAMETER.match(key) or not _VALUE.match(value):
            message = "Bottlerocket takes no such kernel parameter: names are words with dots, values ASCII with one kind of quotes"
            findings.error("target-value", message, place, skip=skip)
    if parts:
        hint = "override it with targets.bottlerocket.settings.boot.reboot-to-reconcile"
        findings.warning(
            "target-reboot", "Bottlerocket boots a second time for kernel parameters", parts[0][0], hint=hint
        )


_USER_FIELDS = (
    "gecos",
    "home_dir",
    "no_create_home",
    "primary_group",
    "no_user_group",
    "no_log_init",
    "shell",
    "system",
)


def _check_users(plan: Plan, findings: Findings) -> None:
    warned = False
    for index, user in enumerate(plan.config.passwd.users):
        place = plan.place("passwd", "users", index)
        if not user.ssh_authorized_keys:
            message = "Bottlerocket has no users; it takes their SSH keys, and this one has none"
            findings.error("target-no-users", message, place, skip=f"passwd.users.{user.name}")
        for name in _USER_FIELDS:
            if getattr(user, name):
                spot = plan.place("passwd", "users", index, name)
                findings.error(
                    "target-no-users",
                    f"Bottlerocket has no users, so no {name} of one",
                    spot,
                    skip=f"passwd.users.{user.name}.{name}",
                )
        if user.ssh_authorized_keys and not warned:
            warned = True
            message = "the keys go to the admin container, whose user is ec2-user; on AWS the key pair of the instance no longer counts"
            findings.warning("target-lost", message, place)


def _check_nodes(plan: Plan, findings: Findings) -> None:
    """Files, directories and links: only by a bootstrap container, which is asked for, and only where something stays."""
    mode = plan.native.get("bootstrap")
    storage = plan.config.storage
    hint = "have a bootstrap container write it: targets.bottlerocket.bootstrap: once (or always)"
    for kind, code in (
        ("files", "target-no-files"),
        ("directories", "target-no-directories"),
        ("links", "target-no-links"),
    ):
        for index, node in enumerate(getattr(storage, kind)):
            place, skip = plan.place("storage", kind, index), f"storage.{kind}.{node.path}"
            folder = any(below(node.path, each) and node.path != each for each in _FOLDERS)
            if not folder:
                message = f"{node.path} is Bottlerocket's own: only what is below {', '.join(_FOLDERS)} stays"
                findings.error("target-path", message, place, hint="write a setting of Bottlerocket", skip=skip)
            elif mode is None:
                findings.error(code, f"Bottlerocket writes no {kind}", place, hint=hint, skip=skip)
            for name in ("user", "group") if folder else ():
                owner = getattr(node, name)
                if owner.name not in (None, "", ROOT):
                    spot = plan.place("storage", kind, index, name)
                    message = f"a bootstrap container does not know the {name} {owner.name}"
                    findings.error(
                        "target-no-owner", message, spot, hint=f"write {name}: {{id: NUMBER}}", skip=f"{skip}.{name}"
                    )
    if mode == "always":
        for index, file in enumerate(storage.files):
            if file.append:
                place = plan.place("storage", "files", index, "append")
                message = "the bootstrap container runs on every boot, and would append each time"
                findings.error(
                    "target-no-append", message, place, hint="set bootstrap: once", skip=f"storage.files.{file.path}"
                )


def _check_native(plan: Plan, findings: Findings) -> None:
    """The native text: its groups are those of the flavour, and TOML has no null."""
    assert plan.native_where is not None
    mode = plan.native.get("bootstrap")
    if mode is not None and mode not in _MODES:
        findings.error(
            "target-option",
            "bootstrap is once or always",
            plan.native_where(("bootstrap",)),
            hint="write once or always",
        )
    settings = plan.native.get("settings", {})
    groups = schema("bottlerocket")["x-groups-by-variant"]
    known = [*groups["common"], *groups[plan.chosen.flavour]]
    if not isinstance(settings, dict):
        return
    for name, value in settings.items():
        place = plan.native_where(("settings", name))
        if name not in known:
            hint = f"it has {', '.join(known)}"
            findings.error(
                "target-option", f"Bottlerocket {plan.chosen.flavour} has no settings.{name}", place, hint=hint
            )
        if _has_null(value):
            findings.error(
                "target-option", f"settings.{name} has a null, which TOML does not know", place, hint="remove the key"
            )


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    return any(map(_has_null, value)) if isinstance(value, list) else value is None


_NO_DISKS = No(
    "target-no-disks",
    "Bottlerocket lays out its disks itself",
    "instance storage: targets.bottlerocket.settings.bootstrap-commands with apiclient ephemeral-storage init and bind",
)
_NO_UNITS = No(
    "target-no-units",
    "Bottlerocket takes no systemd units",
    "run a container: a quadlet with Image and Exec, or a pod of Kubernetes",
)
_NO_REMOTE = No("target-no-remote", "a bootstrap container fetches nothing", "embed the file with local")
_NO_GROUPS = No("target-no-groups", "Bottlerocket has no groups")
_NO_USERS = No("target-no-users", "Bottlerocket has no users")
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    "timezone": No("target-no-timezone", "the time zone of Bottlerocket is UTC", "set TZ in containers"),
    "module_parameters": native("as kernel parameters, for which the first boot is repeated"),
    "proxy": native("one URL for https; http only where it is the same"),
    "registry_mirrors": native("the registry itself is always asked last"),
    "kernel_arguments": native("the first boot is repeated for them"),
    "absent_kernel_arguments": No("target-no-karg-removal", "Bottlerocket adds kernel parameters, and removes none"),
    "users": native("their keys, for the admin container"),
    "users.password": No("target-no-password", "nobody logs in to Bottlerocket with a password", "give SSH keys"),
    "users.groups": _NO_GROUPS,
    **dict.fromkeys(("users.uid", "users.absent"), _NO_USERS),
    **dict.fromkeys([name for name in FIELDS if name.partition(".")[0] == "groups"], _NO_GROUPS),
    **dict.fromkeys(("files", "directories", "links", "hard_links"), native("below /var, /local, /mnt and /opt, by a bootstrap container")),
    "files.owner": native("by number"),
    **dict.fromkeys([name for name in FIELDS if name.startswith("files.remote")], _NO_REMOTE),
    "files.append": native("not with bootstrap: always"),
    **dict.fromkeys(("units", "units_by_name", "dropins", "masks"), _NO_UNITS),
    "quadlets": native("with Image and Exec alone, as host containers"),
    **dict.fromkeys([name for name in FIELDS if name.partition(".")[0] in ("disks", "filesystems", "swap")], _NO_DISKS),
    **dict.fromkeys(("luks", "luks.clevis", "luks.cex"), No("target-no-luks", "Bottlerocket opens no LUKS volumes")),
    "raid": No("target-no-raid", "Bottlerocket makes no arrays of a config", _NO_DISKS.hint),
    "remote_configs": No("target-no-merge", "Bottlerocket fetches no configs", "embed the config with local"),
    "fetching": No("target-no-fetching", "Bottlerocket has no settings of Ignition's fetching", "say the proxy in machine.proxy"),
}  # fmt: skip
TARGETS = {
    "bottlerocket": Target(
        "bottlerocket",
        "Bottlerocket",
        write=write,
        check=check,
        support=_SUPPORT,
        outputs=("bottlerocket.toml",),
        versions=("1.33", "1.47", "1.57"),
        default_version="1.57",
        flavours=tuple(name for name in ("aws-k8s", "aws-ecs", "vmware-k8s", "metal-dev", "aws-dev", "aws-mantle-1")),
        options={"settings": "map", "bootstrap": "text"},
        mounts=True,
        platforms=("aws", "vmware"),
        gzips=True,
    )
}
