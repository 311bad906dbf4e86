"""LUKS where it is real: volumes in a machine with the device mapper and a TPM, and a machine that opens them again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stages.disks.luks_lab import serving_tang
from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.network import INTERFACE
from tests.vm.vmlab.quickstart import compile_config
from tests.vm.vmlab.shell import in_tree

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]
TESTS = ("/src/tests/stages/disks/test_luks_volumes.py", "/src/tests/stages/disks/test_disks_conflicts.py")

BUTANE = """
variant: fcos
version: 1.6.0
storage:
  disks:
    - device: /dev/disk/by-id/virtio-disk1
      wipe_table: true
      partitions:
        - label: secret
  luks:
    - name: secret
      device: /dev/disk/by-partlabel/secret
      label: sealed
      discard: true
    - name: shared
      device: /dev/disk/by-id/virtio-disk2
      options: [--pbkdf, pbkdf2, --pbkdf-force-iterations, "1000"]
      clevis:
        tpm2: true
        threshold: 2
        tang:
          - url: http://10.0.2.100
            thumbprint: %s
  filesystems:
    - device: /dev/mapper/secret
      path: /var/lib/secret
      format: ext4
      with_mount_unit: true
    - device: /dev/mapper/shared
      path: /var/lib/shared
      format: ext4
      with_mount_unit: true
  files:
    - path: /var/lib/secret/note
      contents: {inline: "behind a key file\\n"}
    - path: /var/lib/shared/note
      contents: {inline: "behind Clevis\\n"}
systemd:
  units:
    - name: clevis-luks-askpass.path
      enabled: true
    - name: remote-fs.target
      enabled: true
""" + INTERFACE

CHECKS = (
    ("what is in them", "cat /var/lib/secret/note /var/lib/shared/note", "behind a key file\nbehind Clevis"),
    ("where they are mounted", "findmnt -nro SOURCE /var/lib/secret; findmnt -nro SOURCE /var/lib/shared", "/dev/mapper/secret\n/dev/mapper/shared"),
    ("discards", "dmsetup table secret | grep -o allow_discards", "allow_discards"),
    ("header of the first", "cryptsetup luksDump /dev/disk/by-partlabel/secret | sed -n 's/^\\(Label\\|Subsystem\\|Flags\\): *//p' | xargs",
     "sealed (no subsystem) allow-discards"),
    ("slots of the second", "cryptsetup luksDump /dev/vdc | grep -cE '^  [0-9]+: (luks2|clevis)'", "2"),
    ("key files", "stat -c '%a %U:%G %n' /etc/luks /etc/luks/* /etc/crypttab", "700 root:root /etc/luks\n600 root:root /etc/luks/secret\n600 root:root /etc/crypttab"),
    ("crypttab", "sed 's/UUID=[0-9a-f-]*/UUID/' /etc/crypttab",
     "secret UUID /etc/luks/secret luks,x-initrd.attach\nshared UUID none luks,_netdev,x-initrd.attach"),
    ("keys in memory", "find /run/ignition -name 'key-*'; grep -o 'luksPersistKeyFiles\":{[^,]*' /run/ignition/state 2>/dev/null", ""),
    ("units that failed", "systemctl --failed --no-legend --plain | cut -d' ' -f1", ""),
)  # fmt: skip


def check(boot: Boot) -> None:
    boot.ask("systemctl is-system-running --wait", timeout=180)
    found = [(item, boot.ask(script).stdout.strip()) for item, script, _ in CHECKS]
    assert found == [(item, wanted) for item, _, wanted in CHECKS]


@pytest.mark.parametrize("which", ["not matrix", pytest.param("matrix", marks=pytest.mark.matrix)])
def test_volumes(vm_shell: Callable[..., Boot], which: str) -> None:
    """Every case of the two, none left out."""
    boot = vm_shell(tpm=True)
    words = ["python3", "-m", "pytest", "-q", "--durations=20", "-p", "no:cacheprovider", "-m", which, *TESTS]
    answer = boot.run(in_tree(words), timeout=2400)
    assert answer.rc == 0, answer.stdout[-6000:] + answer.stderr[-1000:]
    assert "passed" in answer.stdout
    assert "skipped" not in answer.stdout
    print(answer.stdout[-2500:])


def test_made_at_the_first_boot_and_opened_at_the_second(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    """A generated key in the root, and a Tang server and the TPM together: systemd and Clevis open both, without us."""
    address = os.path.join(tmp_path, "tang")
    with serving_tang(tmp_path / "keys", address) as tang:
        config = tmp_path / "config.bu"
        config.write_text(BUTANE % tang.thumbprint)
        machine = make_machine(disks=["128M", "64M"], config=compile_config(str(config)), forward=(80, address), tpm=True)
        with machine.boot() as boot:
            boot.wait_until_up()
            check(boot)
            log = boot.ask("journalctl --boot --output=cat --identifier=ignition").stdout
            assert "made the LUKS" in log or "making the LUKS volume shared" in log
            boot.power_off()
        assert not machine.first_boot_pending()
        asked = tang.connections
        with machine.boot() as boot:
            boot.wait_until_up()
            check(boot)
            assert tang.connections > asked
            asked_tpm = json.loads(boot.ask("cryptsetup luksDump --dump-json-metadata /dev/vdc").stdout)["tokens"]
            assert [token["type"] for token in asked_tpm.values()] == ["clevis"]
