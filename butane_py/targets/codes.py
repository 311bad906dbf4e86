"""The codes of what targets report, one a reason, with examples that a test compiles for the target that each names."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import INFO, WARNING

_ROW = "machine 1.0.0-experimental"


def _machine(text: str) -> str:
    return "machine:\n" + "".join(f"  {line}\n" for line in text.splitlines())


declare(
    "target-missing",
    title="The variant names no system",
    why="variant: machine is for several systems, and what its section machine becomes depends on the system.",
    fix="Give --target NAME, several times for several systems; `butane-py targets` lists them.",
)
declare(
    "target-unknown",
    title="There is no target of this name",
    why="The section targets has native text by the name of the target, and would be ignored for a name that no target has.",
    fix="Write a name that `butane-py targets` lists.",
    wrong="targets:\n  coreos: {skip: []}\n",
    right="targets:\n  fcos: {skip: []}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-option",
    title="An option of a target is wrong",
    why="The native text of a target is merged last, and each target has keys of its own for it.",
    fix="Write a key and a value that the target has; docs/targets.md lists them.",
    wrong="targets:\n  fcos: {packages: [vim]}\n",
    right="targets:\n  fcos: {config: {}}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-skip-unknown",
    title="An entry of skip names nothing",
    why="skip says what a target does without. An entry that names nothing hides a mistake in its spelling, or is left over.",
    fix="Name a section, an entry by its key, or a field, as the config has it; or remove the entry.",
    wrong="targets:\n  fcos: {skip: [storage.raid]}\n",
    right="machine: {hostname: node1}\ntargets:\n  fcos: {skip: [machine.hostname]}\n",
    row=_ROW,
    target="fcos",
)
declare(
    "target-twice",
    title="The config says the same twice",
    why="A value of the section machine becomes a file or a setting that the config has already. One of the two would be lost.",
    fix="Leave one of the two out.",
    wrong=_machine("hostname: node1")
    + "storage:\n  files:\n    - path: /etc/hostname\n      contents: {inline: node2}\n",
    right=_machine("hostname: node1"),
    row=_ROW,
    target="fcos",
)
declare(
    "target-value",
    title="The target takes no such value",
    why="The target has the setting, and refuses this form of its value.",
    fix="Write a value that the target takes, as the message says.",
    wrong=_machine("registry_mirrors:\n  - {registry: '*', endpoints: [https://mirror.example.com]}"),
    right=_machine("registry_mirrors:\n  - {registry: quay.io, endpoints: [https://mirror.example.com]}"),
    row=_ROW,
    target="fcos",
)
declare(
    "target-lost",
    title="A part of a value is not carried to the target",
    why="The target has no place for it, and does without.",
    fix="Do what the message says, or leave the entry out with skip.",
    wrong='storage:\n  files: [{path: /etc/systemd/timesyncd.conf, contents: {inline: "[Time]\\nNTP=a\\nFallbackNTP=b\\n"}}]\n',
    right='storage:\n  files: [{path: /etc/systemd/timesyncd.conf, contents: {inline: "[Time]\\nNTP=a\\n"}}]\n',
    row=_ROW,
    severity=WARNING,
    target="cloud-init",
)
declare(
    "target-no-merge",
    title="The target merges no configs",
    why="Only Ignition fetches and merges other configs at boot. Embedded configs (inline, local) are merged when this is compiled.",
    fix="Embed the other config with local, or put what it says into this one.",
    wrong="ignition: {config: {merge: [{source: 'https://example.com/base.ign'}]}}\n",
    right='ignition:\n  config: {merge: [{inline: \'{"ignition": {"version": "3.7.0-experimental"}}\'}]}\n',
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-luks",
    title="The target makes no such encrypted volume",
    why="The system has no program that makes or opens it at first boot.",
    fix="Use another way of opening it that the message names, or encrypt when the system is installed.",
    wrong="storage:\n  luks:\n    - {name: data, device: /dev/sdb, clevis: {tpm2: true}}\n",
    right="storage:\n  luks:\n    - {name: data, device: /dev/sdb, key_file: {inline: secret}}\n",
    row=_ROW,
    target="flatcar",
)
declare(
    "target-no-kargs",
    title="The target sets no kernel arguments",
    why="The arguments are those of the image or of the boot loader, which the system does not change from a config.",
    fix="Set them in the image, as the message says, or leave them out with skip.",
    wrong="kernel_arguments: {should_exist: [quiet]}\n",
    right="kernel_arguments: {should_exist: [quiet]}\ntargets: {cloud-init: {skip: [kernel_arguments]}}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-karg-removal",
    title="The target removes no kernel arguments",
    why="The system adds arguments at most; those of the image stay.",
    fix="Remove them in the image, or leave the entry out with skip.",
    wrong="kernel_arguments: {should_not_exist: [quiet]}\n",
    right="kernel_arguments: {should_not_exist: [quiet]}\ntargets: {cloud-init: {skip: [kernel_arguments]}}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-users",
    title="The target has no such users",
    why="The system has no users that a config could make, or cannot remove those of the image.",
    fix="Do what the message says, or leave the user out with skip.",
    wrong="passwd: {users: [{name: core, should_exist: false}]}\n",
    right="passwd: {users: [{name: core}]}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-groups",
    title="The target has no such groups",
    why="The system has no groups that a config could make, or cannot remove those of the image.",
    fix="Do what the message says, or leave the group out with skip.",
    wrong="passwd: {groups: [{name: apps, should_exist: false}]}\n",
    right="passwd: {groups: [{name: apps, gid: 2000}]}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-password",
    title="The target sets no such password",
    why="The system has no place for the hash of this password.",
    fix="Log in by an SSH key, or leave the hash out with skip.",
    wrong="passwd: {groups: [{name: apps, password_hash: $6$salt$hash}]}\n",
    right="passwd: {groups: [{name: apps}]}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-remote",
    title="The target does not fetch files in this way",
    why="The system fetches nothing, or does not unpack what it fetches.",
    fix="Embed the file with local, or leave it out with skip.",
    wrong="storage: {files: [{path: /a, contents: {source: 'https://example.com/a.gz', compression: gzip}}]}\n",
    right="storage: {files: [{path: /a, contents: {source: 'https://example.com/a'}}]}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-verification",
    title="The target does not check digests, or needs one",
    why="Contents that are fetched without a check are whatever the server sends.",
    fix="Embed the file with local, or add the digest where the target needs one.",
    wrong="storage:\n  files:\n    - path: /a\n      contents:\n        source: https://example.com/a\n"
    f"        verification: {{hash: sha256-{'0' * 64}}}\n",
    right="storage: {files: [{path: /a, contents: {source: 'https://example.com/a'}}]}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-no-disks",
    title="The target does not partition disks or make filesystems in this way",
    why="The system lays out disks when it is installed, or runs the config when they are in use.",
    fix="Do what the message says, or leave the entry out with skip.",
    wrong="storage: {disks: [{device: /dev/sda, wipe_table: true}]}\n",
    right="storage: {disks: [{device: /dev/sda, wipe_table: true}]}\ntargets: {combustion: {skip: [storage.disks]}}\n",
    row=_ROW,
    target="combustion",
)
declare(
    "target-no-raid",
    title="The target makes no RAID arrays",
    why="The system has no way to make an array from a config.",
    fix="Make the array when the system is installed, or leave it out with skip.",
    wrong="storage: {raid: [{name: data, level: raid1, devices: [/dev/sda, /dev/sdb]}]}\n",
    right="storage:\n  raid: [{name: data, level: raid1, devices: [/dev/sda, /dev/sdb]}]\ntargets: {combustion: {skip: [storage.raid]}}\n",
    row=_ROW,
    target="combustion",
)
declare(
    "target-no-fetching",
    title="The target has no settings of Ignition's fetching",
    why="Proxy, certificate authorities and time limits in the section ignition are for what Ignition itself fetches at boot.",
    fix="Say proxies and certificate authorities in the section machine, or leave the settings out with skip.",
    wrong="ignition: {timeouts: {http_total: 60}}\n",
    right="machine: {proxy: {https: 'http://proxy.example.com:3128'}}\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-mountpoint",
    title="The filesystem would not be mounted there",
    why="What is written below the mount point would go to the root filesystem, or the system mounts elsewhere.",
    fix="Add with_mount_unit: true, or use the mount point that the message names.",
    wrong="storage:\n  filesystems: [{device: /dev/sdb, format: ext4, path: /data}]\n  files: [{path: /data/a, contents: {inline: a}}]\n",
    right="storage:\n  filesystems: [{device: /dev/sdb, format: ext4, path: /data, with_mount_unit: true}]\n"
    "  files: [{path: /data/a, contents: {inline: a}}]\n",
    row=_ROW,
    target="cloud-init",
)
declare(
    "target-reboot",
    title="A setting counts from the next boot on",
    why="The system takes the setting only when it boots again.",
    fix="Plan for one more boot, or use the target that the message names.",
    wrong="kernel_arguments: {should_exist: [quiet]}\n",
    right="storage: {files: [{path: /a, contents: {inline: a}}]}\n",
    row=_ROW,
    severity=WARNING,
    target="combustion",
)
declare(
    "target-no-timezone",
    title="The target has no time zone",
    why="The system runs in UTC, whatever the config says.",
    fix="Set the zone where it is needed, in containers, or leave it out with skip.",
    wrong=_machine("timezone: Europe/Berlin"),
    right="machine: {timezone: Europe/Berlin}\ntargets: {bottlerocket: {skip: [machine.timezone]}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-no-files",
    title="The target writes no files",
    why="The system has settings in place of files, and writes none of a config by itself.",
    fix="Say what the file says by a setting, do what the message names, or leave the file out with skip.",
    wrong="storage: {files: [{path: /var/lib/a, contents: {inline: a}}]}\n",
    right="storage: {files: [{path: /var/lib/a, contents: {inline: a}}]}\ntargets: {bottlerocket: {bootstrap: once}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-no-directories",
    title="The target makes no directories",
    why="The system makes the directories that it knows.",
    fix="Do what the message names, or leave the directory out with skip.",
    wrong="storage: {directories: [{path: /var/lib/a}]}\n",
    right="storage: {directories: [{path: /var/lib/a}]}\ntargets: {bottlerocket: {bootstrap: once}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-no-links",
    title="The target makes no links",
    why="The system makes the links that it knows.",
    fix="Do what the message names, or leave the link out with skip.",
    wrong="storage: {links: [{path: /var/lib/a, target: b}]}\n",
    right="storage: {links: [{path: /var/lib/a, target: b}]}\ntargets: {bottlerocket: {bootstrap: once}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-path",
    title="The path is the system's own",
    why="The system writes it anew, or it cannot be written there, so what the config puts there would be lost or stop the boot.",
    fix="Write another path, a setting of the system, or leave it out with skip.",
    wrong="storage: {files: [{path: /data/a, contents: {inline: a}}]}\n",
    right="storage: {files: [{path: /usr/local/etc/a, contents: {inline: a}}]}\ntargets: {kairos: {install: {nousers: true}}}\n",
    row=_ROW,
    target="kairos",
)
declare(
    "target-no-owner",
    title="The target does not know this owner",
    why="Names of users and groups are not known where the file is written.",
    fix="Write the number of the user or group, or leave the owner out with skip.",
    wrong="storage:\n  files: [{path: /var/lib/a, user: {name: app}, contents: {inline: a}}]\ntargets: {bottlerocket: {bootstrap: once}}\n",
    right="storage:\n  files: [{path: /var/lib/a, user: {id: 1000}, contents: {inline: a}}]\ntargets: {bottlerocket: {bootstrap: once}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-no-append",
    title="The target appends to no files",
    why="What the system runs on every boot would make the file grow with each.",
    fix="Write the whole file, do what the message names, or leave the file out with skip.",
    wrong="storage: {files: [{path: /etc/a, append: [{inline: a}]}]}\n",
    right="storage: {files: [{path: /etc/a, contents: {inline: a}}]}\ntargets: {kairos: {install: {nousers: true}}}\n",
    row=_ROW,
    target="kairos",
)
declare(
    "target-no-units",
    title="The target takes no such unit",
    why="The system runs no systemd units of a config.",
    fix="Run it as a container, build it into an image, or leave the unit out with skip.",
    wrong="systemd: {units: [{name: debug-shell.service, mask: true}]}\n",
    right="systemd: {units: [{name: debug-shell.service, mask: true}]}\ntargets: {bottlerocket: {skip: [systemd.units]}}\n",
    row=_ROW,
    target="bottlerocket",
)
declare(
    "target-every-boot",
    title="The target writes this on every boot",
    why="The folder is made anew at each boot, so what programs write there is lost.",
    fix="Keep state in a folder that the message names.",
    wrong="storage: {directories: [{path: /var/lib/app}]}\n",
    right="storage: {directories: [{path: /usr/local/lib/app}]}\ntargets: {kairos: {install: {nousers: true}}}\n",
    row=_ROW,
    severity=WARNING,
    target="kairos",
)
declare(
    "target-no-admin",
    title="No user may become root",
    why="The installer of the system refuses a config without such a user, so that nobody is locked out.",
    fix="Give a user admin: true, or say that there is none, as the message tells.",
    wrong="machine: {hostname: node1}\n",
    right="passwd: {users: [{name: ops, admin: true}]}\n",
    row=_ROW,
    severity=WARNING,
    target="kairos",
)
declare(
    "target-unverified-key",
    title="An SSH key is fetched without a check",
    why="Whoever answers in the place of the server gives the machine a key, and with it a login.",
    fix="Write the key itself.",
    wrong="passwd: {users: [{name: ops, admin: true}]}\n"
    "targets: {kairos: {stages: {network: [{authorized_keys: {ops: ['github:somebody']}}]}}}\n",
    right="passwd: {users: [{name: ops, admin: true, ssh_authorized_keys: [ssh-ed25519 AAA]}]}\n",
    row=_ROW,
    severity=WARNING,
    target="kairos",
)
declare(
    "target-size",
    title="The output is larger than user data may be",
    why="Platforms limit the size of user data, and refuse or cut what is larger.",
    fix="Give --gzip where the system takes it, store large files elsewhere, or hand the output over in another way.",
    wrong="storage: {files: [{path: /a, contents: {local: random.bin}}]}\n",
    right="storage: {files: [{path: /a, contents: {local: a.txt}}]}\n",
    row=_ROW,
    severity=INFO,
    local=True,
    target="cloud-init",
)
declare(
    "target-lost-wipe",
    title="The target wipes nothing",
    why="Ignition would wipe this before it is made. The system uses blank disks only, and keeps or refuses what is on them.",
    fix="Wipe the disk by hand before, where something may be on it.",
    wrong="storage:\n  disks: [{device: /dev/disk/by-id/a, wipe_table: true, partitions: [{label: data, size_mib: 512}]}]\n",
    right="storage:\n  disks: [{device: /dev/disk/by-id/a, partitions: [{label: data, size_mib: 512}]}]\n",
    row=_ROW,
    severity=WARNING,
    target="talos",
)
declare(
    "target-device",
    title="A disk is chosen by a name that can change",
    why="Names such as /dev/sdb are given in the order in which the kernel finds disks. The target looks for the disk at later boots too.",
    fix="Name the disk by a link below /dev/disk/by-id or /dev/disk/by-path.",
    wrong="storage: {disks: [{device: /dev/sdb, partitions: [{label: data, size_mib: 512}]}]}\n",
    right="storage: {disks: [{device: /dev/disk/by-id/a, partitions: [{label: data, size_mib: 512}]}]}\n",
    row=_ROW,
    severity=WARNING,
    target="talos",
)
declare(
    "target-image-tag",
    title="The image of a container is named by a tag",
    why="A tag can be given to another image, and machines that pull it on different days then run different programs.",
    fix="Name the image by its digest, IMAGE@sha256:...",
    wrong='systemd: {quadlets: [{name: app.container, rootful: true, contents: "[Container]\\nImage=quay.io/app:1\\n"}]}\n',
    right='systemd: {quadlets: [{name: app.container, rootful: true, contents: "[Container]\\nImage=quay.io/app@sha256:0\\n"}]}\n',
    row=_ROW,
    severity=WARNING,
    target="talos",
)
declare(
    "target-secret",
    title="Contents that are meant for few can be read by many",
    why="The target keeps what the config says where every user of the machine can read it, whatever the mode of the file is.",
    fix="Deliver the secret in another way, as the message says, and name the file that it is in.",
    wrong="storage: {files: [{path: /etc/app.key, mode: 0600, contents: {inline: secret}}]}\n",
    right="storage: {files: [{path: /etc/app.conf, mode: 0644, contents: {inline: key_file=/run/secrets/app}}]}\n",
    row=_ROW,
    severity=WARNING,
    target="nixos",
)
declare(
    "target-wider",
    title="A setting of the target reaches further than the config says",
    why="The target has the setting for the whole system only.",
    fix="Check that this is wanted, or write a narrower setting as native text of the target.",
    wrong="passwd: {users: [{name: ops, admin: true}]}\n",
    right="passwd: {users: [{name: ops, groups: [wheel]}]}\n",
    row=_ROW,
    severity=WARNING,
    target="nixos",
)
declare(
    "target-fhs",
    title="The target has no programs or files at this path",
    why="NixOS keeps programs in its store. What is below /usr, /bin, /lib and /opt elsewhere is not there.",
    fix="Write the path that the message names, or the path of a package in native text.",
    wrong='systemd: {units: [{name: a.service, contents: "[Service]\\nExecStart=/usr/bin/sleep 1\\n"}]}\n',
    right='systemd: {units: [{name: a.service, contents: "[Service]\\nExecStart=/run/current-system/sw/bin/sleep 1\\n"}]}\n',
    row=_ROW,
    severity=WARNING,
    target="nixos",
)
declare(
    "target-unit-unknown",
    title="The target does not enable units of the image",
    why="NixOS makes its units from options, and has no unit of this name unless an option asks for it.",
    fix="Set the option of the module in native text, or leave the entry out with skip.",
    wrong="systemd: {units: [{name: sshd.service, enabled: true}]}\n",
    right="targets: {nixos: {extra: '{ services.openssh.enable = true; }'}}\n",
    row=_ROW,
    target="nixos",
)
