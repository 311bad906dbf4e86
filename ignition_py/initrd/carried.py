"""What an initramfs carries besides Python: programs that a config may ask for, kernel modules, settings of programs.

Used by the stand-alone archive and by the hook for initramfs-tools; dracut's module has its own words for the same.
"""

from __future__ import annotations

# A first boot goes nowhere without them. An initramfs with udev has the rest.
NEEDED = ("blkid", "lsblk", "mount", "umount", "udevadm", "modprobe", "chroot", "sync")
# What a config may ask for. An image carries what it has; the executor says so when it needs one that is not there.
PROGRAMS = (
    "mkfs.ext4", "mke2fs", "mkfs.xfs", "mkfs.btrfs", "mkfs.vfat", "mkfs.fat", "mkswap", "wipefs", "partx", "blockdev", "blkid",
    "lsblk", "mdadm", "cryptsetup", "dmsetup", "useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod", "setfiles",
)  # fmt: skip
# Binding LUKS volumes to Clevis' pins, and opening them: bash scripts, and the programs in them. Carried where the first is.
CLEVIS = (
    "clevis-luks-bind", "clevis", "clevis-decrypt", "clevis-luks-common-functions", "clevis-luks-list", "clevis-luks-unlock",
    *(f"clevis-{what}-{pin}" for what in ("decrypt", "encrypt") for pin in ("sss", "tang", "tpm2")),
    "bash", "basename", "cat", "cut", "grep", "head", "mkdir", "mktemp", "rm", "sed", "sort", "tail", "touch", "tr",
    "jose", "curl", "luksmeta", "pwmake", "tpm2_create", "tpm2_createpolicy", "tpm2_createprimary", "tpm2_flushcontext",
    "tpm2_load", "tpm2_pcrlist", "tpm2_pcrread", "tpm2_unseal",
)  # fmt: skip
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # without it newer versions of requests cannot be imported
SETTINGS = ("/etc/mke2fs.conf", "/etc/login.defs", "/etc/default/useradd", AUTHORITIES)
# Filesystems to write into, and the character sets that FAT wants; RAID and LUKS; where platforms keep a config; config drives;
# the network. Not raid456: it measures the processor for half a second when it is loaded.
KERNEL_MODULES = (
    "ext4", "xfs", "btrfs", "vfat", "virtiofs", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8",
    "raid0", "raid1", "raid10", "dm_crypt", "xts", "ecb", "algif_skcipher", "algif_hash",
    "qemu_fw_cfg", "hv_utils", "vmw_vsock_virtio_transport", "vboxguest",
    "iso9660", "udf", "isofs", "sr_mod", "virtio_blk", "virtio_pci",
    "af_packet", "ipv6", "virtio_net",
)  # fmt: skip
