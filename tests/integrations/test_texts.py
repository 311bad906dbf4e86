"""A text that lies in no file: snippets, values of variables, and what stays secret."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import butane_py
from butane_py.compilation import Options
from butane_py.fleet.texts import Text, TextBuild
from butane_py.integrations.handover import hand_over
from tests.helpers.fleet import HEAD, spots

CONFIG = HEAD + "passwd: {users: [{name: core, ssh_authorized_keys: [key]}]}\nstorage: {files: [{path: /a, contents: {inline: a}}]}\n"


def output(text: str, **more: Any) -> Any:
    result = TextBuild(Text(text, "content", **more)).result
    assert result.output is not None, result.report
    return json.loads(result.output)


def report(text: str, **more: Any) -> list[tuple[str, ...]]:
    result = TextBuild(Text(text, "content", **more)).result
    assert result.output is None
    return spots(result.report)


def test_without_snippets_it_is_what_the_compiler_writes() -> None:
    result = TextBuild(Text(CONFIG)).result
    assert result.output == butane_py.compile(CONFIG).output


def test_snippets_are_merged_over_the_text_from_left_to_right() -> None:
    """The later value wins, entries of one path are merged, others are appended: the rules of Ignition's merge."""
    one = HEAD + "storage: {files: [{path: /a, mode: 0600, contents: {inline: one}}, {path: /b}]}\n"
    two = HEAD + "storage: {files: [{path: /a, contents: {inline: two}}]}\npasswd: {users: [{name: core, groups: [wheel]}]}\n"
    found = output(CONFIG, snippets=[one, two])
    files = {each["path"]: each for each in found["storage"]["files"]}
    assert (files["/a"]["mode"], files["/a"]["contents"]["source"], list(files)) == (0o600, "data:,two", ["/a", "/b"])
    assert found["passwd"]["users"] == [{"name": "core", "sshAuthorizedKeys": ["key"], "groups": ["wheel"]}]
    assert output(CONFIG, snippets=[two, one])["storage"]["files"][0]["contents"]["source"] == "data:,one"


@pytest.mark.parametrize(
    ("head", "spec"),
    [
        ("variant: fcos\nversion: 1.5.0\n", "3.5.0"),
        ("variant: fcos\nversion: 1.7.0\n", "3.6.0"),
        ("variant: flatcar\nversion: 1.1.0\n", "3.5.0"),
        ("", "3.5.0"),
        ("# nothing\n", "3.5.0"),
    ],
)
def test_a_snippet_has_its_own_version_or_that_of_the_text(head: str, spec: str) -> None:
    found = output(CONFIG, snippets=[f"{head}storage: {{links: [{{path: /l, target: /a}}]}}\n" if head != "# nothing\n" else head])
    assert found["ignition"]["version"] == spec
    assert ("links" in found["storage"]) == (head != "# nothing\n")


def test_a_machine_config_takes_snippets() -> None:
    head = "variant: openshift\nversion: 4.18.0\nmetadata: {name: n, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    result = TextBuild(Text(head, snippets=["variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a}]}\n"])).result
    assert result.output is not None
    assert "kind: MachineConfig" in result.output and "path: /a" in result.output
    refused = TextBuild(Text(head, "content", snippets=["storage: {links: [{path: /l, target: /a}]}\n"])).result
    assert not refused.ok  # MachineConfigs have no links, whichever text they come from


def test_mistakes_are_told_where_they_stand() -> None:
    assert report(CONFIG + "x: {\n") == [("yaml", "content:5:4")]
    assert report(CONFIG, snippets=[CONFIG, "storage: {files: [{path: a}]}\n"]) == [("path-relative", "snippets[1]:1:26")]
    assert report(CONFIG, snippets=["a: ["]) == [("yaml", "snippets[0]:1:4")]
    assert report("a: [", snippets=["b: ["]) == [("yaml", "content:1:4"), ("yaml", "snippets[0]:1:4")]
    disk = "storage: {disks: [{device: /dev/sda, partitions: [{label: %s, number: %s}]}]}\n"
    assert report(HEAD + disk % ("a", 1), snippets=[disk % ("a", 2)]) == [("partition-label-twice", "snippets[0]:1:51", "content:3:59")]  # what only both together are


def test_variables_of_all_texts() -> None:
    text = HEAD + "vars: {name: string, mtu: {type: int, default: 1500}}\nstorage: {files: [{path: /n, contents: {inline: \"${{ name }} ${{ mtu }}\"}}]}\n"
    more = "vars: {name: string, extra: {type: bool, default: false}}\nstorage: {files: [{path: /e, contents: {inline: \"${{ name }} ${{ extra }}\"}}]}\n"
    found = output(text, snippets=[more], vars={"name": "n1", "extra": True})
    assert [each["contents"]["source"] for each in found["storage"]["files"]] == ["data:,n1%201500", "data:,n1%20true"]
    assert report(text, vars={"nme": "n1"}) == [("var-missing", "content:3:8"), ("var-unknown", "vars['nme']")]
    assert report(text, vars={"name": ["n1"], "mtu": "a"}) == [("var-type", "content:3:8", "vars['name']"), ("var-type", "content:3:22", "vars['mtu']")]
    assert output(text, host_vars={"name": "n2", "other": object()})["storage"]["files"][0]["contents"]["source"] == "data:,n2%201500"
    with pytest.raises(TypeError):
        TextBuild(Text(text, vars={"name": object()}))


def test_files_are_read_below_the_files_directory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    for folder in (tmp_path, tmp_path / "files"):
        (folder / "base.bu").write_text("storage: {files: [{path: /base, contents: {local: data}}]}\n")
        (folder / "data").write_text(folder.name)
    text = HEAD + "include: [base.bu]\n"
    assert report(text) == [("include-outside", "content:3:11")]  # not the base.bu of the current directory
    found = output(text, options=Options("files"))
    assert found["storage"]["files"][0]["contents"]["source"] == "data:,files"
    assert output(HEAD, snippets=["include: [base.bu]\n"], options=Options("files")) == found
    assert TextBuild(Text(text, str(tmp_path / "node.bu"), lies_there=True)).result.report.fatal  # `local` needs a files directory still


def test_secrets_are_refused_unless_the_caller_marks_them() -> None:
    text = HEAD + "vars: {token: string}\nstorage: {files: [{path: /t, contents: {inline: \"${{ token }}\"}}]}\n"
    refused = hand_over(Text(text, "content", secret_vars={"token": "hunter2hunter2"}))
    assert (refused.output, [entry.code for entry in refused.report]) == (None, ["secret-unmarked"])
    assert spots(refused.report) == [("secret-unmarked", "content:4:49", "secret_vars['token']")]
    assert "files /t is made of a secret" in refused.pretty() and "hunter2" not in refused.pretty() + repr(refused)
    taken = hand_over(Text(text, "content", secret_vars={"token": "hunter2hunter2"}), marked=True)
    assert taken.output is not None and "hunter2hunter2" in taken.output
    # Marked or not, others can read the user data of EC2.
    for marked in (True, False):
        read = hand_over(Text(text, "content", secret_vars={"token": "hunter2hunter2"}), marked=marked, recipient="aws")
        assert [entry.code for entry in read.report] == ["secret-in-user-data" if marked else "secret-unmarked"]
    inline = hand_over(Text(text, "content", secret_vars={"token": "hunter2hunter2"}), marked=True, recipient="aws", secrets="inline")
    assert "hunter2hunter2" in inline.user_data
    role = "variant: openshift\nversion: 4.18.0\nmetadata: {name: n, labels: {machineconfiguration.openshift.io/role: worker}}\n"
    cluster = hand_over(Text(text.replace(HEAD, role), "content", secret_vars={"token": "hunter2hunter2"}))
    assert [entry.code for entry in cluster.report] == ["secret-unmarked"]
    declared = hand_over(Text(text.replace("token: string", "token: {type: string, secret: true}"), vars={"token": "hunter2hunter2"}))
    assert declared.output is None
    assert hand_over(Text(text, vars={"token": "hunter2hunter2"})).output is not None
    wrong = hand_over(Text(text.replace("/t", "${{ token }}"), secret_vars={"token": "hunter2hunter2"}), marked=True)
    assert wrong.output is None and "hunter2" not in wrong.pretty()


def test_strict_makes_errors_of_warnings() -> None:
    text = HEAD + "storage: {files: [{path: /t, mode: 644}]}\n"
    assert hand_over(Text(text, "content")).warnings == ["content:3:36: mode 644 is decimal and means 01204"]
    strict = hand_over(Text(text, "content"), strict=True)
    assert strict.output is None and "error[mode-decimal]" in strict.pretty()


def test_the_user_data_is_in_the_first_form_that_the_platform_takes() -> None:
    """VirtualBox takes 1,024 bytes: at the limit the config as it is, one byte more wrapped, and what no form makes small is refused."""

    def made(contents: str, recipient: str = "virtualbox") -> Any:
        text = HEAD.replace("1.6.0", "1.0.0") + f"storage: {{files: [{{path: /t, contents: {{inline: {contents}}}}}]}}\n"
        return hand_over(Text(text, "content"), recipient=recipient)

    empty = len(made("a").output)
    at_limit, above = made("a" * (1024 - empty + 1)), made("a" * (1024 - empty + 2))
    assert (len(at_limit.output), at_limit.user_data) == (1024, at_limit.output)
    assert len(above.output) == 1025 and "replace" in json.loads(above.user_data)["ignition"]["config"] and len(above.user_data) < 1024
    assert made("a" * 2000, "").user_data == made("a" * 2000, "").output
    noise = "".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(20))
    refused = made(noise)
    assert refused.output is None and "pack-too-large" in refused.pretty()


class _Bytes(bytes):
    """As Ansible has it (AnsibleUnsafeBytes, before 2.19)."""


class _Text(str):
    """As Ansible has it: its methods give subclasses again."""

    def encode(self, *arguments: str) -> _Bytes:
        return _Bytes(str.encode(self, *arguments))


def test_subclasses_of_str_are_texts() -> None:
    text = _Text(HEAD + 'vars: {name: string}\nstorage: {files: [{path: /n, contents: {inline: "${{ name }}"}}]}\n')
    made = output(text, vars={_Text("name"): _Text("n1")}, snippets=[_Text("# nothing\n")])
    assert made["storage"]["files"][0]["contents"]["source"] == "data:,n1"
    assert output(_Bytes(text.encode()), host_vars={"name": _Text("n2")})["storage"]["files"][0]["contents"]["source"] == "data:,n2"
