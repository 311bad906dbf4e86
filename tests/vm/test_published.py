"""AWS from the desk to the real root: the secrets of a config lie in a private bucket, the user data only names them, and the machine fetches
them with the role of its instance. Without the role the boot ends before a disk is touched.

The bucket is moto's S3, which checks signatures and policies; the metadata service and S3's address are those of tests/deliver/publish/aws.py,
handed to the machine by QEMU. The initramfs has a hosts file, since no name server is there; the config trusts S3's certificate.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from butane_py.cli import build
from ignition_py.initrd.newc import folder_archive
from ignition_py.rehearsal.hardware import Network
from tests.deliver.publish.aws import BUCKET, HOST, TOKEN, Aws, at_socket, aws
from tests.vm.test_clouds import FETCHING_STAGES, SERVICE, serving, stages_run
from tests.vm.vmlab.machine import BootFailed, Machine

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow]

SECRET = "s3cr3t-of-n1"
DISK = "/dev/disk/by-id/virtio-disk1"
NODE = f"""\
variant: fcos
version: 1.5.0
vars: {{token: {{type: string, secret: true}}}}
storage:
  disks:
    - device: {DISK}
      wipe_table: true
      partitions: [{{label: data, number: 1}}]
  files:
    - path: /etc/secret
      mode: 0600
      contents: {{inline: "${{{{ token }}}}"}}
    - path: /etc/remote
      mode: 0644
      contents: {{source: "http://{SERVICE}/remote"}}
"""


def segment(folder: Path) -> str:
    """A part of the initramfs, with where S3 is."""
    (folder / "segment/etc").mkdir(parents=True)
    (folder / "segment/etc/hosts").write_text(f"{SERVICE} {HOST}\n127.0.0.1 localhost\n")
    (folder / "segment.cpio").write_bytes(folder_archive(str(folder / "segment")))
    return str(folder / "segment.cpio")


def published(cloud: Aws, folder: Path) -> bytes:
    """The user data, with everything else in the bucket."""
    (folder / "node.bu").write_text(NODE + cloud.trusted())
    words = ["--var", f"token={SECRET}", "--for", "aws", "--secrets", "split", "--publish", f"s3://{BUCKET}/public"]
    words += ["--publish-private", f"s3://{BUCKET}/private", "--output", str(folder / "n1.ign")]
    assert build.main("butane-py build", [str(folder / "node.bu"), *words]) == 0
    return (folder / "n1.ign").read_bytes()


def test_secrets_in_a_private_bucket(
    make_machine: Callable[..., Machine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata, s3 = os.path.join(tmp_path, "metadata"), os.path.join(tmp_path, "s3")
    with aws(tmp_path) as cloud, serving(metadata, cloud.service), at_socket(s3, cloud.handler()):
        for name, value in cloud.desk.items():
            monkeypatch.setenv(name, value)
        cloud.user_data = published(cloud, tmp_path)
        assert SECRET.encode() not in cloud.user_data
        network = Network((80, metadata), (443, s3), server=SERVICE)
        machine = make_machine(platform="aws", disks=["64M"], segments=[segment(tmp_path)], network=network)
        blank = Path(machine.disks[1]).read_bytes()

        cloud.has_role = False
        with machine.boot() as boot, pytest.raises(BootFailed):
            boot.wait_until_up()
        console = " ".join(" ".join(text.split()) for _, text in boot.console.lines)  # the screen is 80 columns wide
        assert "Ignition failed in stage fetch" in console and "S3 answered with status 403" in console, boot.console.text()
        assert Path(machine.disks[1]).read_bytes() == blank
        assert cloud.asked[-1].startswith("GET /private/") and cloud.asked[-1].endswith(" 403")

        cloud.has_role, cloud.failures = True, 1
        with machine.boot() as boot:
            boot.wait_until_up()
            found = boot.ask(
                f"stat -c %a /etc/secret; cat /etc/secret /etc/remote; echo; lsblk -nro PARTLABEL {DISK} | xargs"
            ).stdout
            assert found.splitlines() == ["600", f"{SECRET}from afar", "data"], found
            assert stages_run(boot) == FETCHING_STAGES
            journal = boot.ask("journalctl --boot --output=cat --no-pager").stdout
        assert cloud.asked[-1].startswith("GET /private/") and cloud.asked[-1].endswith(" 200")
        for secret in (SECRET, TOKEN, cloud.role["SecretAccessKey"], cloud.role["SessionToken"]):
            assert secret not in journal + console
