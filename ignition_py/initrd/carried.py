"""What an initramfs carries besides Python: programs that a config may ask for, kernel modules, settings of programs.

Used by the stand-alone archive and by the hook for initramfs-tools; dracut's module has its own words for the same.
"""

from __future__ import annotations

# A first boot goes nowhere without them. An initramfs with udev has the rest.
NEEDED = ("blkid", "lsblk", "mount", "umount", "udevadm", "modprobe")
# What a config may ask for. An image carries what it has; the executor says so when it needs one that is not there.
PROGRAMS = (
    "mkfs.ext4", "mke2fs", "mkfs.xfs", "mkfs.btrfs", "mkfs.vfat", "mkfs.fat", "mkswap", "wipefs", "partx", "blockdev", "blkid",
    "lsblk", "mdadm", "cryptsetup", "dmsetup", "useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod", "setfiles",
)  # fmt: skip
SETTINGS = ("/etc/mke2fs.conf", "/etc/login.defs", "/etc/default/useradd")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# Filesystems to write into, and the character sets that FAT wants; where platforms keep a config; config drives; the network.
KERNEL_MODULES = (
    "ext4", "xfs", "btrfs", "vfat", "virtiofs", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8",
    "qemu_fw_cfg", "hv_utils", "vmw_vsock_virtio_transport", "vboxguest",
    "iso9660", "udf", "isofs", "sr_mod", "virtio_blk", "virtio_pci",
    "af_packet", "ipv6", "virtio_net",
)  # fmt: skip
