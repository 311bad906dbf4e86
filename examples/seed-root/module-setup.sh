#!/bin/bash
# dracut module: seed-root in the initramfs. Names used here come from dracut.
# shellcheck shell=bash disable=SC2154

check() {
    return 255
}

depends() {
    echo ignition
}

install() {
    inst_multiple cp lsblk mkdir mount sed sort tr udevadm umount
    inst_script "$moddir/seed-root" /usr/lib/seed-root
    inst_simple "$moddir/seed-root.service" "$systemdsystemunitdir/seed-root.service"
    $SYSTEMCTL -q --root="$initdir" add-requires ignition-diskful.target seed-root.service
}
