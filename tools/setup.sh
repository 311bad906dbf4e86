#!/bin/sh
# Installs what is missing on a Debian 12: programs by apt (needs root), Python packages by pip into .venv.
#
#     tools/setup.sh demo    what building and booting machines needs, and the package without the executor's dependencies in .venv
#     tools/setup.sh vm      what the tests' machines need
#     tools/setup.sh test    that, the executor and everything the tests use
#     tools/setup.sh --help  this text
#
# PYTHON=... names the interpreter for .venv (default: python3, at least 3.11). Run again, it does nothing and takes
# less than a second.
set -eu
cd "$(dirname "$0")/.."
what=${1:-test}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

demo_packages='qemu-system-x86 mmdebstrap e2fsprogs mount util-linux'
vm_packages="$demo_packages swtpm"
# What the executor starts, and what its tests compare with. libparted-dev and a compiler build pyparted.
test_packages="$vm_packages ignition
    gcc libc6-dev libparted-dev pkg-config binutils
    systemd udev kmod passwd policycoreutils iproute2 zstd cpio genisoimage busybox-static extlinux syslinux-common
    xfsprogs btrfs-progs dosfstools fdisk gdisk mdadm cryptsetup-bin dmsetup tang-common jose
    clevis-luks clevis-tpm2 age openssh-client strace
    minisign mtools xorriso grub-common grub-pc-bin pxelinux
    dnsmasq-base tftpd-hpa tinyproxy nginx-light
    fish zsh
    nix-bin cloud-init shellcheck curl"

# install PACKAGE...: those that are not there yet.
install() {
    missing=
    for package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || die "these Debian packages are missing; install them as root (apt-get install):$missing"
    started=$(date +%s)
    say "installing by apt:$missing"
    # RUNLEVEL=1: no package starts a service, which in a container could not run.
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    if [ -z "${updated:-}" ]; then
        update
        updated=yes
    fi
    # shellcheck disable=SC2086 # a list of words
    LC_ALL=C apt-get --assume-no --no-install-recommends install $missing 2>/dev/null |
        sed -n 's/^[0-9]* upgraded, \([0-9]* newly installed\).*/setup: \1/p; s/^Need to get/setup: to download:/p; s/^After this operation, \(.*\) of additional.*/setup: on disk: \1/p'
    # shellcheck disable=SC2086
    quietly apt-get -qq -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef --no-install-recommends install $missing
    say "installed by apt in $(($(date +%s) - started)) s"
}

# update: apt's lists. A source that cannot be reached is an error only if the packages are not there without it.
update() {
    unreached=
    log=$(mktemp)
    if ! LC_ALL=C apt-get -q update -o APT::Update::Error-Mode=any >"$log" 2>&1 </dev/null; then
        unreached=$(sed -n 's/^[EW]: //p' "$log" | head -n 5)
    fi
    rm -f "$log"
}

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        if [ -n "${unreached:-}" ]; then
            printf 'setup: before that, apt-get update could not reach all of its sources:\n%s\n' "$unreached" >&2
            die "the packages could not be installed: check the network, and the sources in /etc/apt/sources.list and sources.list.d"
        fi
        die "this command failed: $*"
    fi
    rm -f "$log"
}

find_python() {
    for python in ${PYTHON:-python3 /usr/bin/python3}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return 0
        fi
    done
    [ -z "${PYTHON:-}" ] || die "$PYTHON is not Python 3.11 or newer"
    install python3
    python=/usr/bin/python3
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed"
}

# make_venv EXTRAS: the project and its dependencies in .venv, unless that is there for the same pyproject.toml.
make_venv() {
    find_python
    key="$("$python" -c 'import sys; print(sys.version, sys.prefix)') $1 $(cksum pyproject.toml) $PWD"
    if [ -x .venv/bin/python ] && [ "$(cat .venv/made-from 2>/dev/null)" = "$key" ]; then
        return 0
    fi
    # Debian keeps these apart from its interpreter.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    if [ "$what" = test ]; then
        header='import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
        "$python" -c "$header" || install python3-dev
    fi
    started=$(date +%s)
    say "making .venv with pip (ignition-py$1)"
    [ -x .venv/bin/python ] || quietly "$python" -m venv .venv
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar off --editable ".$1"
    printf '%s\n' "$key" >.venv/made-from
    say "made .venv in $(($(date +%s) - started)) s"
}

case $what in
    vm)
        # shellcheck disable=SC2086
        install $vm_packages
        ;;
    demo)
        # shellcheck disable=SC2086
        install $demo_packages
        # What `tools/test.sh` has made serves as well.
        if [ ! -x .venv/bin/ignition-py ]; then
            make_venv ''
        fi
        ;;
    test)
        if [ "$(id -u)" = 0 ]; then  # tests run cloud-init; this machine's boot does not
            mkdir -p /etc/cloud
            touch /etc/cloud/cloud-init.disabled
        fi
        # shellcheck disable=SC2086
        install $test_packages
        make_venv '[executor,dev,terraform,terraform-provider,sops]'
        # For one test, of the editor schemas. Debian's npm is 400 packages, so that on a desk the test is left out without it.
        [ -z "${CI:-}" ] || command -v npm >/dev/null || install npm
        ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' tools/setup.sh ;;
    *) die "what to set up is vm, demo or test, not $what" ;;
esac
