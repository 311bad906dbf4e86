"""Mounts: units whose names do not fit, and filesystems that nothing mounts after the first boot. Sources: systemd.mount(5), systemd.swap(5)."""

from __future__ import annotations

from butane_py.features.mount_units import unit_name_escape
from butane_py.linter.facts import Facts
from butane_py.linter.rule import Find, lint
from ignition_py.report.examples import unit

_MOUNT = "contents: |\n  [Mount]\n  What=/dev/disk/by-label/data\n  Where=/var/lib/data\n  [Install]\n  WantedBy=local-fs.target\nenabled: true\n"
_FILESYSTEM = (
    "storage:\n  filesystems:\n    - device: /dev/disk/by-id/a\n      format: ext4\n      path: /var/lib/data\n"
)
_KEYS = {".mount": ("Mount", "Where"), ".automount": ("Automount", "Where"), ".swap": ("Swap", "What")}
_MOUNTED_BY_IMAGE = {
    "fcos": ("/", "/boot", "/boot/efi", "/sysroot"),
    "openshift": ("/", "/boot", "/boot/efi", "/sysroot"),
    "flatcar": ("/", "/boot", "/usr", "/usr/share/oem", "/oem"),
}


@lint(
    "lint-mount-name",
    title="The name of a mount unit does not fit what it mounts",
    why="systemd refuses a mount, automount or swap unit whose name is not its path, escaped.",
    fix="Name it as systemd-escape --path tells.",
    wrong=unit(_MOUNT, "var-data.mount"),
    right=unit(_MOUNT, "var-lib-data.mount"),
)
def mount_name(facts: Facts, find: Find) -> None:
    """Names that differ from the escaped Where= (What= of a swap unit)."""
    for i, each in enumerate(facts.compiled.systemd.units):
        stem, dot, kind = each.name.rpartition(".")
        section, key = _KEYS.get(dot + kind, ("", ""))
        texts = facts.by_unit.get(each.name, []) if section and not each.mask else []
        path = next((value for text in reversed(texts) if (value := text.read.last(section, key))), "").strip("\"'")
        if not path.startswith("/") or "%" in path or ("@" in stem and "@" not in path):
            continue
        right = f"{unit_name_escape(path)}.{kind}"
        if right != each.name:
            at = ("systemd", "units", i, "name")
            message = f"systemd refuses {each.name}: its name does not fit {key}={path}"
            find.at(at, message, hint=f"name it {right}", fix=facts.value_fix(at, right))


@lint(
    "lint-not-mounted",
    written=True,
    title="A filesystem is not mounted after the first boot",
    why="path only mounts it while Ignition writes files; after that what was written there is not seen.",
    fix="Write with_mount_unit: true, or add a mount unit.",
    wrong=_FILESYSTEM,
    right=_FILESYSTEM + "      with_mount_unit: true\n",
)
def not_mounted(facts: Facts, find: Find) -> None:
    """Filesystems with a path that no mount unit, fstab or script of the config mounts."""
    if facts.merges:
        return
    where = _mounted(facts)
    texts = [file.text or "" for file in facts.files] + [text.text for text in facts.texts]
    for i, filesystem in enumerate(facts.config.storage.filesystems):
        path = (filesystem.path or "").rstrip("/") or "/"
        skipped = (
            not filesystem.path
            or filesystem.format in ("swap", "none")
            or path in _MOUNTED_BY_IMAGE.get(facts.row.name, ("/", "/boot"))
        )
        if skipped or filesystem.with_mount_unit or path in where:  # type: ignore[attr-defined]  # a Butane filesystem
            continue
        if any("mount" in text[:200_000] and path in text[:200_000] for text in texts) or any(
            "/etc/fstab" in file.path for file in facts.files
        ):
            continue
        find.at_yaml(
            ("storage", "filesystems", i, "path"),
            f"nothing mounts {path} after the first boot",
            hint="write with_mount_unit: true",
        )


def _mounted(facts: Facts) -> set[str]:
    """Mount points of the mount units of the config."""
    found = set()
    for text in facts.texts:
        if text.unit.endswith((".mount", ".automount")):
            found.add(
                (text.read.last("Mount", "Where") or text.read.last("Automount", "Where")).strip("\"'").rstrip("/")
            )
    return found
