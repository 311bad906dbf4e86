"""Platform vmware: the I/O port and the guest RPC behind it are played by hosts.c, the rest is real."""

from __future__ import annotations

import base64
import gzip
import os
import platform
from collections.abc import Callable, Iterator

import pytest

from ignition_py.providers import (
    Machine,
    load,
    ovf,
    vmware,
    vmware_rpc,
)
from ignition_py.report.diag import FetchError, IgnitionError
from tests.helpers.servers import MemoryLog
from tests.providers.hosts import Hosts
from tests.providers.network import config


@pytest.fixture
def guestinfo(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    """A processor that says it is VMware's, and the port."""
    cpuid = {1: [0, 0, 1 << 31, 0, 0, 0, 0]}
    words = [int.from_bytes(b"VMwareVMware"[at : at + 4], "little") for at in (0, 4, 8)]
    cpuid[0x40000000] = [0x40000010, *words, 0, 0, 0]
    monkeypatch.setattr(vmware_rpc, "_cpuid", lambda leaf: cpuid[leaf])
    hosts.library.vmware_on()
    yield hosts
    opened, closed = hosts.setting("opened").value, hosts.setting("closed").value
    hosts.library.vmware_off()
    assert opened == closed


def environment(*properties: tuple[str, str], tail: str = "") -> bytes:
    """An OVF environment as vSphere writes it."""
    lines = "\n".join(f'         <Property oe:key="{key}" oe:value="{value}"/>' for key, value in properties)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Environment xmlns="{ovf.NAMESPACE}" xmlns:oe="{ovf.NAMESPACE}" xmlns:ve="http://www.vmware.com/schema/ovfenv" oe:id="">
   <PlatformSection>
      <Kind>VMware ESXi</Kind>
   </PlatformSection>
   <PropertySection>
{lines}
   </PropertySection>{tail}
</Environment>""".encode()


CONFIG = config("vmware")
B64 = base64.b64encode


def test_vmware_elsewhere(machine: Machine) -> None:
    """The real processor of this machine says that the port must not be touched."""
    if platform.machine() == "x86_64":
        assert len(vmware_rpc._cpuid(0)) == 7
        assert vmware_rpc._cpuid(0)[0]
    assert load("vmware")(machine) is None
    with pytest.raises(IgnitionError, match="not a virtual machine of VMware's"):
        vmware.delete(machine)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        (None, lambda data: data),
        ("", lambda data: data),
        ("base64", B64),
        ("b64", base64.encodebytes),
        ("b64", lambda data: b"\t " + base64.encodebytes(data).replace(b"\n", b" \r\n\v\f ")),
        ("gzip", gzip.compress),
        ("gz", gzip.compress),
        ("gz+base64", lambda data: B64(gzip.compress(data))),
        ("gzip+b64", lambda data: B64(gzip.compress(data))),
    ],
)
def test_vmware(guestinfo: Hosts, machine: Machine, encoding: str | None, encode: Callable[[bytes], bytes]) -> None:
    guestinfo[vmware.DATA] = encode(CONFIG)
    if encoding is not None:
        guestinfo[vmware.ENCODING] = encoding.encode()
    assert vmware.fetch(machine) == CONFIG


@pytest.mark.subprocess
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 1000, 100_003])
def test_vmware_sizes(guestinfo: Hosts, machine: Machine, size: int) -> None:
    data = os.urandom(size)
    guestinfo[vmware.DATA] = data
    assert vmware.fetch(machine) == data


@pytest.mark.subprocess
def test_vmware_without_a_config(guestinfo: Hosts, machine: Machine) -> None:
    assert vmware.fetch(machine) == b""


@pytest.mark.subprocess
@pytest.mark.parametrize("encoding", [b"zip", b"base64+gzip", b"gz+", b"+base64", b"gz+gz", b"GZIP", b"\xff\n"])
def test_vmware_with_another_encoding(guestinfo: Hosts, machine: Machine, encoding: bytes) -> None:
    guestinfo[vmware.DATA] = CONFIG
    guestinfo[vmware.ENCODING] = encoding
    with pytest.raises(FetchError, match="there is no encoding"):
        vmware.fetch(machine)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("encoding", "data", "words"),
    [
        (b"base64", b"s3cr3t!", "it is not base64"),
        (b"base64", CONFIG, "it is not base64, as it should be here; it is an Ignition config"),
        (b"base64", CONFIG.decode().encode("utf-16"), "it is not base64, as it should be here; it is text in UTF-16"),
        (b"gzip", b"s3cr3t", "not gzip"),
        (b"gz+base64", B64(gzip.compress(CONFIG)[:-3]), "end too early"),
        (b"gzip", gzip.compress(b" " * 2000), "decompresses to more than 1000 bytes"),
    ],
)
def test_vmware_damaged(
    guestinfo: Hosts, machine: Machine, encoding: bytes, data: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ignition_py.providers.encodings.LIMIT", 1000)
    guestinfo[vmware.DATA] = data
    guestinfo[vmware.ENCODING] = encoding
    with pytest.raises(FetchError, match=words) as caught:
        vmware.fetch(machine)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.subprocess
def test_vmware_ovf_environment(guestinfo: Hosts, machine: Machine) -> None:
    guestinfo[vmware.OVF] = environment(
        ("other", "x"), (vmware.DATA, B64(CONFIG).decode()), (vmware.ENCODING, "base64")
    )
    assert vmware.fetch(machine) == CONFIG
    guestinfo[vmware.DATA] = B64(config("guestinfo"))  # which has precedence, one by one
    assert vmware.fetch(machine) == config("guestinfo")
    guestinfo[vmware.ENCODING] = b""
    assert vmware.fetch(machine) == B64(config("guestinfo"))


@pytest.mark.subprocess
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\t", "&#10;", "&#13;&#10;"])
def test_vmware_ovf_property_with_line_breaks(guestinfo: Hosts, machine: Machine, line_break: str) -> None:
    """As base64(1) wraps its output; XML makes a blank of each in an attribute, unless it is escaped."""
    text = base64.encodebytes(CONFIG * 20).decode().replace("\n", line_break)
    guestinfo[vmware.OVF] = environment((vmware.DATA, text), (vmware.ENCODING, "base64"))
    assert vmware.fetch(machine) == CONFIG * 20


@pytest.mark.subprocess
@pytest.mark.parametrize("document", [b"<x", b"\xff", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'])
def test_vmware_with_a_bad_ovf_environment(guestinfo: Hosts, machine: Machine, document: bytes, log: MemoryLog) -> None:
    guestinfo[vmware.OVF] = document
    guestinfo[vmware.DATA] = CONFIG
    assert vmware.fetch(machine) == CONFIG
    assert "going on without the OVF environment" in log.text


@pytest.mark.subprocess
def test_vmware_without_cookies(guestinfo: Hosts, machine: Machine) -> None:
    guestinfo.setting("no_cookies").value = 1
    guestinfo[vmware.DATA] = CONFIG
    assert vmware.fetch(machine) == CONFIG


@pytest.mark.subprocess
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_vmware_checkpoint_in_the_middle(guestinfo: Hosts, kind: int) -> None:
    guestinfo["guestinfo.x"] = b"some text"
    guestinfo.setting("checkpoint_kind").value = kind
    assert vmware_rpc.get("guestinfo.x") == b"some text"


@pytest.mark.subprocess
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_vmware_breaks_off(guestinfo: Hosts, machine: Machine, kind: int) -> None:
    guestinfo[vmware.DATA] = CONFIG
    guestinfo.setting("fail_kind").value = kind
    with pytest.raises(IgnitionError, match=r"reading guestinfo\.ignition\.config\.data: VMware breaks off"):
        vmware.fetch(machine)


@pytest.mark.subprocess
@pytest.mark.parametrize("fault", ["bad_reply", "huge_reply"])
def test_vmware_is_not_understood(guestinfo: Hosts, fault: str) -> None:
    guestinfo.setting(fault).value = 1
    with pytest.raises(IgnitionError, match="VMware's answer is not understood"):
        vmware_rpc.get("guestinfo.x")


@pytest.mark.subprocess
def test_vmware_delete(guestinfo: Hosts, machine: Machine) -> None:
    guestinfo[vmware.DATA] = CONFIG
    document = environment(("a", "1"), (vmware.DATA, "s3cr3t"), (vmware.ENCODING, "base64"), ("b", "2"))
    guestinfo[vmware.OVF] = document
    vmware.delete(machine)
    assert (guestinfo[vmware.DATA], guestinfo[vmware.ENCODING]) == (b"e30K", b"base64")
    left = guestinfo[vmware.OVF]
    assert left
    assert [(found.key, found.value) for found in ovf.properties(left)] == [("a", "1"), ("b", "2")]
    vmware.delete(machine)  # again: nothing more to do
    assert guestinfo[vmware.OVF] == left
    assert base64.b64decode(vmware.DELETED).strip() == b"{}"


@pytest.mark.subprocess
def test_vmware_delete_what_is_not_there(guestinfo: Hosts, machine: Machine) -> None:
    vmware.delete(machine)
    assert [guestinfo[name] for name in (vmware.DATA, vmware.ENCODING, vmware.OVF)] == [None, None, None]


@pytest.mark.parametrize(
    "element",
    [
        '<Property oe:key="gone" oe:value="x"/>',
        '<Property oe:key="gone" oe:value="x" />',
        '<Property oe:key="gone" oe:value="/>"></Property>',
        '<Property oe:value="x" oe:key="gone">text/></Property >',
        '<Property oe:key="gone" oe:value="x"><deep><deeper/></deep></Property>',
        '<oe:Property oe:key="gone" oe:value="ü"/>',
        '<Property oe:key="gone" oe:value="x"><![CDATA[</Property>]]></Property>',
    ],
)
def test_ovf_deletion_leaves_the_rest_alone(element: str) -> None:
    document = environment(("a", "1"), tail=f"<PropertySection>é{element}</PropertySection><!-- {element} -->")
    assert [found.key for found in ovf.properties(document)] == ["a", "gone"]
    assert ovf.without(document, ("gone",)) == document.replace(element.encode(), b"", 1)
    assert ovf.without(document, ("other",)) == document


@pytest.mark.parametrize(
    "element", ['<x:Property xmlns:x="urn:x" oe:key="kept" oe:value="x"/>', '<Property key="kept" value="x"/>']
)
def test_ovf_names_of_others_are_read_and_not_deleted(element: str) -> None:
    document = environment(tail=f"<PropertySection>{element}</PropertySection>")
    assert [(found.key, found.value) for found in ovf.properties(document)] == [("kept", "x")]
    assert ovf.without(document, ("kept",)) == document
