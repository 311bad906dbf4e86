"""Secrets for Tang on a machine: decrypted into memory at each boot, on the disk nowhere in plain; without the server the boot goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from butane_py.deliver.secrets.modes import keeping
from butane_py.deliver.wishes import wished
from butane_py.fleet.values import VAR, Layer, of_data
from ignition_py.report.diag import Place
from tests.deliver.secrets.leaks import holds, spellings
from tests.deliver.secrets.test_split_renders import delivered
from tests.stages.disks.luks_lab import serving_tang
from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.network import INTERFACE

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

SECRET = "Zq-correct-horse-battery-9"
BUTANE = """
variant: fcos
version: 1.6.0
vars: {token: {type: string, secret: true}}
storage:
  files:
    - {path: /etc/credstore/token, contents: {inline: "${{ token }}"}}
    - {path: /etc/app/token, mode: 0640, group: {name: adm}, contents: {inline: "file ${{ token }}"}}
systemd:
  units:
    - name: app.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        LoadCredential=token
        ExecStart=/bin/sh -c 'sha256sum <"$$CREDENTIALS_DIRECTORY/token" >/run/app.sum'
        [Install]
        WantedBy=multi-user.target
""" + INTERFACE

CHECKS = (
    ("the service", "systemctl is-active tang-secrets.service app.service", "active\nactive"),
    ("the credential", "cat /run/credstore/token", SECRET),
    ("its owner and mode", "stat -Lc '%a %U:%G %F' /run/credstore/token /etc/credstore/token", "600 root:root regular file\n600 root:root regular file"),
    ("the file", "cat /etc/app/token; stat -Lc ' %a %U:%G' /etc/app/token", f"file {SECRET} 640 root:adm"),
    ("where it is", "findmnt -nro FSTYPE --target $(readlink -f /etc/app/token)", "tmpfs"),
    ("what the service got", "cut -d' ' -f1 /run/app.sum", hashlib.sha256(SECRET.encode()).hexdigest()),
    ("on the disk", "stat -c '%a %U:%G %n' /etc/tang-secrets/*.jwe", "600 root:root /etc/tang-secrets/1-token.jwe\n600 root:root /etc/tang-secrets/2-token.jwe"),
)  # fmt: skip


def on_disk(path: str) -> list[bytes]:
    """The spellings of the secret that a raw disk image has in it."""
    wanted, found, before = spellings(SECRET), set(), b""
    with open(path, "rb") as file:
        while piece := file.read(16 << 20):
            found |= {each for each in wanted if each in before + piece}
            before = piece[-200:]
    return sorted(found)


def check(boot: Boot) -> None:
    boot.wait_until_up()
    boot.ask("systemctl is-system-running --wait", timeout=180)
    assert [(item, boot.ask(script).stdout.strip()) for item, script, _ in CHECKS] == [(item, wanted) for item, _, wanted in CHECKS]


def test_tang(make_machine: Callable[..., Machine], tmp_path: Path) -> None:
    address = str(tmp_path / "tang")
    with serving_tang(tmp_path / "keys", address) as tang:
        (tmp_path / "adv.jws").write_text(tang.advertisement())
        wish = wished("metal", "plain", "ignition", secrets=keeping("tang", f"http://10.0.2.100,adv={tmp_path}/adv.jws,thp={tang.thumbprint}"))
        found = delivered(BUTANE, {"token": of_data(SECRET, Place(()), Layer(VAR))}, wish)
        assert found is not None
        assert not holds(found.user_data, SECRET)
        machine = make_machine(config=found.user_data, forward=(80, address))
        with machine.boot() as boot:
            check(boot)
            assert tang.connections >= 2
            boot.power_off()
    assert on_disk(machine.disks[0]) == []
    Path(address).unlink(missing_ok=True)
    with machine.boot() as boot:  # the server does not answer any more
        boot.wait_until_up()
        boot.ask("systemctl is-system-running --wait", timeout=300)
        assert boot.ask("systemctl is-active multi-user.target").stdout.strip() == "active"
        assert boot.ask("systemctl is-failed tang-secrets.service").stdout.strip() == "failed"
        assert boot.ask("systemctl show -P ActiveState app.service").stdout.strip() == "inactive"
        assert boot.ask("cat /etc/app/token /run/credstore/token").rc != 0
        boot.power_off()
