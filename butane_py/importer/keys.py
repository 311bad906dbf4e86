"""The top-level keys of a cloud-config: who reads each, or why it is not carried over. Source: cloud-init 26.2, module reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from butane_py.importer import accounts, commands, disks, files, system
from butane_py.importer.draft import Draft
from butane_py.importer.values import Value

Read: TypeAlias = "Callable[[Value, Draft], None]"

# In the order in which cloud-init acts on them, as far as one needs what another has made.
READERS: dict[str, Read] = {
    "device_aliases": disks.device_aliases,
    "mount_default_fields": disks.mount_default_fields,
    "write_files": files.write_files,
    "disk_setup": disks.disk_setup,
    "fs_setup": disks.fs_setup,
    "mounts": disks.mounts,
    "swap": disks.swap,
    "ca_certs": system.ca_certs,
    "user": accounts.default_user,
    "users": accounts.users,
    "groups": accounts.groups,
    "ssh_authorized_keys": accounts.default_keys,
    "chpasswd": accounts.chpasswd,
    "ssh_pwauth": accounts.ssh_pwauth,
    "ssh_keys": accounts.ssh_keys,
    "locale": system.locale,
    "keyboard": system.keyboard,
    "ntp": system.ntp,
    "timezone": system.timezone,
    "bootcmd": commands.bootcmd,
    "runcmd": commands.runcmd,
    "power_state": commands.power_state,
}
_HOST = ("hostname", "fqdn", "prefer_fqdn_over_hostname", "preserve_hostname", "create_hostname_file")
_PACKAGES = "there is no package manager of this kind; use a container, a system extension (systemd-sysext), or an image of your own"
_AGENT = "no module of Ignition sets it up; write its files, and run it as a container with a unit"
_UBUNTU = "the system is no Ubuntu"
_NETWORK = "write files of NetworkManager or systemd-networkd below /etc"
_OWN = "it is about cloud-init itself, which does not run"
_NEVER: dict[str, str] = {
    **dict.fromkeys(("apt", "apt_pipelining", "apt_preserve_sources_list", "package_reboot_if_required", "package_update",
                     "package_upgrade", "packages", "yum_repos", "yum_repo_dir", "zypper", "apk_repos", "snap",
                     "apt_reboot_if_required", "apt_update", "apt_upgrade", "grub_dpkg"), _PACKAGES),
    **dict.fromkeys(("ansible", "chef", "puppet", "salt_minion", "mcollective", "landscape", "lxd", "rsyslog", "wireguard"), _AGENT),
    **dict.fromkeys(("autoinstall", "byobu_by_default", "drivers", "fan", "ubuntu_advantage", "ubuntu_pro"), _UBUNTU),
    **dict.fromkeys(("manage_resolv_conf", "resolv_conf", "network"), _NETWORK),
    **dict.fromkeys(("allow_userdata", "cloud_config_modules", "cloud_final_modules", "cloud_init_modules", "datasource", "datasource_list",
                     "debug", "disable_ec2_metadata", "launch-index", "launch_index", "merge_how", "merge_type", "output", "reporting",
                     "system_info", "updates", "vendor_data", "final_message", "def_log_file", "syslog_fix_perms", "migrate",
                     "version"), _OWN),
    "rh_subscription": "the system is no RHEL",
    "spacewalk": "the system is no RHEL",
    "password": "a password in the open is none; give the user hashed_passwd",
    "locale_configfile": "the file is /etc/locale.conf",
    "rpi": "the firmware of the machine is set outside of it",
    "phone_home": "run curl in a unit",
    "random_seed": "the kernel and systemd have seeds of their own",
    "manage_etc_hosts": "write /etc/hosts by write_files where the name has to be resolved without DNS",
    "disable_root": "root has no keys unless the config gives some",
    "disable_root_opts": "root has no keys unless the config gives some",
    "ssh": "sshd writes the fingerprints of its keys to the console itself",
    "ssh_deletekeys": "the image has no keys of the host",
    "ssh_genkeytypes": "sshd-keygen makes the keys of the host",
    "ssh_publish_hostkeys": "the platform's agent would publish them",
    "ssh_quiet_keygen": "sshd-keygen makes the keys of the host",
    "ssh_import_id": "the machine would fetch keys that nobody has checked; write them out as ssh_authorized_keys",
    "ssh_fp_console_blacklist": "sshd writes the fingerprints of its keys to the console itself",
    "ssh_key_console_blacklist": "sshd writes the fingerprints of its keys to the console itself",
    "no_ssh_fingerprints": "sshd writes the fingerprints of its keys to the console itself",
    "authkey_hash": "sshd writes the fingerprints of its keys to the console itself",
    "allow_public_ssh_keys": "Afterburn takes the keys of the platform for core",
}  # fmt: skip
# The systems do by themselves what these ask for.
_OWN_ACCORD = ("growpart", "resize_rootfs")


def read_keys(root: Value, draft: Draft) -> None:
    """Reads all keys of a cloud-config into the draft; reports those that cannot be carried over."""
    found: dict[str, Value] = {}
    for name, value in root.mapping().items():
        plain = name.replace("-", "_")
        if plain in READERS or plain in _HOST:
            if not value.null:
                found[plain] = value
        elif plain in _NEVER or name in _NEVER:
            _lost(name, value, _NEVER.get(plain) or _NEVER[name])
        elif plain in _OWN_ACCORD:
            value.info(f"{name} is not needed: {draft.system.title} lets its root filesystem grow by itself")
        else:
            value.unknown([*READERS, *_HOST, *_NEVER, *_OWN_ACCORD])
    system.host_name(found, draft)
    for name, read in READERS.items():
        if name in found:
            read(found[name], draft)


def _lost(name: str, value: Value, why: str) -> None:
    if value.null or (value.is_text and value.text().lower() in ("false", "no", "off")):
        return  # it asks for nothing
    if name == "password":
        value.hide()
    value.not_carried(name, why)
