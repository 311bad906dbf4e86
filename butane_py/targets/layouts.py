"""Facts as files: where each system looks for what a fact says. A layout is a row; the texts are the same everywhere.

Sources: sysctl.d(5), modules-load.d(5), modprobe.d(5), systemd-system.conf(5), chrony.conf(5), timesyncd.conf(5),
containers-registries.conf(5), sudoers(5), and the documentation of each system for its folders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from butane_py.resources import data_url
from butane_py.targets.plan import Fact, Fixed, Mirror, Module, Plan
from butane_py.targets.report import Findings
from ignition_py.record import KW_ONLY, Record
from ignition_py.spec import tables as spec

DOCKER_HUB = "docker.io"
CHRONY, CHRONY_PART, TIMESYNCD = "/etc/chrony.conf", "/etc/chrony.d/butane.conf", "/etc/systemd/timesyncd.conf"
CA_UNIT = """[Unit]
Description=Trust the certificate authorities of the config
Before=docker.service containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}

[Install]
WantedBy=multi-user.target
"""


class Layout(Record):
    """Where a system looks.

    `time` is the file of the time servers, "" where the target is never asked for one; `anchors` the folder of certificate authorities
    and `anchor_suffix` the end of their names. `ca_command` is a program that a unit runs for them once, "" where the system
    does that itself or the target's own text does. `admin_group` may become root without a password, "" for a sudoers file.
    `podman` and `docker` tell which program's configuration of mirrors is written.
    """

    _: KW_ONLY
    time: str = CHRONY
    anchors: str = "/etc/pki/ca-trust/source/anchors"
    anchor_suffix: str = ".pem"
    ca_command: str = ""
    admin_group: str = ""
    podman: bool = True
    docker: bool = True

    def keeps(self, field: str, path: str) -> bool:
        """True if the system reads the fact of `field` at `path`, so that the file a fact could be lifted from stays as it is."""
        if field == "time_servers":
            part_of_chrony = self.time == CHRONY_PART and (path == CHRONY or path.startswith("/etc/chrony.d/"))
            return (
                path == self.time or part_of_chrony or (self.time == TIMESYNCD and path.startswith(f"{TIMESYNCD}.d/"))
            )
        if field == "ca_certificates":
            return posixpath.dirname(path) == self.anchors and path.endswith(self.anchor_suffix)
        if field == "registry_mirrors":
            return not path.startswith("/etc/docker/") or self.docker
        return True


def with_files(plan: Plan, layout: Layout, findings: Findings) -> spec.Config:
    """The config of a plan with a file, link or unit for each fact whose cell of the target says FILES.

    Reports a file that the config has already.
    """
    made = _Made(plan, layout, findings)
    made.all()
    return made.config()


class _Made:
    """The nodes that facts become."""

    def __init__(self, plan: Plan, layout: Layout, findings: Findings) -> None:
        self._plan = plan
        self._layout = layout
        self._findings = findings
        storage = plan.config.storage
        self._known = {node.path for nodes in (storage.files, storage.directories, storage.links) for node in nodes}
        self._files: list[spec.File] = []
        self._links: list[spec.Link] = []
        self._units: list[spec.Unit] = []
        self._users = list(plan.config.passwd.users)

    def _as_files(self, field: str) -> bool:
        cell = self._plan.chosen.takes(field)
        return cell is not None and not cell.native

    def all(self) -> None:
        facts, layout = self._plan.facts, self._layout
        if facts.hostname and self._as_files("hostname"):
            self._file("/etc/hostname", f"{facts.hostname.value}\n", facts.hostname)
        if facts.timezone and self._as_files("timezone"):
            self._link("/etc/localtime", f"../usr/share/zoneinfo/{facts.timezone.value}", facts.timezone)
        if facts.time_servers and self._as_files("time_servers"):
            self._file(
                layout.time,
                time_text(layout.time, [server.value for server in facts.time_servers]),
                facts.time_servers[0],
            )
        if facts.sysctl and self._as_files("sysctl"):
            text = "".join(f"{each.key} = {each.value}\n" for each in facts.sysctl)
            self._file("/etc/sysctl.d/90-butane.conf", text, facts.sysctl[0])
        if facts.modules and self._as_files("kernel_modules"):
            self._modules()
        if facts.certificates and self._as_files("ca_certificates"):
            self._certificates()
        if facts.proxy and self._as_files("proxy"):
            secret = any("@" in url.value for url in (facts.proxy.http, facts.proxy.https) if url)
            path = "/etc/systemd/system.conf.d/10-butane-proxy.conf"
            self._file(path, self._proxy_text(), facts.proxy, 0o600 if secret else 0o644)
        if self._as_files("registry_mirrors"):
            self._mirrors()
        if self._as_files("users.admin"):
            self._admins()

    def _file(self, path: str, text: str, fact: Fact, mode: int = 0o644) -> None:
        if path in self._known:
            message = f"the config has {path} already, which this is written to"
            self._findings.error(
                "target-twice", message, fact.place, hint="say what the file says here, or leave one of the two out"
            )
            return
        origin = Fixed(fact.place)
        url, compression = data_url(text.encode("utf-8", "surrogateescape"), None, may_compress=True)
        contents = spec.Resource(origin, source=url, compression=compression)
        self._files.append(spec.File(origin, path=path, mode=mode, overwrite=True, contents=contents))

    def _link(self, path: str, target: str, fact: Fact) -> None:
        if path in self._known:
            message = f"the config has {path} already, which this is written to"
            self._findings.error("target-twice", message, fact.place, hint="leave one of the two out")
            return
        self._links.append(spec.Link(Fixed(fact.place), path=path, target=target, overwrite=True))

    def _modules(self) -> None:
        modules = self._plan.facts.modules
        loaded = [module for module in modules if module.loaded and not module.blocked]
        if loaded:
            self._file("/etc/modules-load.d/butane.conf", "".join(f"{module.name}\n" for module in loaded), loaded[0])
        special = [module for module in modules if module.parameters or module.blocked]
        if special:
            self._file("/etc/modprobe.d/butane.conf", "".join(map(modprobe_text, special)), special[0])

    def _certificates(self) -> None:
        facts, layout = self._plan.facts.certificates, self._layout
        for fact in facts:
            self._file(f"{layout.anchors}/{fact.name}{layout.anchor_suffix}", fact.text, fact)
        if layout.ca_command:
            text = CA_UNIT.format(command=layout.ca_command)
            unit = spec.Unit(Fixed(facts[0].place), name="butane-ca-certificates.service", enabled=True, contents=text)
            self._units.append(unit)

    def _proxy_text(self) -> str:
        words = [f'"{name}={_systemd_quoted(value)}"' for name, value in proxy_variables(self._plan)]
        return f"[Manager]\nDefaultEnvironment={' '.join(words)}\n"

    def _mirrors(self) -> None:
        layout = self._layout
        for mirror in self._plan.facts.mirrors:
            hub = mirror.registry == DOCKER_HUB
            if mirror.registry == "*" or not (layout.podman or hub):
                what = (
                    "has no mirror of all registries at once"
                    if mirror.registry == "*"
                    else "takes mirrors of docker.io only"
                )
                message = f"{'Podman' if layout.podman else 'Docker'} {what}"
                skip = mirror.lifted or f"machine.registry_mirrors.{mirror.registry}"
                self._findings.error(
                    "target-value", message, mirror.place, hint="name the registries one by one", skip=skip
                )
                continue
            if layout.podman:
                name = re.sub(r"[^A-Za-z0-9.-]", "-", mirror.registry)
                self._file(f"/etc/containers/registries.conf.d/50-butane-{name}.conf", registries_text(mirror), mirror)
            if layout.docker and hub:
                self._docker(mirror)

    def _docker(self, mirror: Mirror) -> None:
        path = "/etc/docker/daemon.json"
        if path in self._known and self._layout.podman:
            message = f"Docker gets no mirror of {mirror.registry}: the config has {path} of its own"
            self._findings.warning("target-lost", message, mirror.place, hint="add registry-mirrors to that file")
            return
        import json

        self._file(path, json.dumps({"registry-mirrors": list(mirror.endpoints)}, indent=2) + "\n", mirror)

    def _admins(self) -> None:
        group = self._layout.admin_group
        for fact in self._plan.facts.admins:
            if not group:
                self._file(sudoers_path(fact.name), sudoers_text(fact.name), fact, 0o440)
                continue
            self._users = [
                user.but(groups=(*user.groups, group)) if user.name == fact.name and group not in user.groups else user
                for user in self._users
            ]

    def config(self) -> spec.Config:
        config, storage = self._plan.config, self._plan.config.storage
        if self._files or self._links:
            files, links = (*storage.files, *self._files), (*storage.links, *self._links)
            config = config.but(storage=storage.but(files=files or None, links=links or None))
        if self._units:
            config = config.but(systemd=config.systemd.but(units=(*config.systemd.units, *self._units)))
        if self._users:
            config = config.but(passwd=config.passwd.but(users=tuple(self._users)))
        return config


def time_text(path: str, servers: list[str], pools: Sequence[str] = ()) -> str:
    """A configuration of chrony or systemd-timesyncd, whichever reads `path`. To the latter, pools are servers like others."""
    if path.startswith(TIMESYNCD):
        return f"[Time]\nNTP={' '.join([*pools, *servers])}\n"
    lines = "".join(f"pool {pool} iburst\n" for pool in pools) + "".join(
        f"server {server} iburst\n" for server in servers
    )
    return lines + ("driftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n" if path == CHRONY else "")


def modprobe_text(module: Module) -> str:
    """What modprobe is told of a module: its parameters, or that it is blocked, whoever asks for it."""
    if module.blocked:
        return f"blacklist {module.name}\ninstall {module.name} /bin/false\n"
    return f"options {module.name} {' '.join(module.parameters)}\n"


def proxy_variables(plan: Plan) -> Iterator[tuple[str, str]]:
    """The environment variables of the proxy, by their lower-case names."""
    proxy = plan.facts.proxy
    if proxy is None:
        return
    if proxy.http:
        yield "http_proxy", proxy.http.value
    if proxy.https:
        yield "https_proxy", proxy.https.value
    if proxy.no_proxy:
        yield "no_proxy", ",".join(proxy.no_proxy)


def _systemd_quoted(value: str) -> str:
    """A value between double quotes of a systemd configuration file, where % begins a specifier."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def registries_text(mirror: Mirror) -> str:
    """containers-registries.conf(5): without fallback the first mirror takes the place of the registry itself."""
    locations = [(url.partition("://")[2].rstrip("/"), url.startswith("http://")) for url in mirror.endpoints]
    head = "[[registry]]\n"
    if mirror.fallback:
        head += f'location = "{_toml(mirror.registry)}"\n'
    else:
        (location, insecure), *locations = locations
        head += f'prefix = "{_toml(mirror.registry)}"\nlocation = "{_toml(location)}"\n' + (
            "insecure = true\n" if insecure else ""
        )
    parts = [
        f'\n[[registry.mirror]]\nlocation = "{_toml(location)}"\n' + ("insecure = true\n" if insecure else "")
        for location, insecure in locations
    ]
    return head + "".join(parts)


def _toml(text: str) -> str:
    """A text of printable ASCII inside a basic string of TOML."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def sudoers_path(user: str) -> str:
    """The file that lets a user become root; sudo reads no file with a dot or a tilde in its name."""
    return f"/etc/sudoers.d/90-butane-{re.sub(r'[^A-Za-z0-9_-]', '-', user)}"


def sudoers_text(user: str) -> str:
    """A rule of sudoers(5); characters with a meaning there are escaped."""
    escaped = re.sub(r"([^A-Za-z0-9_.-])", r"\\\1", user)
    return f"{escaped} ALL=(ALL) NOPASSWD: ALL\n"
