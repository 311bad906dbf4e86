"""Configs for every piece of sugar, and which rows have it. The golden tests compile each at each of its rows."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
from collections.abc import Iterator

from butane_py.variants import FCOS, OPENSHIFT, VARIANTS, Variant

ROLE = "metadata:\n  name: example\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"
LONG = "".join(f"line {number} of a text that is worth packing\\n" for number in range(40))


class Case:
    """One config. `spec`, `fcos` and `openshift` are the least versions that have the sugar; None: any, absent sections too."""

    def __init__(self, text: str, spec: int = 0, fcos: int | None = None, openshift: int | None = None, *, only: str = "") -> None:
        self.text = text
        self.spec = spec
        self.fcos = fcos
        self.openshift = openshift
        self.only = only

    def at(self, row: Variant) -> bool:
        if self.only and row.name not in self.only.split():
            return False
        return (
            row.spec >= self.spec
            and (self.fcos is None or row.has(FCOS, since=self.fcos))
            and (self.openshift is None or row.has(OPENSHIFT, since=self.openshift))
        )


CASES: dict[str, Case] = {
    "inline": Case('storage:\n  files:\n    - path: /etc/one\n      mode: 0644\n      contents:\n        inline: "ünï & <b>\\n"\n'),
    "inline-gzip": Case(f'storage:\n  files:\n    - path: /etc/one\n      contents:\n        inline: "{LONG}"\n'),
    "append": Case("storage:\n  files:\n    - path: /etc/one\n      append:\n        - inline: a\n        - inline: b\n",
                   only="fcos flatcar r4e fiot"),
    "local": Case("storage:\n  files:\n    - path: /etc/one\n      contents:\n        local: one.txt\n    - path: /etc/two\n"
                  "      mode: 0755\n      contents:\n        local: deep/binary\n", spec=1),
    "merge": Case("ignition:\n  config:\n    merge:\n      - local: child.ign\n      - source: https://example.com/other.ign\n", spec=1),
    "authorities": Case("ignition:\n  security:\n    tls:\n      certificate_authorities:\n        - local: one.txt\n        - inline: two\n", spec=1),
    "keys-local": Case("passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n"
                       "      ssh_authorized_keys_local: [keys.pub]\n", spec=4),
    "unit-local": Case("systemd:\n  units:\n    - name: one.service\n      enabled: true\n      contents_local: one.service\n"
                       "      dropins:\n        - name: ten.conf\n          contents_local: one.service\n", spec=4),
    "tree": Case("storage:\n  trees:\n    - local: tree\n    - local: deep\n      path: /opt\n  files:\n    - path: /etc/hello\n"
                 "      mode: 0600\n", spec=1, only="fcos flatcar r4e fiot"),
    "tree-owned": Case("storage:\n  trees:\n    - local: tree\n      user: {id: 1000}\n      group: {name: wheel}\n"
                       "      file_mode: 0640\n      dir_mode: 0750\n", spec=6, only="fcos flatcar r4e fiot"),
    "mount-unit": Case("storage:\n  filesystems:\n    - device: /dev/disk/by-partlabel/data\n      format: ext4\n      path: /var/lib/my data\n"
                       "      with_mount_unit: true\n", spec=1, only="fcos flatcar openshift"),
    "mount-options": Case("storage:\n  filesystems:\n    - device: /dev/sdb1\n      format: xfs\n      path: /var/x\n"
                          "      mount_options: [noatime, ro]\n      with_mount_unit: true\n", spec=1, only="fcos flatcar openshift"),
    "mount-remote": Case("storage:\n  luks:\n    - name: data\n      device: /dev/sdb\n      clevis:\n        tang:\n          - url: http://tang\n"
                         "            thumbprint: x\n  filesystems:\n    - device: /dev/mapper/data\n      format: xfs\n      path: /var/data\n"
                         "      with_mount_unit: true\n", spec=2, only="fcos openshift"),
    "swap": Case("storage:\n  filesystems:\n    - device: /dev/sdb2\n      format: swap\n      with_mount_unit: true\n", spec=3, only="fcos flatcar openshift"),
    "boot-luks": Case("boot_device:\n  luks:\n    tpm2: true\n    threshold: 2\n    tang:\n      - url: http://tang\n        thumbprint: x\n", fcos=3),
    "boot-mirror": Case("boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n", fcos=3),
    "boot-both": Case("boot_device:\n  layout: aarch64\n  luks:\n    tpm2: true\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n", fcos=3),
    "boot-ppc64le": Case("boot_device:\n  layout: ppc64le\n  mirror:\n    devices: [/dev/vda, /dev/vdb, /dev/vdc]\n", fcos=3),
    "boot-discard": Case("boot_device:\n  luks:\n    tpm2: true\n    discard: true\n", fcos=5),
    "boot-zfcp": Case("boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n", fcos=6),
    "boot-eckd": Case("boot_device:\n  layout: s390x-eckd\n  luks:\n    device: /dev/dasda\n    tpm2: true\n", fcos=6),
    "boot-cex": Case("boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n", fcos=6, only="fcos"),
    "boot-cex-openshift": Case("boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\nopenshift:\n"
                               "  kernel_arguments: [rd.luks.key=/etc/luks/cex.key]\n", fcos=6, openshift=19),
    "grub": Case("grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.sha512.10000.AB.CD\n    - name: two\n"
                 "      password_hash: grub.pbkdf2.sha512.10000.EF\n", fcos=5, only="fcos"),
    "grub-openshift": Case("grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.sha512.10000.AB.CD\n", openshift=23),
    "quadlets": Case("systemd:\n  quadlets:\n    - name: web.container\n      rootful: true\n      contents: |\n        [Container]\n"
                     "        Image=example.com/web\n      dropins:\n        - name: ten.conf\n          contents: |\n            [Container]\n"
                     "            Pull=always\n    - name: job@.container\n      contents_local: one.service\n    - name: job@a.container\n", spec=7,
                     only="fcos flatcar fiot r4e"),
    "kernel-arguments": Case("kernel_arguments:\n  should_exist: [quiet]\n  should_not_exist: [debug]\n", spec=3, only="fcos flatcar"),
    "machine-config": Case("openshift:\n  kernel_arguments: [quiet, 'a=b c']\n  extensions: [usbguard]\n  fips: true\n  kernel_type: realtime\n"
                           "storage:\n  luks:\n    - name: data\n      device: /dev/sdb\n      key_file: {inline: secret}\n  files:\n    - path: /etc/one\n"
                           "      user: {id: 1234567}\n      contents: {inline: 'yes'}\nsystemd:\n  units:\n    - name: one.service\n      contents: |\n"
                           "        [Unit]\n        Description=two lines\n", openshift=8),
}  # fmt: skip


def rows(case: Case) -> Iterator[Variant]:
    """The rows that have the case's sugar and an output of their own."""
    return (row for row in VARIANTS.values() if case.at(row) and not row.neutral)


def config(case: Case, row: Variant) -> bytes:
    role = ROLE if row.machine_config else ""
    return f"variant: {row.name}\nversion: {row.version}\n{role}{case.text}".encode()


def make_files(folder: str) -> None:
    """The local files that the cases embed."""
    for path, data in {
        "one.txt": b"one\n",
        "deep/binary": bytes(range(256)) * 20,
        "child.ign": b'{"ignition":{"version":"3.1.0"}}',
        "keys.pub": b"ssh-ed25519 BBBB b\r\n\nssh-rsa CCCC c\n",
        "one.service": b"[Unit]\nDescription=one\n[Install]\nWantedBy=multi-user.target\n",
        "tree/etc/hello": b"hello\n",
        "tree/etc/long": b"the same line again\n" * 300,
        "tree/bin/run": b"#!/bin/sh\n",
    }.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
    os.chmod(os.path.join(folder, "tree/bin/run"), 0o755)
    os.symlink("../bin/run", os.path.join(folder, "tree/etc/link"))


def unpacked(output: str) -> str:
    """The output with the digests of packed contents in place of the packing, which may differ between zlib libraries."""

    def digest(found: re.Match[str]) -> str:
        return f"gunzipped {hashlib.sha256(gzip.decompress(base64.b64decode(found[1]))).hexdigest()}"

    return re.sub("data:;base64,(H4sI[A-Za-z0-9+/=]*)", digest, output)
