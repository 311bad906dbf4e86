"""Files: where they go, who may read and run them, and what programs expect of them.

Sources: file-hierarchy(7), sudoers(5), hostname(5), nm-settings-keyfile(5), systemctl(1) for presets, the images' own mounts.
"""

from __future__ import annotations

import re

from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from butane_py.linter.tables import table
from ignition_py.report.diag import INFO, WARNING
from ignition_py.report.examples import file_

_SCRIPT = "contents:\n  inline: |\n    #!/bin/bash\n    true\n"
_SERVICE = "|\n    [Service]\n    ExecStart=/bin/true\n    [Install]\n    WantedBy=multi-user.target\n"
_READ_ONLY = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/proc", "/sys", "/dev")
_VOLATILE = ("/run", "/tmp", "/var/run")  # noqa: S108  # names of the target's folders
_WRITABLE = {"flatcar": ("/usr/share/oem", "/usr/local", "/usr/share/oem/"), "": ("/usr/local",)}
_INTERPRETED = (
    r"(?:\b(?:ba|da|z|k)?sh|\bpython3?|\bperl|\bsource|(?<!\S)\.)\s{1,20}(?:-\w+\s{1,20}){0,5}[\"']?(/[\w./@+-]{1,400})"
)
_MADE_BY_SUGAR = ("/boot/grub2/user.cfg",)


def _file(path: str, text: str) -> str:
    return file_(text).replace("/etc/motd", path)


def _below(path: str, folders: tuple[str, ...]) -> str:
    return next((folder for folder in folders if path == folder or path.startswith(folder.rstrip("/") + "/")), "")


@lint(
    "lint-file-in-image",
    title="A file is in the image already, and overwrite is not set",
    why="Ignition does not replace what is there unless it is told to: the boot fails.",
    fix="Write overwrite: true, or append to the file.",
    wrong=_file("/etc/hosts", "contents:\n  inline: a"),
    right=_file("/etc/hosts", "overwrite: true\ncontents:\n  inline: a"),
)
def file_in_image(facts: Facts, find: Find) -> None:
    """Files and links at paths that the variant's image is known to have."""
    known = frozenset(table("image")["files"].get(facts.row.name, ()))
    storage = facts.compiled.storage
    nodes = [
        ("files", i, node.path, bool(node.overwrite) or not node.contents.source)
        for i, node in enumerate(storage.files)
    ]
    nodes += [("links", i, node.path, bool(node.overwrite)) for i, node in enumerate(storage.links)]
    for kind, i, path, fits in nodes:
        if not fits and path in known:
            hint = "write overwrite: true" + (", or append in place of contents" if kind == "files" else "")
            find.at(
                ("storage", kind, i, "path"),
                f"{path} is in the {facts.row.name} image already: the boot fails",
                hint=hint,
            )


@lint(
    "lint-path-read-only",
    title="A path is where nothing can be written",
    why="/usr is read-only on these systems, and /proc, /sys and /dev are the kernel's: the boot fails, or nothing is kept.",
    fix="Write below /etc or /var; for programs /opt or /usr/local.",
    wrong=_file("/usr/bin/tool", _SCRIPT + "mode: 0755"),
    right=_file("/usr/local/bin/tool", _SCRIPT + "mode: 0755"),
)
def path_read_only(facts: Facts, find: Find) -> None:
    """Files, directories and links in read-only places that no filesystem of the config is mounted over."""
    writable = (*_WRITABLE.get(facts.row.name, ()), *_WRITABLE[""], *_mounts(facts))
    for path, kind, i in _nodes(facts):
        folder = _below(path, _READ_ONLY)
        if folder and not _below(path, writable):
            message = f"{path} cannot be written: {folder} is read-only or the kernel's own"
            find.at(("storage", kind, i, "path"), message, hint="write it below /etc, /var, /opt or /usr/local")


@lint(
    "lint-path-volatile",
    title="A path is not kept",
    why="/run and /tmp are emptied at each boot, and something is mounted over /boot: what Ignition writes there is not seen.",
    fix="Write below /etc or /var, or have systemd-tmpfiles make it at each boot (/etc/tmpfiles.d).",
    wrong=_file("/run/app/app.conf", "contents:\n  inline: a"),
    right=_file("/etc/app/app.conf", "contents:\n  inline: a"),
)
def path_volatile(facts: Facts, find: Find) -> None:
    """Files, directories and links in places that are emptied or mounted over at boot."""
    mounts = tuple(_mounts(facts))
    for path, kind, i in _nodes(facts):
        folder = _below(path, _VOLATILE) or (_below(path, ("/boot",)) if path not in _MADE_BY_SUGAR else "")
        if folder and not _below(path, mounts) and path != folder:
            what = "something is mounted over /boot" if folder == "/boot" else f"{folder} is emptied"
            hint = "write it below /etc or /var" + ("" if folder == "/boot" else ", or make it with /etc/tmpfiles.d")
            find.at(("storage", kind, i, "path"), f"{path} will not be there: {what} at boot", hint=hint)


def _nodes(facts: Facts) -> list[tuple[str, str, int]]:
    """Path, list and index of everything below storage that has a path."""
    storage = facts.compiled.storage
    lists = (("files", storage.files), ("directories", storage.directories), ("links", storage.links))
    return [(node.path, kind, i) for kind, nodes in lists for i, node in enumerate(nodes)]


def _mounts(facts: Facts) -> list[str]:
    """Mount points of the config's filesystems but the root's."""
    paths = [filesystem.path for filesystem in facts.compiled.storage.filesystems]
    return [path.rstrip("/") for path in paths if path and path.rstrip("/")]


@lint(
    "lint-script-not-executable",
    title="A script cannot be executed",
    why="Files get mode 0644 by default, so the script that begins with #! does not run.",
    fix="Write mode: 0755.",
    wrong=_file("/opt/run.sh", _SCRIPT),
    right=_file("/opt/run.sh", _SCRIPT + "mode: 0755"),
)
def script_not_executable(facts: Facts, find: Find) -> None:
    """Files that begin with #! and have no execute bit, unless the config runs them through an interpreter."""
    interpreted = {path for text in _all_texts(facts) for path in re.findall(_INTERPRETED, text)}
    for file in facts.files:
        begin = (file.contents or b"")[:200]
        if not begin.startswith(b"#!") or file.mode & 0o111 or file.path.startswith(("/etc/profile.d/", "/etc/bash")):
            continue
        if file.path not in interpreted and re.match(rb"#!\s*/", begin):
            mode = oct(file.mode | 0o111)[2:]
            find.at(file.at if file.node.mode is None else (*file.at, "mode"), f"{file.path} is a script that cannot be executed: its mode is {file.mode:04o}",
                    hint=f"write mode: 0{mode}", fix=facts.value_fix((*file.at, "mode"), file.mode | 0o111))  # fmt: skip


def _all_texts(facts: Facts) -> list[str]:
    return [text.text[:200_000] for text in facts.texts] + [(file.text or "")[:200_000] for file in facts.files]


@lint(
    "lint-crlf",
    title="Lines end in CR LF",
    why="The kernel looks for an interpreter whose name ends in CR, and systemd takes the CR into values.",
    fix="Save the file with LF line ends (dos2unix).",
    wrong='storage:\n  files:\n    - path: /opt/run.sh\n      mode: 0755\n      contents:\n        inline: "#!/bin/sh\\r\\ntrue\\r\\n"\n',
    right=_file("/opt/run.sh", _SCRIPT + "mode: 0755"),
)
def crlf(facts: Facts, find: Find) -> None:
    """Scripts and unit files with CR LF line ends."""
    for file in facts.files:
        if (file.contents or b"").startswith(b"#!") and b"\r\n" in file.contents[: 1 << 20]:  # type: ignore[index]  # it has contents
            find.at(file.inside, f"{file.path} is a script whose lines end in CR LF", hint="save it with LF line ends")
    for text in facts.texts:
        if "\r\n" in text.text:
            find.at(text.at, f"the lines of {text.unit} end in CR LF", hint="save it with LF line ends")


@lint(
    "lint-private-key-readable",
    title="A private key can be read by everybody",
    why="Every process of the machine can copy the key; ssh and many servers refuse such a key file.",
    fix="Write mode: 0600.",
    wrong=_file(
        "/etc/ssl/app.key",
        "contents:\n  inline: |\n    -----BEGIN PRIVATE KEY-----\n    AAAA\n    -----END PRIVATE KEY-----",
    ),
    right=_file(
        "/etc/ssl/app.key",
        "mode: 0600\ncontents:\n  inline: |\n    -----BEGIN PRIVATE KEY-----\n    AAAA\n    -----END PRIVATE KEY-----",
    ),
)
def private_key_readable(facts: Facts, find: Find) -> None:
    """Files with a private key that others may read."""
    for file in facts.files:
        if file.mode & 0o004 and re.search(
            rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----", (file.contents or b"")[: 1 << 20]
        ):
            at = file.at if file.node.mode is None else (*file.at, "mode")
            message = f"{file.path} holds a private key that everybody can read: its mode is {file.mode:04o}"
            find.at(at, message, hint="write mode: 0600", fix=facts.value_fix((*file.at, "mode"), 0o600))


@lint(
    "lint-wants-link",
    title="A unit is enabled by a link",
    why="At first boot systemd applies its presets to all units, and takes such links away again.",
    fix="Write the unit in systemd.units with enabled: true.",
    wrong="storage:\n  links:\n    - path: /etc/systemd/system/multi-user.target.wants/docker.service\n      target: /usr/lib/systemd/system/docker.service\n",
    right="systemd:\n  units:\n    - name: docker.service\n      enabled: true\n",
)
def wants_link(facts: Facts, find: Find) -> None:
    """Links in *.wants and *.requires of units that presets can disable: those with an [Install] section, and those of the image."""
    units = {each.name: each for each in facts.compiled.systemd.units}
    static = {text.unit for text in facts.texts if not text.dropin and not text.read.has("Install")}
    for i, link in enumerate(facts.compiled.storage.links):
        folder, _, name = link.path.rpartition("/")
        if not folder.startswith("/etc/systemd/system/") or not folder.endswith((".wants", ".requires")):
            continue
        if name in static or (name in units and units[name].enabled):
            continue
        find.at(("storage", "links", i, "path"), f"systemd's presets take this link to {name} away at first boot",
                hint=f"write {name} in systemd.units with enabled: true")  # fmt: skip


@lint(
    "lint-sudoers-file",
    title="A file of /etc/sudoers.d is not read as it should",
    why="Names with a dot or ending in ~ are skipped, and files that others may write are refused.",
    fix="Name it without a dot, with mode: 0440.",
    wrong=_file("/etc/sudoers.d/ops.conf", "mode: 0440\ncontents:\n  inline: '%ops ALL=(ALL) NOPASSWD: ALL'"),
    right=_file("/etc/sudoers.d/ops", "mode: 0440\ncontents:\n  inline: '%ops ALL=(ALL) NOPASSWD: ALL'"),
)
def sudoers_file(facts: Facts, find: Find) -> None:
    """Files of /etc/sudoers.d that are skipped by their name, or whose mode is not 0440."""
    for file in facts.files:
        name = file.path.removeprefix("/etc/sudoers.d/")
        if name == file.path or "/" in name:
            continue
        if "." in name or name.endswith("~"):
            find.at(
                (*file.at, "path"),
                f"sudo skips {name}: it reads no file with a dot in its name or a ~ at its end",
                hint="name it without",
            )
        if file.mode & 0o022:
            at = (*file.at, "mode")
            find.at(
                at,
                f"sudo refuses {name}: others may write it",
                hint="write mode: 0440",
                fix=facts.value_fix((*file.at, "mode"), 0o440),
            )
        elif file.mode & 0o337:
            at = file.at if file.node.mode is None else (*file.at, "mode")
            message = f"{name} has mode {file.mode:04o}; files of sudo are to be 0440"
            find.at(at, message, hint="write mode: 0440", severity=INFO, fix=facts.value_fix((*file.at, "mode"), 0o440))


@lint(
    "lint-hostname-invalid",
    title="A host name is not valid",
    why="systemd ignores the file and takes another name, such as localhost.",
    fix="Write one line of at most 64 letters, digits, hyphens and dots.",
    wrong=_file("/etc/hostname", "overwrite: true\ncontents:\n  inline: my_host"),
    right=_file("/etc/hostname", "overwrite: true\ncontents:\n  inline: my-host"),
)
def hostname_invalid(facts: Facts, find: Find) -> None:
    """Names that systemd-hostnamed does not take."""
    for file in facts.files:
        if file.path != "/etc/hostname" or file.contents is None:
            continue
        lines = [line.strip() for line in file.contents[:4096].decode("utf-8", "replace").splitlines()]
        names = [line for line in lines if line and not line.startswith("#")]
        problem = _hostname_problem(names)
        if problem:
            find.at(
                file.inside, f"this host name is not valid: {problem}", hint="write letters, digits, hyphens and dots"
            )


def _hostname_problem(names: list[str]) -> str:
    if not names:
        return "the file is empty"
    if len(names) > 1:
        return f"there are {len(names)} lines"
    name = names[0].removesuffix(".")
    wrong = sorted(set(re.findall(r"[^A-Za-z0-9.?-]", name)))
    if wrong:
        return f"it has {' '.join(repr(char) for char in wrong[:5])}"
    if len(name) > 64:
        return f"it has {len(name)} characters, of which 64 count"
    labels = name.split(".")
    return (
        "a part of it is empty or begins or ends with a hyphen"
        if any(not p or p.startswith("-") or p.endswith("-") for p in labels)
        else ""
    )


@lint(
    "lint-nmconnection-readable",
    title="A connection profile can be read by others",
    why="NetworkManager ignores profiles that anybody but root may read or write.",
    fix="Write mode: 0600.",
    wrong=_file(
        "/etc/NetworkManager/system-connections/a.nmconnection", "contents:\n  inline: |\n    [connection]\n    id=a"
    ),
    right=_file(
        "/etc/NetworkManager/system-connections/a.nmconnection",
        "mode: 0600\ncontents:\n  inline: |\n    [connection]\n    id=a",
    ),
)
def nmconnection_readable(facts: Facts, find: Find) -> None:
    """Profiles of NetworkManager with permissions for group or others."""
    for file in facts.files:
        if file.path.startswith("/etc/NetworkManager/system-connections/") and file.mode & 0o077:
            at = file.at if file.node.mode is None else (*file.at, "mode")
            message = f"NetworkManager ignores {file.path.rpartition('/')[2]}: its mode is {file.mode:04o}"
            find.at(
                at, message, hint="write mode: 0600", fix=facts.value_fix((*file.at, "mode"), 0o600), severity=WARNING
            )
