"""Scripts and units that commands become: they are run, by the shell that the units name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from butane_py.importer import Wanted, cloud_config
from tests.butane.importer.test_cloud_config import compiled, files, imported, reports, units

KUBEADM = (Path(__file__).parents[3] / "examples/cloud-config/kubeadm.yaml").read_text()


def run(script: bytes, folder: Path, **env: str) -> str:
    """What a script prints, with the folders that it writes to below `folder`."""
    text = script.decode().replace("/var/lib/cloud-config", f"{folder}/state").replace("/etc/", f"{folder}/etc/")
    done = subprocess.run(
        ["/bin/sh"], input=text, capture_output=True, text=True, check=False, env={**os.environ, **env}, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.subprocess
def test_commands_are_words_or_lines_of_shell(tmp_path: Path) -> None:
    made = imported("runcmd:\n- [echo, \"it's\", '$HOME', 7, '']\n- echo $((1 + 1))\n- |\n  for i in a b; do\n    echo $i\n  done\n- false\n- echo end\n")
    script = files(made)["/etc/cloud-config/runcmd.sh"]
    assert script["mode"] == 0o700
    assert run(script["contents"], tmp_path) == "it's $HOME 7 \n2\na\nb\nend\n"
    assert (tmp_path / "state/runcmd.done").exists()
    unit = units(made)["cloud-config-runcmd.service"]
    assert unit["enabled"]
    assert "ConditionPathExists=!/var/lib/cloud-config/runcmd.done" in unit["contents"]


@pytest.mark.subprocess
def test_commands_of_each_boot_and_those_that_run_once(tmp_path: Path) -> None:
    text = "bootcmd:\n- echo boot\n- [cloud-init-per, once, one, echo, \"a  b\"]\n- cloud-init-per always two echo again\n- [cloud-init-per, instance, bad, 'false']\n"
    made = imported(text)
    script = files(made)["/etc/cloud-config/bootcmd.sh"]["contents"]
    assert run(script, tmp_path) == "boot\na  b\nagain\n"
    assert run(script, tmp_path) == "boot\nagain\n"
    assert not (tmp_path / "state/per-bad").exists()
    assert reports(made) == [("warning", "import-differs", 2)]
    assert "ConditionPathExists" not in units(made)["cloud-config-bootcmd.service"]["contents"]


@pytest.mark.subprocess
def test_shutdown_comes_behind_the_commands(tmp_path: Path) -> None:
    made = imported("runcmd: [echo a]\npower_state: {mode: reboot, delay: '+5', message: it's over, condition: test -e go}\n")
    script = files(made)["/etc/cloud-config/runcmd.sh"]["contents"].replace(b"shutdown", b"echo shutdown")
    assert run(script, tmp_path) == "a\n"
    (tmp_path / "go").touch()
    assert run(script, tmp_path) == "a\nshutdown -r +5 it's over\n"


@pytest.mark.parametrize("power", ["{mode: sleep}", "{delay: now}", "{mode: halt, delay: soon}"])
def test_shutdowns_that_cannot_be_read(power: str) -> None:
    assert imported(f"power_state: {power}\n").text is None


def test_programs_that_the_system_does_not_have() -> None:
    made = imported("runcmd:\n- apt-get update\n- [sudo, yum, install, a]\n- echo apt-get\n- ls && dnf -y install b\n")
    assert reports(made) == [("warning", "import-differs", line) for line in (3, 4, 6)]


def test_metadata_of_the_instance_needs_a_platform() -> None:
    made = cloud_config(KUBEADM.encode(), "a")
    assert made.text is None
    assert reports(made) == [("error", "import-template", line) for line in (12, 14, 14)]
    assert [entry.place.column for entry in made.report] == [16, 46, 93]
    assert "--jinja-afterburn" in made.report.entries[0].hint


@pytest.mark.subprocess
@pytest.mark.parametrize(("variant", "prefix"), [("fcos", "AFTERBURN_AWS"), ("flatcar", "COREOS_EC2")])
def test_kubeadm_data_of_cluster_api(variant: str, prefix: str, tmp_path: Path) -> None:
    made = cloud_config(KUBEADM.encode(), "a", Wanted(variant, platform="aws"))
    assert reports(made) == []
    found = files(made)
    assert found["/etc/kubeadm.yaml"]["mode"] == 0o640
    target = tmp_path / "etc/kubeadm.yaml"
    target.parent.mkdir()
    target.write_bytes(found["/etc/kubeadm.yaml"]["contents"])
    values = {f"{prefix}_HOSTNAME": "ip-10-0-0-1.ec2", f"{prefix}_AVAILABILITY_ZONE": "a&b|c\\d", f"{prefix}_INSTANCE_ID": "i-1"}
    run(found["/etc/cloud-config/metadata.sh"]["contents"], tmp_path, **values)
    assert "name: 'ip-10-0-0-1.ec2'\n" in target.read_text()
    assert "'aws:///a&b|c\\d/i-1'" in target.read_text()
    unit = units(made)["cloud-config-metadata.service"]["contents"]
    assert ("afterburn.service" if variant == "fcos" else "coreos-metadata.service") in unit
    assert "Before=cloud-config-runcmd.service" in unit
    assert b"/run/cluster-api/placeholder" in found["/etc/tmpfiles.d/cloud-config.conf"]["contents"]
    assert b"kubeadm join" in found["/etc/cloud-config/runcmd.sh"]["contents"]


@pytest.mark.parametrize(
    ("expression", "platform", "line"),
    [
        ("{% if x %}a{% endif %}", "aws", 4),
        ("{{ ds.meta_data.hostname | upper }}", "aws", 4),
        ("{{ ds.meta_data.instance_id }}", "azure", 4),
        ("{{ vendordata.a }}", "aws", 4),
    ],
)
def test_templates_that_nothing_on_the_machine_can_fill_in(expression: str, platform: str, line: int) -> None:
    text = f"## template: jinja\n#cloud-config\nruncmd:\n- echo \"{expression}\"\n"
    made = cloud_config(text.encode(), "a", Wanted(platform=platform))
    assert set(reports(made)) == {("error", "import-template", line)}


def test_templates_are_read_within_bounds() -> None:
    head = "## template: jinja\n#cloud-config\nruncmd:\n"
    for body in ("- '{{'\n" * 100_000, "".join(f"- '{{{{ ds.meta_data.k{i} }}}}'\n" for i in range(5_000)), "- '{% {# {{'\n" * 50_000):
        made = cloud_config((head + body).encode(), "a", Wanted(platform="aws"))
        assert made.text is None
        assert len(made.report) <= 200
    same = head + "- echo {{ v1.region }}\n" * 2_000
    assert cloud_config(same.encode(), "a", Wanted(platform="aws")).text is not None


def test_what_is_written_twice_is_told_of() -> None:
    made = imported("write_files:\n- {path: /etc/hostname, content: a}\nhostname: b\n")
    assert reports(made) == [("warning", "import-differs", 3)]


def test_metadata_stands_in_contents_and_commands_alone() -> None:
    text = "## template: jinja\n#cloud-config\nhostname: '{{ ds.meta_data.hostname }}'\n"
    assert reports(cloud_config(text.encode(), "a", Wanted(platform="aws"))) == [("error", "import-template", 3)]


def test_braces_without_the_header_are_text() -> None:
    made = imported("write_files:\n- {path: /etc/a, content: '{{ ds.meta_data.hostname }}'}\n", platform="aws")
    assert files(made)["/etc/a"]["contents"] == b"{{ ds.meta_data.hostname }}"
    assert "systemd" not in compiled(made)


@pytest.mark.root
@pytest.mark.subprocess
def test_systemd_copies_files_to_run(tmp_path: Path) -> None:
    made = files(imported("write_files:\n- {path: '/run/a \"b/%c', content: x, permissions: '0640'}\n"))
    source = made.pop("/etc/cloud-config/run/a \"b/%c")
    path = tmp_path / source["path"].lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_bytes(source["contents"])
    lines = made["/etc/tmpfiles.d/cloud-config.conf"]["contents"].decode()
    done = subprocess.run(["systemd-tmpfiles", f"--root={tmp_path}", "--create", "-"], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    copy = tmp_path / 'run/a "b/%c'
    assert (copy.read_bytes(), copy.stat().st_mode & 0o7777) == (b"x", 0o640)


@pytest.mark.subprocess
def test_a_swap_file_is_made_once(tmp_path: Path) -> None:
    found = units(imported("swap: {filename: /var/swap, size: 2G}\n"))
    assert "What=/var/swap" in found["var-swap.swap"]["contents"]
    made = found["cloud-config-swap.service"]["contents"]
    assert "ExecStart=/bin/sh -c 'fallocate -l 2G /var/swap && chmod 600 /var/swap && mkswap /var/swap'" in made
    assert "ConditionPathExists=!/var/swap" in made
