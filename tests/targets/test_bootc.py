"""bootc's Containerfile: what is built in, what is made at boot, and what an image cannot have. Its script is run in test_tree.py."""

from __future__ import annotations

import subprocess
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane_py.targets.boot_lines import word
from tests.helpers.targets import codes, emitted


def containerfile(text: str) -> str:
    result = emitted(text, "bootc")
    assert result.output is not None, [entry.raw() for entry in result.report]
    return result.output + "\n"


def part(text: str, path: str) -> str:
    """The contents of a file that the script puts."""
    return containerfile(text).partition(f"put {path} 0644 root:root <<'BUTANE_EOF'\n")[2].partition("BUTANE_EOF\n")[0]


def test_accounts_are_lines_of_sysusers() -> None:
    text = (
        "passwd:\n  groups: [{name: apps, gid: 2000}, {name: more}]\n  users:\n"
        "  - {name: ops, uid: 1000, primary_group: apps, groups: [wheel], gecos: \"50% \\\"Op\\\"\", shell: /bin/sh, ssh_authorized_keys: [ssh-ed25519 A]}\n"
        "  - {name: agent, system: true, no_create_home: true, home_dir: /var/lib/agent}\n  - {name: root, ssh_authorized_keys: [ssh-ed25519 A]}\n"
    )
    assert part(text, "/usr/lib/sysusers.d/butane.conf") == (
        'g apps 2000\ng more -\nu ops 1000:apps "50%% \\"Op\\"" /var/home/ops /bin/sh\nm ops wheel\nu agent - - /var/lib/agent /bin/bash\n'
    )
    assert part(text, "/usr/lib/tmpfiles.d/butane.conf") == (
        "d /var/home/ops 0700 ops apps -\nd /var/home/ops/.ssh 0700 ops apps -\n"
        "f~ /var/home/ops/.ssh/authorized_keys 0600 ops apps - c3NoLWVkMjU1MTkgQQo=\n"
        "d /root/.ssh 0700 root root -\nf~ /root/.ssh/authorized_keys 0600 root root - c3NoLWVkMjU1MTkgQQo=\n"
    )


def test_kernel_arguments_are_those_of_the_image() -> None:
    text = part("kernel_arguments: {should_exist: [quiet, 'a=\"b c\"']}\n", "/usr/lib/bootc/kargs.d/10-butane.toml")
    assert tomllib.loads(text) == {"kargs": ["quiet", 'a="b c"']}


def test_the_base_is_named_by_an_option() -> None:
    assert containerfile("machine: {timezone: UTC}\n").startswith("# Made by butane-py from node.bu for bootc. Do not edit.\n# To stand behind FROM")
    whole = containerfile("machine: {timezone: UTC}\ntargets: {bootc: {from: 'quay.io/a/b:1'}}\n")
    assert whole.split("\n")[1] == "FROM quay.io/a/b:1"
    assert whole.endswith("RUN bootc container lint\n")
    assert codes(emitted("targets:\n  bootc: {from: \"a\\nRUN b\"}\n", "bootc")) == [("target-option", 4)]


def test_no_text_ends_the_script() -> None:
    text = 'storage: {files: [{path: /etc/a, contents: {inline: "BUTANE_BUILD\\nBUTANE_BUILD_\\n"}}]}\n'
    assert "RUN bash <<'BUTANE_BUILD__'\n" in containerfile(text)


def test_downloads_are_checked_by_the_build() -> None:
    digest = "AB" * 64
    text = containerfile(f"storage: {{files: [{{path: /usr/bin/a, mode: 0755, contents: {{source: 'https://e/a b', verification: {{hash: sha512-{digest}}}}}}}]}}\n")
    assert "curl --globoff -fsSL --retry 5 -o /usr/bin/a 'https://e/a b'\nsha512sum --check --quiet <<'BUTANE_EOF'\n" + digest.lower() in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("passwd:\n  users: [{name: a}]\n", ("target-value", 4)),
        ("passwd:\n  users: [{name: a, uid: 1000, password_hash: $6$a}]\n", ("target-secret", 4)),
        ("storage:\n  files: [{path: /etc/a, mode: 0600, contents: {inline: a}}]\n", ("target-secret", 4)),
        ("storage:\n  files: [{path: /var/a, append: [{inline: a}]}]\n", ("target-no-append", 4)),
        ("storage:\n  files: [{path: /opt/a, contents: {source: 'https://a'}}]\n", ("target-no-remote", 4)),
        ("storage:\n  links: [{path: /opt/a, target: /opt/b, hard: true}]\n", ("target-value", 4)),
        ("storage:\n  files: [{path: \"/var/a\\nb\", contents: {inline: a}}]\n", ("target-value", 4)),
        ("storage:\n  disks: [{device: /dev/a, wipe_table: true}]\n", ("target-no-disks", 4)),
        ("kernel_arguments:\n  should_not_exist: [a]\n", ("target-no-karg-removal", 4)),
    ],
)
def test_what_an_image_cannot_have(text: str, expected: tuple[str, int]) -> None:
    assert codes(emitted(text, "bootc")) == [expected]


NAMES = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\0/\n\r"), min_size=1, max_size=8), min_size=5, max_size=20, unique=True)


@pytest.mark.root
@pytest.mark.subprocess
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(NAMES)
def test_names_are_read_back_by_systemd(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    root = tmp_path_factory.mktemp("root")
    names = [f"n{name}" for name in names]
    lines = "".join(f"d {word(f'/srv/{name}')} 0755 0 0 -\n" for name in names)
    done = subprocess.run(["systemd-tmpfiles", f"--root={root}", "--create", "-"], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (root / "srv").iterdir()} == set(names)
