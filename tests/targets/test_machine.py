"""`variant: machine`: what its section takes, and where it is reported what it does not."""

from __future__ import annotations

import pytest

from butane_py import config
from butane_py.builders import BUILDERS
from tests.helpers.targets import FCOS, codes, emitted, ignition

KEY = "-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----\\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("machine:\n  hostname: Node1\n", 4),
        ("machine:\n  hostname: -node\n", 4),
        (f"machine:\n  hostname: {'a' * 64}\n", 4),
        ("machine:\n  hostname: 'a\n\n    b'\n", 4),
        ("machine:\n  timezone: Europe/Berlinn\n", 4),
        ("machine:\n  timezone: ../../etc/shadow\n", 4),
        ("machine:\n  time_servers:\n    - 'a b'\n", 5),
        ("machine:\n  time_servers:\n    - ntp.example.com:123\n", 5),
        ("machine:\n  sysctl:\n    net.ipv4.ip_forward: true\n", 5),
        ('machine:\n  sysctl:\n    a.b: "1\\n2"\n', 5),
        ("machine:\n  sysctl:\n    '../a': 1\n", 5),
        ("machine:\n  kernel_modules:\n    - name: a/b\n", 5),
        ("machine:\n  kernel_modules:\n    - name: a\n      parameters: ['a b']\n", 6),
        ("machine:\n  kernel_modules:\n    - {name: a, blocked: true, parameters: [b=1]}\n", 5),
        ("machine:\n  kernel_modules:\n    - name: a\n    - name: a\n", 6),
        ("machine:\n  ca_certificates:\n    - {name: a, inline: no}\n", 5),
        (f'machine:\n  ca_certificates:\n    - {{name: a, inline: "{KEY}"}}\n', 5),
        ("machine:\n  ca_certificates:\n    - {name: a}\n", 5),
        ("machine:\n  ca_certificates:\n    - {name: ../a, local: a}\n", 5),
        ("machine:\n  proxy:\n    http: proxy:3128\n", 5),
        ("machine:\n  proxy:\n    no_proxy: ['a,b']\n", 5),
        ("machine:\n  registry_mirrors:\n    - {registry: docker.io}\n", 5),
        ("machine:\n  registry_mirrors:\n    - {registry: 'a\"b', endpoints: [https://m]}\n", 5),
        ("machine:\n  registry_mirrors:\n    - {registry: a, endpoints: [m]}\n", 5),
    ],
)
def test_values_that_no_system_takes(text: str, line: int) -> None:
    assert codes(emitted(text, "fcos")) == [("machine-value", line)]


def test_a_password_is_in_no_message() -> None:
    result = emitted("machine: {proxy: {http: 'ftp://user:hunter2@proxy'}}\n", "fcos")
    assert codes(result) == [("machine-value", 3)]
    assert "hunter2" not in "".join(entry.raw() + entry.hint for entry in result.report)


def test_without_a_target_nothing_is_written() -> None:
    result = emitted("machine: {hostname: a}\n", "")
    assert codes(result) == [("target-missing", 1)]


def test_other_variants_do_not_know_the_section() -> None:
    result = emitted("machine: {hostname: a}\n", "fcos", head=FCOS)
    assert [entry.message for entry in result.report] == ["unknown key `machine` at the top level: it is a key of machine, not of fcos"]
    assert result.output


def test_the_variant_of_an_fcos_config_may_be_changed() -> None:
    text = "storage: {files: [{path: /a, contents: {inline: b}}], trees: []}\nsystemd: {quadlets: [{name: a.container, contents: '[Container]', rootful: true}]}\n"
    assert [file["path"] for file in ignition(text, "fcos")["storage"]["files"]] == ["/a", "/etc/containers/systemd/a.container"]


def test_typed_builders_know_the_section() -> None:
    machine = config.Machine(hostname="a", sysctl={"a.b": "1"}, kernel_modules=[config.KernelModule(name="b")])
    built = config.Config(variant="machine", version="1.0.0-experimental", machine=machine, targets={"fcos": {"skip": []}})
    assert built.to_data()["machine"] == {"hostname": "a", "sysctl": {"a.b": "1"}, "kernel_modules": [{"name": "b"}]}
    assert BUILDERS
    with pytest.raises(TypeError):
        config.Machine(sysctl={"a.b": 1})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("targets: &a {fcos: *a}\n", "contains itself"),
        ("targets: {fcos: {config: " + "[" * 200 + "]" * 200 + "}}\n", "nested"),
        ("targets: [fcos]\n", "mapping"),
        ("targets: {fcos: {}, fcos: {}}\n", "already"),
    ],
)
def test_native_text_that_is_hostile(text: str, words: str) -> None:
    result = emitted(text, "fcos")
    assert len(result.report) == 1
    assert words in next(iter(result.report)).message


def test_aliases_and_merge_keys_in_native_text() -> None:
    text = "x-a: &a {storage: {files: [{path: /a}]}}\ntargets: {fcos: {config: {<<: *a, kernelArguments: {shouldExist: ['no', 2024-01-01]}}}}\n"
    result = emitted(text, "fcos")
    assert '"shouldExist":["no","2024-01-01"]' in (result.output or "") and '"/a"' in (result.output or "")
