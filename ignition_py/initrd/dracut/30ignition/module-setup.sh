#!/bin/bash
# dracut module: Ignition in Python. An image builder asks for it with one line:
#
#     add_dracutmodules+=" ignition "
#
# in a file below /etc/dracut.conf.d, and may set there
#
#     ignition_network=...   what brings the network up once a stage has asked for it: network-manager, systemd-networkd or
#                            network-legacy (default: what else of dracut's is in the image, else the first of these three that
#                            this machine has); no: nothing, the distribution orders a unit of its own between
#                            ignition-fetch-offline.service and ignition-fetch.service
#     ignition_python=...    the interpreter to carry (default: /usr/bin/python3); ignition_py and its dependencies must
#                            be importable by it
#
# Where things go in the initramfs:
#     /usr/bin/ignition      starts the executor, by hand; the units do so themselves
#     /usr/lib/ignition-py   interpreter, modules as bytecode, extension modules; nothing else uses it
#
# It serves dracut 050 to dracut-ng 1xx, of Debian, Fedora and SUSE. They differ in where systemd's files are, in whether some
# names are set at all (SYSTEMCTL, dracutsysrootdir; newer ones may run this with `set -u`), and in where users come from:
# /etc/passwd, another source of getent (nss-altfiles on image-based systems), or systemd-sysusers inside the initramfs.
# A distribution's own module of this name (Fedora CoreOS, MicroOS) is replaced by this one: both are in 30ignition.
#
# Names used here come from dracut: moddir, initdir, systemdutildir, systemdsystemunitdir, dracutsysrootdir, dracutmodules,
# add_dracutmodules, force_add_dracutmodules, SYSTEMCTL.
# shellcheck shell=bash disable=SC2154

ignition_prefix=/usr/lib/ignition-py
# What starts a stage: the units name it, /usr/bin/ignition is a script around it.
ignition_start="$ignition_prefix/bin/python3 -IS $ignition_prefix/ignition.py"
: "${systemdutildir:=/usr/lib/systemd}" "${systemdsystemunitdir:=$systemdutildir/system}" "${SYSTEMCTL:=systemctl}"

# Only included when it is asked for: an image without Ignition's kernel arguments has no use for it.
check() {
    return 255
}

depends() {
    echo systemd-initrd dracut-systemd udev-rules fs-lib kernel-modules
    if ignition_has_luks; then
        echo crypt
    fi
    case $(ignition_network_handler) in
        systemd-networkd)
            # Without dracut's module for networkd, which starts it on every boot. The drivers are in a package of their own in
            # newer Debians (dracut-network); where that is missing, virtio's cards alone are driven.
            if compgen -G "$dracutbasedir/modules.d/*kernel-network-modules" >/dev/null; then
                echo kernel-network-modules
            fi
            ignition_has_user || echo systemd-sysusers
            ;;
        network-manager) echo network-manager network ;;
        network-legacy) echo network-legacy network ;;
    esac
}

# crypt brings udev's rules for the device mapper, without which cryptsetup waits for udev in vain, and what opens a root
# on LUKS at later boots.
ignition_has_luks() {
    command -v cryptsetup >/dev/null && command -v dmsetup >/dev/null
}

# Whether networkd's user is known here; where it is not, systemd-sysusers makes it in the initramfs.
ignition_has_user() {
    getent passwd systemd-network >/dev/null
}

# What brings the network up in this image; nothing is printed for none.
ignition_network_handler() {
    local handler
    case ${ignition_network:-yes} in
        no) return ;;
        yes) ;;
        network-manager | systemd-networkd | network-legacy)
            echo "$ignition_network"
            return
            ;;
    esac
    for handler in network-manager network-legacy systemd-networkd; do
        # Asked for by the image, or, once all modules are known, brought along by another.
        if [[ " ${dracutmodules-} ${add_dracutmodules-} ${force_add_dracutmodules-} " == *" $handler "* ]] || dracut_module_included "$handler"; then
            echo "$handler"
            return
        fi
    done
    if [[ -x ${systemdutildir:-/lib/systemd}/systemd-networkd ]]; then
        echo systemd-networkd
    elif command -v NetworkManager >/dev/null; then
        echo network-manager
    elif command -v dhclient >/dev/null; then
        echo network-legacy
    fi
}

# A file that cannot be carried ends the build: dracut itself would go on and leave the failure to the first boot.
ignition_die() {
    dfatal "ignition: $*"
    exit 1
}

# ignition_unit UNIT [TARGET]: installs a unit that TARGET requires.
ignition_unit() {
    inst_simple "$moddir/$1" "$systemdsystemunitdir/$1" || ignition_die "cannot install $1"
    sed -i "s|=/usr/bin/ignition |=$ignition_start |" "$initdir$systemdsystemunitdir/$1" || ignition_die "cannot write $1"
    $SYSTEMCTL -q --root="$initdir" add-requires "${2:-ignition-complete.target}" "$1" || ignition_die "cannot enable $1"
}

ignition_units() {
    local target stage
    for target in complete subsequent diskful diskful-subsequent; do
        inst_simple "$moddir/ignition-$target.target" "$systemdsystemunitdir/ignition-$target.target" ||
            ignition_die "cannot install ignition-$target.target"
    done
    for stage in fetch-offline fetch kargs disks mount files; do
        ignition_unit "ignition-$stage.service"
    done
    ignition_unit ignition-remount-sysroot.service ignition-diskful.target
    inst_simple "$moddir/ignition-attempt.service" "$systemdsystemunitdir/ignition-attempt.service" ||
        ignition_die "cannot install ignition-attempt.service"
    inst_script "$moddir/ignition-decide" "$ignition_prefix/ignition-decide" || ignition_die "cannot install ignition-decide"
    inst_simple "$moddir/ignition-decide.service" "$systemdsystemunitdir/ignition-decide.service" ||
        ignition_die "cannot install ignition-decide.service" # the generator asks for it
    # Wanted, not required: a note that cannot be left is no reason to give up.
    $SYSTEMCTL -q --root="$initdir" add-wants ignition-diskful.target ignition-attempt.service ||
        ignition_die "cannot enable ignition-attempt.service"
    inst_script "$moddir/ignition-attempt" "$ignition_prefix/ignition-attempt" || ignition_die "cannot install ignition-attempt"
    inst_script "$moddir/ignition-generator" "$systemdutildir/system-generators/ignition-generator" ||
        ignition_die "cannot install the generator"
}

# Modules as bytecode are made for the initramfs and written there; binaries go through dracut. Their shared libraries are
# looked up here, since dracut does so for executables only, which extension modules are not.
ignition_python_files() {
    local python source target natives
    local -a sources libraries
    python=${ignition_python:-/usr/bin/python3}
    sources=("$(command -v sh)") # which ignition_try needs before dracut has looked for its libraries
    natives=$("$python" -m ignition_py.initrd.stage --prefix "$ignition_prefix" "$initdir") ||
        ignition_die "the executor's modules cannot be put together (see above)"
    while IFS=$'\t' read -r source target; do
        inst_binary "$source" "$target" || ignition_die "cannot install $source"
        sources+=("$source")
    done <<<"$natives"
    # Newer dracuts end the build where the program that a script names on its first line is not on the machine that builds, and
    # our interpreter has this name in the initramfs only. A shell between costs a start, so the units go without.
    target=$initdir$ignition_prefix/ignition.py
    { mv -f "$initdir/usr/bin/ignition" "$target" && chmod 644 "$target" &&
        printf '#!/bin/sh\nexec %s "$@"\n' "$ignition_start" >"$initdir/usr/bin/ignition" && chmod 755 "$initdir/usr/bin/ignition"; } ||
        ignition_die "cannot write what starts the executor"
    mapfile -t libraries < <(ldd "${sources[@]}" | sed -n 's/^\t\(.* => \)\?\(\/[^ ]*\) (.*/\2/p' | sort -u)
    inst_multiple "${libraries[@]}" || ignition_die "cannot install the libraries of the executor"
    # Without it https works with the certificates that a config names and with no others.
    if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then
        inst_simple /etc/ssl/certs/ca-certificates.crt
    fi
}

# Runs what was installed where it was installed, so that a library that is missing is missed now.
ignition_try() {
    [[ $EUID == 0 ]] || return 0
    chroot "$initdir" "$ignition_prefix/bin/python3" -IS "$ignition_prefix/check.py" ||
        ignition_die "the executor does not start inside the initramfs (see above)"
}

ignition_programs() {
    # sh: libparted asks dmidecode who made the machine when it is loaded, through popen(), and crashes without a shell.
    inst_multiple sh blkid lsblk mount umount udevadm modprobe journalctl systemctl sed tr head cat date chroot sync ||
        ignition_die "a program that every first boot needs is not on this machine"
    # What a config may ask for. An image carries what it has; the executor says so when it needs one that is not there.
    inst_multiple -o \
        mkfs.btrfs mkfs.ext4 mkfs.fat mkfs.vfat mkfs.xfs mkswap wipefs partx blockdev mke2fs \
        useradd userdel usermod groupadd groupdel groupmod \
        setfiles mdadm cryptsetup dmsetup \
        clevis clevis-encrypt-sss clevis-encrypt-tang clevis-encrypt-tpm2 clevis-luks-bind \
        clevis-luks-common-functions clevis-luks-unlock pwmake tpm2_create tpm2_createpolicy \
        vmur chccwdev cio_ignore zkey zkey-cryptsetup
    local settings
    for settings in /etc/mke2fs.conf /etc/login.defs /etc/default/useradd; do
        if [[ -e $settings ]]; then
            inst_simple "$settings"
        fi
    done
    inst_simple "$moddir/99-xx-ignition-systemd-cryptsetup.rules" \
        /usr/lib/udev/rules.d/99-xx-ignition-systemd-cryptsetup.rules
    inst_rules 60-cdrom_id.rules # a config drive may look like a CD
}

# What binds and opens LUKS volumes by Clevis, with whatever pins the image has. Opening them at later boots is the work of
# Clevis' own dracut modules (package clevis-dracut), which an image with its root on LUKS has too.
ignition_luks_files() {
    local -a pins
    mapfile -t pins < <(compgen -c | grep -E '^clevis-(en|de)crypt(-[a-z0-9]+)?$' | sort -u)
    if ((${#pins[@]} == 0)); then
        return
    fi
    # Clevis is made of bash scripts; these are the programs in them.
    inst_multiple -o "${pins[@]}" clevis clevis-luks-bind clevis-luks-common-functions clevis-luks-list clevis-luks-unlock \
        bash basename cat cut grep head mkdir mktemp rm sed sort tail touch tr jose curl luksmeta pwmake \
        tpm2_create tpm2_createpolicy tpm2_createprimary tpm2_flushcontext tpm2_load tpm2_pcrlist tpm2_pcrread tpm2_unseal
    inst_libdir_file "libtss2-tcti-device.so*"
    # The keys that Clevis makes are random; there is no dictionary here to hold them against.
    inst_simple "$moddir/ignition-pwquality.conf" /etc/security/pwquality.conf.d/ignition-luks.conf
}

ignition_network_files() {
    local handler
    case ${ignition_network:-yes} in
        yes | no | network-manager | systemd-networkd | network-legacy) ;;
        *) ignition_die "ignition_network=$ignition_network: it is network-manager, systemd-networkd, network-legacy or no" ;;
    esac
    handler=$(ignition_network_handler)
    [[ $handler ]] || return 0
    if [[ $handler == systemd-networkd ]]; then
        ignition_networkd_files
    fi
    inst_multiple ip cut sleep || ignition_die "a program that brings the network up is not on this machine"
    inst_script "$moddir/network-up" "$ignition_prefix/network-up"
    ignition_unit ignition-network.service
}

# systemd-networkd is carried but not enabled: ignition-network.service starts it when a stage asks for the network.
ignition_networkd_files() {
    inst_multiple -o networkctl \
        "$systemdutildir"/systemd-networkd \
        "$systemdutildir"/systemd-networkd-wait-online \
        "$systemdutildir"/systemd-network-generator \
        "$systemdsystemunitdir"/systemd-networkd.service \
        "$systemdsystemunitdir"/systemd-networkd.socket \
        "$systemdsystemunitdir"/systemd-network-generator.service \
        /usr/lib/systemd/network/99-default.link
    local file
    if ignition_has_user; then
        for file in passwd group; do
            if ! grep -qs '^systemd-network:' "$initdir/etc/$file"; then
                getent "$file" systemd-network >>"$initdir/etc/$file" ||
                    ignition_die "systemd-networkd is here but its user is not in $file"
            fi
        done
    else
        inst_simple /usr/lib/sysusers.d/systemd-network.conf ||
            ignition_die "systemd-networkd is here, but neither its user nor what systemd-sysusers would make it from"
    fi
}

install() {
    [[ -z ${dracutsysrootdir-} ]] || ignition_die "building for another root (--sysroot) is not supported: run dracut inside it"
    ignition_programs
    ignition_luks_files
    ignition_units
    ignition_python_files
    ignition_network_files
    # The first for images with an emergency shell, the second for those that halt or reboot instead.
    inst_hook emergency 50 "$moddir/ignition-failure.sh"
    inst_hook shutdown-emergency 50 "$moddir/ignition-failure.sh"
    ignition_try
}

installkernel() {
    # Filesystems that the mount stage mounts, and the character sets that FAT wants by default.
    hostonly='' instmods ext4 xfs btrfs vfat virtiofs nls_cp437 nls_ascii nls_iso8859-1 nls_utf8
    # Where platforms keep a config: QEMU's firmware, Hyper-V's key-value store, a vsock, BlueField's boot FIFO.
    hostonly='' instmods qemu_fw_cfg hv_utils vsock vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport mlxbf_bootctl
    # Config drives and CD-ROMs, and VirtualBox's guest properties.
    hostonly='' instmods iso9660 udf isofs sr_mod ata_piix ahci vboxguest
    # LUKS with the ciphers that a config may name, and the TPM that a volume may be bound to.
    hostonly='' instmods dm_crypt dm_integrity algif_skcipher algif_hash =drivers/char/tpm
    # Secure keys of IBM Crypto Express cards.
    hostonly='' instmods zcrypt_cex4 pkey_cca paes_s390
    if [[ $(ignition_network_handler) ]]; then
        hostonly='' instmods af_packet ipv6 virtio_net
    fi
    return 0
}
