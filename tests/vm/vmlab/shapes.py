"""Image layouts of distributions, as data for `ignition_py/rehearsal/layout.py`.

What a distribution brings besides Ignition (an overlay for `/etc`, mounts from its fstab, the drive that a config is
on) are units in a small initramfs segment of the shape, as they would be in a dracut module of its own.

Sources: Flatcar's "disk layout" and SDK, Fedora CoreOS's "major changes" and coreos-assembler, openSUSE MicroOS's
design page and its Ignition module.
"""

from __future__ import annotations

from ignition_py.rehearsal.shape import PLAIN, Part, Shape

_IN_INITRAMFS = "DefaultDependencies=no\nConditionPathExists=/etc/initrd-release\n"

# /usr read-only from one of two partitions, the root nearly empty, /etc an overlay of it over what /usr brings.
FLATCAR = Shape(
    "flatcar",
    kargs="root=LABEL=ROOT rootflags=rw mount.usr=PARTLABEL=USR-A mount.usrfstype=ext4 mount.usrflags=ro",
    platform="flatcar.oem.id={}",
    first_boot="flatcar.first_boot=detected",
    stamp=None,
    parts=(
        Part("USR-A", 900, "ext4", "usr", uuid="7130c94a-213a-4e5a-8e26-6cce9662f132"),
        Part("USR-B", 64, uuid="e03dd35c-7c2d-4a47-b3fe-27f15780a57c"),
        Part("OEM", 16, "ext4", "oem"),
        Part("ROOT", 300, "ext4", ""),
    ),
    moves=(("etc", "usr/share/flatcar/etc"),),
    files={
        "usr/share/flatcar/etc/fstab": "",
        "usr/share/baselayout/passwd": "core:x:500:500:CoreOS Admin:/home/core:/bin/bash\n",
        "usr/share/baselayout/group": "core:x:500:\ndocker:x:233:core\n",
        "home/core/.profile": "",  # what systemd-tmpfiles makes there
        "usr/lib/systemd/system/of-the-image.service":
            "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
    },
    owners={"home/core": 500, "home/core/.profile": 500},
    units={
        "sysroot-etc-overlay.service": f"""[Unit]
Description=/etc of the machine over that of the image
{_IN_INITRAMFS}RequiresMountsFor=/sysroot/usr
After=initrd-root-fs.target ignition-remount-sysroot.service
Before=ignition-mount.service ignition-files.service initrd-parse-etc.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mkdir -p /sysroot/etc /sysroot/.etc-work
ExecStart=mount -t overlay overlay -o lowerdir=/sysroot/usr/share/flatcar/etc,upperdir=/sysroot/etc,workdir=/sysroot/.etc-work /sysroot/etc
""",
    },
)  # fmt: skip

# Filesystems labelled `boot` and `root`, a boot entry that OSTree switches by a link, SELinux.
_OPTIONS = "rw $ignition_firstboot mitigations=auto,nosmt root=LABEL=root security=selinux enforcing=0"
FEDORA_COREOS = Shape(
    "fcos",
    kargs="",
    stamp=("boot", "/ignition.firstboot"),
    entry=("boot", "/loader.0/entries/ostree-1-fedora-coreos.conf"),
    parts=(Part("boot", 96, "ext4", "boot"), Part("root", 1400, "xfs", "")),
    packages=("selinux-policy-default", "policycoreutils"),
    selinux="default",
    files={
        "etc/fstab": "LABEL=root / xfs defaults 0 0\nLABEL=boot /boot ext4 defaults,nodev,nosuid 0 0\n",
        "etc/selinux/config": "SELINUX=permissive\nSELINUXTYPE=default\n",
        "boot/loader.0/entries/ostree-1-fedora-coreos.conf":
            f"title Fedora CoreOS (ostree:0)\nversion 1\noptions {_OPTIONS}\nlinux /ostree/vmlinuz\ninitrd /ostree/initramfs.img\n",
        "boot/ignition.firstboot": "",
    },
    links={"boot/loader": "loader.0"},
)  # fmt: skip

# One btrfs with subvolumes, the root one of them that cannot be written to; /var, /root and /etc (an overlay) come from its fstab already
# in the initramfs; the config is on a drive labelled `ignition`.
_SUBVOLUME = "LABEL=ROOT /{0} btrfs subvol=@/{0}{1} 0 0\n"
MICROOS = Shape(
    "microos",
    kargs="root=LABEL=ROOT rootfstype=btrfs",
    stamp=None,
    parts=(Part("ROOT", 1200, "btrfs", "", subvolumes=("var", "root", "home", "srv", "opt", "boot/writable", "usr/local")),),
    files={
        "etc/fstab": "LABEL=ROOT / btrfs defaults 0 0\ntmpfs /tmp tmpfs defaults 0 0\n"
        + "".join(_SUBVOLUME.format(name, ",x-initrd.mount") for name in ("var", "root"))
        + "overlay /etc overlay defaults,lowerdir=/sysroot/etc,upperdir=/sysroot/var/lib/overlay/1/etc,"
        "workdir=/sysroot/var/lib/overlay/work-etc,x-systemd.requires-mounts-for=/var,x-initrd.mount 0 0\n"
        + "".join(_SUBVOLUME.format(name, "") for name in ("home", "srv", "opt", "boot/writable", "usr/local")),
        "var/lib/overlay/1/etc/.keep": "",
        "var/lib/overlay/work-etc/.keep": "",
    },
    units={
        "ignition-setup-user.service": f"""[Unit]
Description=The config of a drive labelled ignition
{_IN_INITRAMFS}After=basic.target
Before=ignition-fetch-offline.service
ConditionKernelCommandLine=ignition.firstboot

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/shape/config-drive
""",
        "sysroot-fstab.service": f"""[Unit]
Description=What the fstab of the new root wants mounted in the initramfs
{_IN_INITRAMFS}After=initrd-root-fs.target ignition-remount-sysroot.service
Before=ignition-mount.service ignition-files.service initrd-parse-etc.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/shape/fstab
""",
    },
    segment={
        "usr/lib/shape/config-drive": """#!/bin/sh
udevadm settle
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/disk/by-label/ignition ] && break; sleep 1; done
[ -b /dev/disk/by-label/ignition ] || exit 0
mkdir -p /run/ignition-drive /usr/lib/ignition
mount -o ro /dev/disk/by-label/ignition /run/ignition-drive
cp /run/ignition-drive/ignition/config.ign /usr/lib/ignition/user.ign
umount /run/ignition-drive
""",
        "usr/lib/shape/fstab": """#!/bin/sh
while read -r what where type options _; do
    case ,$options, in *,x-initrd.mount,*) ;; *) continue ;; esac
    options=$(printf %s "$options" | sed 's/,x-[^,]*//g')
    mount -t "$type" -o "$options" "$what" "/sysroot$where" || exit
done </sysroot/etc/fstab
""",
    },
)

SHAPES = {shape.name: shape for shape in (PLAIN, FLATCAR, FEDORA_COREOS, MICROOS)}
