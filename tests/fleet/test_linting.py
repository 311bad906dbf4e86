"""`--lint` of builds: rules for each file, entries that another file replaces, texts in commands."""

from __future__ import annotations

import pytest

from tests.helpers.fleet import build, data, spots, write

KEY = "passwd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me]}]}\n"
NEW = "variant: fcos\nversion: 1.7.0\n"


def test_an_entry_that_another_file_replaces_is_listed_with_both_places() -> None:
    write({
        "node.bu": NEW + "include: [base.bu, web.bu]\n" + KEY,
        "base.bu": "storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents: {inline: a}\n    - path: /etc/issue\n      mode: 0644\n"
                   "systemd:\n  units:\n    - {name: a.service, enabled: true, contents: \"[Install]\\nWantedBy=x.target\"}\n    - {name: b.service, mask: true}\n",
        "web.bu": "storage:\n  files:\n    - path: /etc/motd\n      contents: {inline: b}\n  links:\n    - {path: /etc/issue, target: /run/issue}\n"
                  "systemd:\n  units:\n    - {name: a.service, enabled: false}\n    - {name: b.service, mask: true}\n",
    })  # fmt: skip
    found = [entry for entry in build(lint=True).report if entry.code == "lint-include-replaces"]
    assert sorted(entry.message for entry in found) == [
        "files./etc/issue of base.bu:6 is replaced by web.bu:6",
        "files./etc/motd of base.bu:3 is replaced by web.bu:3: contents",
        "units.a.service of base.bu:10 is replaced by web.bu:9: enabled",
    ]
    assert {entry.severity for entry in found} == {"info"}
    assert ("lint-include-replaces", "web.bu:3:7", "base.bu:3:7") in spots(found)


def test_the_main_file_over_an_included_one() -> None:
    write({"node.bu": NEW + "include: [base.bu]\nstorage: {files: [{path: /a, mode: 0600}]}\n" + KEY, "base.bu": "storage: {files: [{path: /a, mode: 0644}]}\n"})
    assert [entry.message for entry in build(lint=True).report] == ["files./a of base.bu:1 is replaced by node.bu:4: mode"]


def test_rules_of_the_text_look_at_every_file_and_rules_of_the_output_at_the_whole() -> None:
    write({"node.bu": NEW + "include: [base.bu]\n" + KEY, "base.bu": "storage:\n  files:\n    - {path: '/${NAME}', mode: 0644}\n"})
    assert spots(build(lint=True).report) == [("lint-placeholder", "base.bu:3:14")]
    write({"node.bu": NEW + "include: [base.bu]\n", "base.bu": KEY})
    assert list(build(lint=True).report) == []


SCRIPT = "contents:\n        inline: |\n          #!/bin/sh\n          echo ${{ %s }}\n"


@pytest.mark.parametrize(
    ("declaration", "use", "warned"),
    [
        ("string", "x", True), ("string", "x | sh", False), ("string", "x | b64", False), ("string", "x | upper", True), ("string", "x | unit", True),
        ("hostname", "x", False), ("int", "x", False), ("url", "x", True), ("cidr", "x.ip", False), ("[string]", 'x | join(" ")', True),
        ("[int]", 'x | join(" ")', False), ("{type: {a: string, b: int}}", "x.a", True), ("{type: {a: string, b: int}}", "x.b", False),
    ],
)  # fmt: skip
def test_a_text_in_a_script_needs_a_filter(declaration: str, use: str, warned: bool) -> None:
    values = {"string": "v", "hostname": "v", "int": 1, "url": "http://a/", "cidr": "10.0.0.1/8", "[string]": ["v"], "[int]": [1]}
    value = values.get(declaration, {"a": "v", "b": 1})
    write({"node.bu": f"{NEW}vars: {{x: {declaration}}}\n{KEY}storage:\n  files:\n    - path: /x\n      mode: 0755\n      {SCRIPT % use}"})
    found = [entry for entry in build(values={"x": data(value)}, lint=True).report if entry.code == "lint-unfiltered"]
    assert [spot for _, spot in spots(found)] == (["node.bu:12:16"] if warned else [])


def test_a_text_in_a_command_of_a_unit_needs_a_filter() -> None:
    unit = '[Service]\\nEnvironment=A=${{ x }}\\nExecStart=/bin/x ${{ x }} \\\\\\n  ${{ x | unit }}\\n[Install]\\nWantedBy=multi-user.target\\n'
    write({"node.bu": f'{NEW}vars: {{x: string}}\n{KEY}systemd: {{units: [{{name: a.service, enabled: true, contents: "{unit}"}}]}}\n'})
    found = [entry for entry in build(values={"x": data("v")}, lint=True).report if entry.code == "lint-unfiltered"]
    assert len(found) == 1
    assert found[0].hint == "write ${{ x | unit }}"


def test_a_local_script_needs_a_filter_too() -> None:
    write({"node.bu": f"{NEW}vars: {{x: string}}\n{KEY}storage: {{files: [{{path: /x, mode: 0755, contents: {{local: s, interpolate: true}}}}]}}\n", "s": "#!/bin/sh\necho ${{ x }}\n"})
    assert spots(build(values={"x": data("v")}, lint=True, files_dir=".").report) == [("lint-unfiltered", "s:2:6")]


def test_a_line_of_a_text_is_where_it_stands_or_the_text_is() -> None:
    unit = "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n        Environment=A=${{ x }}\n        ExecStrat=/bin/true\n"
    write({"node.bu": f"{NEW}vars: {{x: string}}\n{KEY}{unit}"})
    for value, place in (("v", "node.bu:11:9"), ("v\nEnvironment=B=w", "node.bu:8:17")):
        found = [each for each in spots(build(values={"x": data(value)}, lint=True).report) if each[0].startswith("lint-unit")]
        assert place in {each[1] for each in found}
