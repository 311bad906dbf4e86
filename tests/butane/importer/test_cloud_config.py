"""What each key of a cloud-config becomes, and what is reported at which line."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from butane_py import compile as compile_butane
from butane_py import import_cloud_config
from butane_py.importer import VARIANTS, Imported, Wanted, cloud_config
from butane_py.importer.keys import READERS
from ignition_py.report.diag import ERROR, INFO
from ignition_py.spec.dataurl import decode
from tests.helpers.texts import WORDS

B64 = base64.b64encode(b"\x00\xff").decode()
GZIP = base64.b64encode(gzip.compress(b"packed\n")).decode()


def imported(text: str, variant: str = "fcos", platform: str = "") -> Imported:
    head = "" if text.startswith("#") else "#cloud-config\n"
    return cloud_config((head + text).encode(), "a.yaml", Wanted(variant, platform=platform))


def compiled(made: Imported) -> dict[str, Any]:
    """The Ignition config of what was imported, with contents in place of data URLs."""
    assert made.text is not None, [entry.raw() for entry in made.report]
    result = compile_butane(made.text)
    assert result.output is not None, [entry.raw() for entry in result.report]
    return _unpacked(json.loads(result.output))  # type: ignore[no-any-return]


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("source", "")).startswith("data:"):
        data = decode(value["source"])
        return gzip.decompress(data) if value.get("compression") == "gzip" else data
    return {key: _unpacked(item) for key, item in value.items()}


def files(made: Imported) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in compiled(made).get("storage", {}).get("files", [])}


def units(made: Imported) -> dict[str, dict[str, Any]]:
    return {unit["name"]: unit for unit in compiled(made).get("systemd", {}).get("units", [])}


def reports(made: Imported) -> list[tuple[str, str, int]]:
    return [(entry.severity, entry.code, entry.place.line) for entry in made.report]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hostname: node1\n", "node1"),
        ("fqdn: node1.example.com\n", "node1"),
        ("hostname: a\nfqdn: node1.example.com\n", "a"),
        ("hostname: node1\nfqdn: node1.example.com\nprefer_fqdn_over_hostname: true\n", "node1.example.com"),
        ("hostname: node1\npreserve_hostname: true\n", None),
        ("hostname: node1\ncreate_hostname_file: no\n", None),
    ],
)
def test_host_name(text: str, name: str | None) -> None:
    found = files(imported(text)).get("/etc/hostname")
    assert (found["contents"].decode() if found else None) == (f"{name}\n" if name else None)


def test_write_files() -> None:
    made = imported(
        "write_files:\n"
        "- {path: /etc/a, content: text, permissions: '0640', owner: 'app:1000'}\n"
        f"- {{path: /etc/b, content: {B64}, encoding: b64}}\n"
        f"- {{path: /etc/c, content: {GZIP}, encoding: gz+b64, defer: true}}\n"
        "- {path: /etc/d}\n"
        "- {path: /etc/a, content: more, append: true}\n"
        "- {path: /etc/motd, content: more, append: true}\n"
        "- {path: /etc/e, source: {uri: 'https://example.com/e', headers: {A: b}}}\n"
        f"- {{path: /etc/f, content: !!binary {B64}}}\n"
        "- {path: /etc/g, permissions: 0755, content: octal in YAML 1.1}\n"
    )
    assert reports(made) == []
    found = files(made)
    assert found["/etc/a"] == {
        "path": "/etc/a",
        "mode": 0o640,
        "overwrite": True,
        "contents": b"textmore",
        "user": {"name": "app"},
        "group": {"id": 1000},
    }
    assert [found[path]["contents"] for path in ("/etc/b", "/etc/c", "/etc/d", "/etc/f")] == [b"\x00\xff", b"packed\n", b"", b"\x00\xff"]
    assert found["/etc/motd"] == {"path": "/etc/motd", "append": [b"more"]}
    assert found["/etc/e"]["contents"] == {"source": "https://example.com/e", "httpHeaders": [{"name": "A", "value": "b"}]}
    assert found["/etc/g"]["mode"] == 0o755


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{path: etc/a}", "import-value"),
        ("{path: /etc/../a}", "import-value"),
        ("{path: \"/run/a\\nb\"}", "import-value"),
        ("{path: '/run/a '}", "import-value"),
        ("{content: a}", "import-value"),
        ("{path: /etc/a, permissions: 644}", "import-value"),
        ("{path: /etc/a, permissions: '0999'}", "import-value"),
        ("{path: /etc/a, content: '%', encoding: b64}", "import-value"),
        ("{path: /etc/a, content: aaaa, encoding: gz+b64}", "import-value"),
        ("{path: /etc/a, content: a, encoding: zip}", "import-value"),
        ("{path: /etc/a, contents: a}", "import-unknown-key"),
        ("{path: /etc/a, source: {uri: 'file:///etc/b'}}", "import-value"),
        ("{path: /usr/bin/a, content: a}", "import-lost"),
        ("{path: /proc/sys/vm/swappiness, content: a}", "import-lost"),
        ("{path: [a]}", "import-value"),
        ("text", "import-value"),
    ],
)
def test_files_that_cannot_be(entry: str, code: str) -> None:
    made = imported(f"write_files:\n- {entry}\n")
    assert [(found, line) for _, found, line in reports(made)][:1] == [(code, 3)]
    assert (made.text is None) == (code != "import-lost")


def test_only_fcos_has_a_folder_for_local_programs() -> None:
    text = "write_files:\n- {path: /usr/local/bin/a, content: a}\n"
    assert "/usr/local/bin/a" in files(imported(text))
    assert reports(imported(text, "flatcar")) == [("warning", "import-lost", 3)]


def test_files_below_run_are_copied_at_boot() -> None:
    made = imported("write_files:\n- {path: '/run/a b/%c', content: x, permissions: '0600', owner: app}\n- {path: /run/d, append: true, content: y}\n")
    found = files(made)
    assert found["/etc/cloud-config/run/a b/%c"]["contents"] == b"x"
    assert found["/etc/tmpfiles.d/cloud-config.conf"]["contents"].decode() == (
        'C "/run/a b/%%c" 0600 app root - /etc/cloud-config/run/a b/%%c\nC /run/d 0644 root root - /etc/cloud-config/run/d\n'
    )


def test_units_among_the_files_become_units() -> None:
    made = imported(
        "write_files:\n# the program\n- {path: /etc/systemd/system/app.service, content: \"[Service]\\nExecStart=/bin/a\\n\"}\n"
        "- {path: /etc/systemd/system/sshd.service.d/10-a.conf, content: \"[Service]\\nRestart=always\\n\"}\n"
    )
    assert made.text is not None
    assert "    # the program\n    - name: app.service\n" in made.text
    found = units(made)
    assert found["app.service"]["contents"] == "[Service]\nExecStart=/bin/a\n"
    assert found["sshd.service"]["dropins"] == [{"name": "10-a.conf", "contents": "[Service]\nRestart=always\n"}]


def test_users_and_groups() -> None:
    made = imported(
        "groups: [apps, {ops: [core, anna]}]\n"
        "users:\n- default\n"
        "- name: anna\n  gecos: Anna\n  groups: wheel, apps, own\n  primary-group: staff\n  homedir: /var/home/a\n  shell: /bin/bash\n  uid: '1234'\n"
        "  lock_passwd: false\n  hashed_passwd: $6$a$b\n  no_create_home: true\n  ssh_authorized_keys: [ssh-ed25519 AAA, ssh-ed25519 AAA]\n"
        "  sudo: ['ALL=(ALL) NOPASSWD:ALL']\n"
        "- {name: locked, passwd: $6$a$b}\n"
        "ssh_authorized_keys: [ssh-rsa AAA]\n"
    )
    config = compiled(made)
    assert [group["name"] for group in config["passwd"]["groups"]] == ["apps", "own", "staff", "ops"]
    by_name = {user["name"]: user for user in config["passwd"]["users"]}
    assert by_name["anna"] == {
        "name": "anna",
        "gecos": "Anna",
        "groups": ["wheel", "apps", "own", "ops"],
        "primaryGroup": "staff",
        "homeDir": "/var/home/a",
        "shell": "/bin/bash",
        "uid": 1234,
        "passwordHash": "$6$a$b",
        "noCreateHome": True,
        "sshAuthorizedKeys": ["ssh-ed25519 AAA"],
    }
    assert by_name["core"] == {"name": "core", "groups": ["ops"], "sshAuthorizedKeys": ["ssh-rsa AAA"]}
    assert by_name["locked"] == {"name": "locked"}
    sudoers = files(made)["/etc/sudoers.d/90-cloud-config-anna"]
    assert (sudoers["mode"], sudoers["contents"]) == (0o440, b"anna ALL=(ALL) NOPASSWD:ALL\n")
    assert reports(made) == [("warning", "import-differs", 17)]


def test_passwords_in_the_open_are_neither_carried_nor_shown() -> None:
    made = imported(
        "password: hunter1\nusers:\n- {name: a, plain_text_passwd: hunter2, lock_passwd: false}\n"
        "chpasswd:\n  expire: false\n  users:\n  - {name: a, password: hunter3, type: text}\n  - {name: b, password: $6$a$b}\n  list: |\n    c:hunter4\n"
    )
    assert b"hunter" not in made.shown
    assert "hunter" not in (made.text or "") + "".join(entry.raw() + entry.hint for entry in made.report)
    assert {user["name"]: user.get("passwordHash") for user in compiled(made)["passwd"]["users"]} == {"a": None, "b": "$6$a$b"}


def test_time_language_and_certificates() -> None:
    pem = "-----BEGIN CERTIFICATE-----\n    AAAA\n    -----END CERTIFICATE-----\n"
    text = f"timezone: Europe/Berlin\nlocale: C.UTF-8\nkeyboard: {{layout: de}}\nntp:\n  servers: [a.example.com]\n  pools: [b.example.com]\nca_certs:\n  trusted:\n  - |\n    {pem}"
    found = files(imported(text))
    assert found["/etc/chrony.conf"]["contents"].startswith(b"pool b.example.com iburst\nserver a.example.com iburst\n")
    assert found["/etc/locale.conf"]["contents"] == b"LANG=C.UTF-8\n"
    assert found["/etc/vconsole.conf"]["contents"] == b"KEYMAP=de\n"
    assert "/etc/pki/ca-trust/source/anchors/cloud-config-1.pem" in found
    assert compiled(imported(text))["storage"]["links"][0]["target"] == "../usr/share/zoneinfo/Europe/Berlin"
    flatcar = imported(text, "flatcar")
    assert files(flatcar)["/etc/systemd/timesyncd.conf"]["contents"] == b"[Time]\nNTP=b.example.com a.example.com\n"
    assert "cloud-config-ca-certificates.service" in units(flatcar)


def test_disks() -> None:
    made = imported(
        "device_aliases: {data: /dev/sdb}\n"
        "disk_setup:\n  data: {table_type: gpt, layout: true, overwrite: true}\n  /dev/nvme1n1: {table_type: gpt, layout: [[100, 82]]}\n"
        "fs_setup:\n- {device: data, partition: 1, filesystem: ext4, label: data, extra_opts: [-E, x]}\n"
        "- {device: /dev/nvme1n1, partition: 1, filesystem: swap, overwrite: true}\n"
        "mounts:\n- [LABEL=data, /var/lib/data, auto, 'defaults,noatime,x-systemd.after=cloud-init.service']\n- [/dev/nvme1n1p1, none, swap, sw, '0', '0']\n"
        "- ['nas:/a', /mnt/a, nfs, 'ro,nofail']\n- [tmpfs, /var/tmp/x, tmpfs, size=1g]\n"
    )
    assert reports(made) == []
    config = compiled(made)
    assert config["storage"]["disks"] == [
        {"device": "/dev/sdb", "wipeTable": True, "partitions": [{"number": 1, "sizeMiB": 0, "startMiB": 0}]},
        {
            "device": "/dev/nvme1n1",
            "partitions": [{"number": 1, "sizeMiB": 0, "startMiB": 0, "typeGuid": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"}],
        },
    ]
    assert config["storage"]["filesystems"] == [
        {"device": "/dev/sdb1", "format": "ext4", "label": "data", "options": ["-E", "x"], "path": "/var/lib/data", "mountOptions": ["noatime"]},
        {"device": "/dev/nvme1n1p1", "format": "swap", "wipeFilesystem": True},
    ]
    found = units(made)
    assert "What=nas:/a\nWhere=/mnt/a\nType=nfs\nOptions=ro,nofail\n" in found["mnt-a.mount"]["contents"]
    assert "WantedBy=remote-fs.target" in found["mnt-a.mount"]["contents"]
    assert "RequiredBy=local-fs.target" in found["var-tmp-x.mount"]["contents"]
    assert {"var-lib-data.mount", "dev-nvme1n1p1.swap"} <= found.keys()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("disk_setup:\n  /dev/sdb: {table_type: gpt, layout: [33, 67]}\n", 3),
        ("disk_setup:\n  ephemeral0: {table_type: gpt, layout: true}\n", 3),
        ("fs_setup:\n- {device: /dev/sdb, filesystem: ntfs}\n", 3),
        ("mounts:\n- [ephemeral0, /mnt]\n", 3),
        ("mounts:\n- [/dev/sdb, null]\n", 3),
        ("swap: {filename: /var/swap, size: auto}\n", 2),
        ("packages: [docker.io]\n", 2),
        ("package_update: true\n", 2),
        ("apt: {sources: {}}\n", 2),
        ("ssh_import_id: ['gh:a']\n", 2),
        ("users:\n- name: a\n  ssh_import_id: ['gh:a']\n", 4),
    ],
)
def test_what_is_lost_is_a_warning_at_its_line(text: str, line: int) -> None:
    made = imported(text)
    assert ("warning", "import-lost", line) in reports(made)
    assert made.text is not None


def test_what_asks_for_nothing_is_no_loss() -> None:
    made = imported("package_update: false\npackages:\nssh_pwauth: unchanged\ngrowpart: {mode: auto}\nhostname:\n")
    assert [entry.severity for entry in made.report] == [INFO]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("wrte_files: []\n", 2, "write write_files"),
        ("users:\n- name: a\n  ssh_authorised_keys: [a]\n", 4, "write ssh_authorized_keys"),
        ("ntp: {server: [a]}\n", 2, "write servers"),
        ("something: 1\n", 2, "remove it"),
    ],
)
def test_unknown_keys_are_errors(text: str, line: int, hint: str) -> None:
    made = imported(text)
    assert (made.text, reports(made)) == (None, [("error", "import-unknown-key", line)])
    assert hint in made.report.entries[0].hint


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"hostname: a\n", "first line"),
        (b"#!/bin/sh\n", "script"),
        (b"#include\nhttps://example.com\n", "#include"),
        (b"#cloud-config-archive\n- a\n", "archive"),
        (b"Content-Type: multipart/mixed; boundary=x\nMIME-Version: 1.0\n\n--x\n", "MIME"),
        (b"variant: fcos\nversion: 1.5.0\n", "Butane"),
        (b"kind: Secret\ndata: {value: a}\n", "Secret"),
        (b"I2Nsb3VkLWNvbmZpZwo=\n", "base64"),
        (b"\xff\xfe#\0", "UTF-8"),
        (gzip.compress(b"#cloud-config\n")[:12], "gzip"),
    ],
)
def test_other_texts_are_refused_with_a_sentence(data: bytes, word: str) -> None:
    made = cloud_config(data, "a")
    assert made.text is None
    (entry,) = made.report
    assert (entry.code, word in entry.message, bool(entry.hint)) == ("import-kind", True, True)


def test_compressed_user_data_is_unpacked_within_bounds() -> None:
    assert cloud_config(gzip.compress(b"#cloud-config\nhostname: a\n")).text is not None
    assert reports(cloud_config(gzip.compress(b"#cloud-config\n" + bytes(64 << 20)))) == [("error", "import-kind", 1)]


def test_comments_are_kept_at_their_entries() -> None:
    made = imported(
        "#cloud-config\n# all nodes\n\n# the zone\ntimezone: UTC\nwrite_files:\n- path: /etc/a\n  content: |\n    # of the file\n"
        "# second\n# file\n- path: /etc/b\nruncmd:\n# first step\n- echo a\n"
    )
    assert made.text is not None
    assert made.text.startswith("# all nodes\nvariant:")
    assert "    # the zone\n    - path: /etc/localtime\n" in made.text
    assert "    # second\n    # file\n    - path: /etc/b\n" in made.text
    assert "          # first step\n          echo a\n" in made.text
    assert made.text.count("of the file") == 1


def test_aliases_and_merge_keys_are_followed_within_bounds() -> None:
    made = imported("users:\n- &a {name: a, shell: /bin/sh}\n- {<<: *a, name: b}\n")
    assert [user["shell"] for user in compiled(made)["passwd"]["users"]] == ["/bin/sh", "/bin/sh"]
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8)
    )
    assert imported(bomb + "users: *i\n").text is None


def test_the_library_has_it_too() -> None:
    made = import_cloud_config("#cloud-config\nhostname: a\npackages: [x]\n", variant="flatcar", name="user-data")
    assert (made.text or "").startswith("variant: flatcar\n")
    assert [(entry.code, entry.place.source) for entry in made.report] == [("import-lost", "user-data")]
    with pytest.raises(ValueError, match="variants are"):
        import_cloud_config("", variant="rhel")


@pytest.mark.parametrize("variant", VARIANTS)
@given(st.dictionaries(st.sampled_from(list(READERS)), st.recursive(
    st.one_of(st.sampled_from(WORDS), st.none(), st.booleans(), st.integers()),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from(["name", "path", "content", "device", "layout", "servers", "trusted", "groups", "source", "uri"]), below, max_size=3)),
    max_leaves=6,
), max_size=4))  # fmt: skip
def test_whatever_values_there_are_the_result_compiles_or_is_refused(variant: str, data: dict[str, Any]) -> None:
    made = cloud_config(b"#cloud-config\n" + yaml.safe_dump(data, allow_unicode=True).encode(), "a", Wanted(variant))
    assert (made.text is None) == any(entry.severity == ERROR for entry in made.report)
    if made.text is not None:
        assert compile_butane(made.text).output is not None


@given(st.lists(st.sampled_from([*WORDS, "\n", "\n- ", "users:\n", "  name: ", "{{ ds.meta_data.x }}", "runcmd: ["]), max_size=12).map("".join))
def test_whatever_text_there_is_nothing_is_raised(text: str) -> None:
    for head in ("", "#cloud-config\n", "## template: jinja\n#cloud-config\n"):
        cloud_config((head + text).encode(), "a", Wanted(platform="aws"))
