"""The forms of --emit: what reads each of them gets the config back, whatever is in it."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from butane_py.cli.build import BUTANE, EMITS
from butane_py.deliver.forms import BY_NAME, FORMS, tfvars
from butane_py.deliver.model import DeliveryError
from butane_py.deliver.platforms import BY_NAME as PLATFORMS
from butane_py.deliver.wishes import wished
from ignition_py.providers import hyperv, ovf, vmware

HOSTILE = (
    b"{}",
    b"",
    b"{\"a\": \"'; rm -rf / #$(id)`id`\\\", %n,,name=x\"}\n",
    '{"a":"<&>]]>\\u0000--> \u0085\u2028\u007f\ufeff \U0001f600"}'.encode(),
    b"\n\n  - x: |\n\t# y: {{ .Values }} ${HOME} %%\n\n",
    ("{" + "\u20ac" * 5_000 + "\U0001f600" * 3_000 + "}").encode(),
    b"a" * 1_000 + b"b" * 1_000,
)
HOSTS = ("n1", "web-1.example.com", "'; reboot #", 'a"b&<c>', "$(id)", "-x", "")


def _guestinfo(pairs: dict[str, str]) -> bytes:
    return vmware.decode(pairs[vmware.DATA].encode(), pairs[vmware.ENCODING].encode())


def _govc(text: bytes) -> bytes:
    words = shlex.split(text.decode().splitlines()[-1], comments=True)
    assert words[:5] == ["exec", "govc", "vm.change", "-vm", "$1"]
    assert words[5::2] == ["-e", "-e"]
    return _guestinfo(dict(word.split("=", 1) for word in words[6::2]))


def _vmx(text: bytes) -> bytes:
    pairs = [line.split(" = ", 1) for line in text.decode().splitlines()]
    assert all(value[0] == value[-1] == '"' and '"' not in value[1:-1] for _, value in pairs)
    return _guestinfo({key: value[1:-1] for key, value in pairs})


def _ovf(text: bytes) -> bytes:
    found = ovf.properties(text)
    assert all(each.exact for each in found)
    return _guestinfo({each.key: each.value for each in found})


def _kvp(text: bytes) -> bytes:
    pairs = json.loads(text)
    assert max(len(value.encode()) for value in pairs.values()) <= 1_000
    assert max(len(value.encode("utf-16-le")) for value in pairs.values()) <= 2_046
    return hyperv.assemble([(key.encode(), value.encode()) for key, value in pairs.items()])


def _fw_cfg(text: bytes) -> bytes:
    option, value = shlex.split(text.decode())
    assert option == "-fw_cfg"
    name, _, rest = value.partition(",")
    assert name == "name=opt/com.coreos/config"
    key, _, given = rest.partition("=")
    assert key == "string"
    assert "," not in given.replace(",,", "")
    return given.replace(",,", ",").encode()


def _secret(text: bytes) -> bytes:
    data = yaml.safe_load(text)
    assert data["kind"] == "Secret"
    assert data["data"]["userdata"] == data["data"]["value"]
    assert data["metadata"]["name"].endswith("-user-data")
    return base64.b64decode(data["data"]["userdata"], validate=True)


READERS: dict[str, Callable[[bytes], bytes]] = {
    "ignition": bytes,
    "base64": lambda text: base64.b64decode(text, validate=True),
    "gzip+base64": lambda text: gzip.decompress(base64.b64decode(text, validate=True)),
    "govc": _govc,
    "vmx": _vmx,
    "ovf": _ovf,
    "kvp": _kvp,
    "fw_cfg": _fw_cfg,
    "kubevirt": lambda text: base64.b64decode(yaml.safe_load(text)["volumes"][0]["cloudInitConfigDrive"]["userDataBase64"]),
    "secret": _secret,
    "terraform": bytes,
    "tinkerbell": lambda text: str(yaml.safe_load(text)["spec"]["userData"]).encode(),
}


def test_the_command_line_has_every_form() -> None:
    assert (*EMITS[:1], *EMITS[2:]) == tuple(BY_NAME)
    assert EMITS[1] == BUTANE
    assert READERS.keys() == BY_NAME.keys()


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_what_is_written_comes_back(form: object, data: bytes) -> None:
    row = BY_NAME[form.name]  # type: ignore[attr-defined]
    for host in HOSTS:
        assert READERS[row.name](row.write(host, data)) == data


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(max_size=20), st.sampled_from(sorted(READERS)))
def test_any_text_comes_back(text: str, host: str, name: str) -> None:
    assert READERS[name](BY_NAME[name].write(host.replace("\0", ""), text.encode())) == text.encode()


def test_the_same_bytes_each_time() -> None:
    for form in FORMS:
        assert form.write("n1", HOSTILE[2]) == form.write("n1", HOSTILE[2])


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.subprocess
def test_the_script_for_govc_runs_govc_for_the_machine(host: str, tmp_path: Path) -> None:
    """A shell reads the script; govc itself is in no registry, so a script that notes its arguments is in its place."""
    (tmp_path / "govc").write_text('#!/bin/sh\nfor word; do printf "%s\\0" "$word"; done\n')
    (tmp_path / "govc").chmod(0o755)
    script = tmp_path / "n1.govc.sh"
    script.write_bytes(BY_NAME["govc"].write(host, HOSTILE[2]))
    for argument in ((), ("/dc/vm/other one",)):
        done = subprocess.run(["/bin/sh", str(script), *argument], capture_output=True, env={"PATH": f"{tmp_path}:/bin:/usr/bin"}, check=True)
        words = done.stdout.decode().split("\0")[:-1]
        assert words[:3] == ["vm.change", "-vm", *(argument or (host or "ignition",))]
        assert _guestinfo(dict(word.split("=", 1) for word in words[4::2])) == HOSTILE[2]


def test_variables_of_terraform_hold_all_hosts() -> None:
    data = {"n1": HOSTILE[2], "n2": HOSTILE[3]}
    assert json.loads(tfvars(data)) == {"user_data": {name: text.decode() for name, text in data.items()}}


@pytest.mark.parametrize(("host", "name"), [("Web_1", "web-1"), ("-x", "x"), ("$(id)", "id"), ("", "ignition"), ("ö", "ignition")])
def test_objects_have_names_that_kubernetes_takes(host: str, name: str) -> None:
    assert yaml.safe_load(BY_NAME["secret"].write(host, b"{}"))["metadata"]["name"] == f"{name}-user-data"


def test_a_form_of_one_platform_stands_for_it() -> None:
    assert {form.platform for form in FORMS if form.platform} <= PLATFORMS.keys()
    assert wished("", "", "ovf").recipient.name == "vmware"
    assert wished("", "", "base64").recipient.name == ""
    assert wished("akamai", "", "gzip+base64").recipient.name == "akamai"


@pytest.mark.parametrize(
    ("recipient", "form", "emit", "message"),
    [
        ("aws", "", "vmx", "--emit vmx is for vmware, not for aws"),
        ("debian", "", "vmx", "--emit vmx is for vmware, not for debian 12"),
        ("aws", "", "gzip+base64", "--emit gzip+base64: Ignition does not unpack user data of aws; --form wrapped packs a config anywhere"),
        ("aws", "pointer", "ignition", "--form pointer publishes the config: give --publish"),
    ],
)
def test_wishes_that_do_not_go_together(recipient: str, form: str, emit: str, message: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        wished(recipient, form, emit)
    assert str(refused.value) == message
