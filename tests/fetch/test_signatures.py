"""Signed configs: Ed25519 by the vectors of RFC 8032, files of the real minisign, and images that take nothing else."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ignition_py.fetch import ed25519, minisign
from ignition_py.report.diag import FetchError, IgnitionError
from tests.helpers.engine import Machine, config, file, make_machine, paths, url_of
from tests.helpers.minisign import Signer
from tests.helpers.servers import Server, body

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     hashlib.sha512(b"abc").hexdigest(),
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
]  # fmt: skip
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_vectors_of_the_rfc(key: str, message: str, signature: str) -> None:
    public, text, signed = (bytes.fromhex(each) for each in (key, message, signature))
    assert ed25519.verify(public, text, signed)
    assert not ed25519.verify(public, text + b"x", signed)
    for place in (0, 31, 32, 63):
        changed = bytearray(signed)
        changed[place] ^= 1
        assert not ed25519.verify(public, text, bytes(changed))
    assert not ed25519.verify(bytes.fromhex(VECTORS[1][0] if key != VECTORS[1][0] else VECTORS[0][0]), text, signed)


def test_what_is_no_signature() -> None:
    """Lengths; a scalar that is not reduced, which would make a second signature of one; points that are none or written in a longer way."""
    key, message, signature = (bytes.fromhex(each) for each in VECTORS[1])
    scalar = int.from_bytes(signature[32:], "little")
    assert not ed25519.verify(key, message, signature[:32] + (scalar + ORDER).to_bytes(32, "little"))
    assert not ed25519.verify(key[:31], message, signature)
    assert not ed25519.verify(key, message, signature[:63])
    assert not ed25519.verify(key, message, b"")
    base = bytes([0x58]) + bytes([0x66]) * 31  # the base point, which is a signature of anything for a key of order one
    assert not ed25519.verify((2**255 - 18).to_bytes(32, "little"), message, base + (1).to_bytes(32, "little"))
    for y in (2, 2**255 - 19, 2**255 - 18, 2**255 - 1, 1 | 1 << 255):
        assert not ed25519.verify(y.to_bytes(32, "little"), message, signature)


@settings(max_examples=20)
@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_signatures_of_another_library(message: bytes, seed: bytes) -> None:
    keys = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    private = keys.Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519.verify(public, message, signature)
    assert not ed25519.verify(public, message + b"\0", signature)


@pytest.fixture(name="signer")
def _signer(tmp_path: Path) -> Signer:
    folder = tmp_path / "signer"
    folder.mkdir()
    return Signer(folder)


def known(folder: Path, *keys: Path) -> dict[bytes, minisign.Key]:
    folder.mkdir(exist_ok=True)
    for number, path in enumerate(keys):
        (folder / f"{number}.pub").write_bytes(path.read_bytes())
    return minisign.keys(str(folder))


@pytest.mark.subprocess
@pytest.mark.parametrize("form", [(), ("-l",)], ids=["hashed", "legacy"])
@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 100_000])
def test_files_of_minisign(tmp_path: Path, signer: Signer, form: tuple[str, ...], data: bytes) -> None:
    keys = known(tmp_path / "trusted", signer.public)
    text = signer.sign(data, *form)
    assert b64decode(text.splitlines()[1])[:2] == (b"Ed" if form else b"ED")
    assert minisign.check(data, text, keys, "the signature") == "of a test"
    with pytest.raises(FetchError, match="does not fit the config"):
        minisign.check(data + b" ", text, keys, "the signature")
    with pytest.raises(FetchError, match="does not fit its trusted comment"):
        minisign.check(data, text.replace(b"of a test", b"of a toast"), keys, "the signature")


@pytest.mark.subprocess
def test_another_form_of_the_same_signature(tmp_path: Path, signer: Signer) -> None:
    """The algorithm is not covered by the signature: the other one has to fail."""
    keys = known(tmp_path / "trusted", signer.public)
    lines = signer.sign(b"{}").splitlines()
    signed = b64decode(lines[1])
    lines[1] = b64encode(b"Ed" + signed[2:])
    with pytest.raises(FetchError, match="does not fit the config"):
        minisign.check(b"{}", b"\n".join(lines), keys, "the signature")
    lines[1] = b64encode(b"XX" + signed[2:])
    with pytest.raises(FetchError, match="is not one of minisign"):
        minisign.check(b"{}", b"\n".join(lines), keys, "the signature")


@pytest.mark.subprocess
def test_another_key(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other")
    keys = known(tmp_path / "trusted", other.public)
    shown = minisign.shown(b64decode(signer.public.read_bytes().splitlines()[1])[2:10])
    assert shown in signer.public.read_text()  # as minisign prints it
    with pytest.raises(FetchError, match=f"is by key {shown}, which is not one of the image's"):
        minisign.check(b"{}", signer.sign(b"{}"), keys, "the signature")
    both = known(tmp_path / "both", other.public, signer.public)
    assert minisign.check(b"{}", signer.sign(b"{}"), both, "the signature") == "of a test"
    # Another key under the id of a known one
    lines = signer.public.read_bytes().splitlines()
    mine, theirs = b64decode(lines[1]), b64decode(other.public.read_bytes().splitlines()[1])
    forged = {mine[2:10]: minisign.Key(theirs[10:], "x")}
    with pytest.raises(FetchError, match="does not fit the config"):
        minisign.check(b"{}", signer.sign(b"{}"), forged, "the signature")


@pytest.mark.subprocess
def test_signature_files_that_are_damaged(tmp_path: Path, signer: Signer) -> None:
    keys = known(tmp_path / "trusted", signer.public)
    text = signer.sign(b"{}")
    lines = text.splitlines()
    bad = [b"", b"\n" * 4, b"\n".join(lines[:3]), text + b"x\n", b"<html>", bytes(1000), b"\n".join([lines[0], b"!" + lines[1], *lines[2:]])]
    bad += [b"\n".join([lines[0], lines[1][:-4], *lines[2:]]), b"\n".join([*lines[:2], b"comment: x", lines[3]]), b"\n".join([b"x", *lines[1:]])]
    bad += [b"\n".join([*lines[:3], lines[3][:-4]])]
    for each in bad:
        with pytest.raises(FetchError, match="is not one of minisign"):
            minisign.check(b"{}", each, keys, "the signature")


def test_keys_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(IgnitionError, match="has no key in"):
        minisign.keys(str(tmp_path / "none"))
    for text in ("", "x", "untrusted comment: x\n", "untrusted comment: x\nAAAA\n", "untrusted comment: x\n" + b64encode(b"ED" + bytes(40)).decode()):
        (tmp_path / "a.pub").write_text(text)
        with pytest.raises(IgnitionError, match=r"a\.pub is not a public key of minisign"):
            minisign.keys(str(tmp_path))


# A machine whose image takes signed configs only

CHILD = json.dumps(config(**file("/child"))).encode()


class Site:
    """A machine, a server, and files on it with their signatures."""

    def __init__(self, machine: Machine, server: Server, signer: Signer) -> None:
        self.machine, self.server, self.signer = machine, server, signer

    def serve(self, path: str, data: bytes, *, signed: bool = False, suffix: str = ".minisig") -> str:
        self.server.at[path] = body(data)
        if signed:
            self.server.at[path + suffix] = body(self.signer.sign(data))
        return self.server.url(path)

    def boot(self, url: str, more: str = "") -> int:
        self.machine.command_line(f"ignition.config.url={url} {more}")
        return self.machine("fetch", "metal")

    def refused(self, text: str) -> bool:
        """True if the last boot was, with that sentence, and nothing was left for later stages."""
        assert text in self.machine.output, self.machine.output
        return not self.machine.cache.exists()


@pytest.fixture(name="site")
def _site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Server, signer: Signer
) -> Site:
    machine = make_machine(tmp_path, monkeypatch, capsys)
    (tmp_path / "VENDOR_dir/trusted.d").mkdir(parents=True)
    (tmp_path / "VENDOR_dir/trusted.d/ours.pub").write_bytes(signer.public.read_bytes())
    monkeypatch.setenv("IGNITION_REQUIRE_SIGNATURE", "1")
    return Site(machine, server, signer)


boots = [pytest.mark.sockets, pytest.mark.subprocess]


def pinned(data: bytes) -> str:
    return f"ignition.config.hash=sha512-{hashlib.sha512(data).hexdigest()}"


def naming(kind: str, url: str, data: bytes | None = None, **parts: Any) -> bytes:
    """A config that merges, or is replaced by, the one at `url`; with the digest of `data`."""
    reference: dict[str, Any] = {"source": url}
    if data is not None:
        reference["verification"] = {"hash": f"sha256-{hashlib.sha256(data).hexdigest()}"}
    return json.dumps(config(ignition={"config": {kind: [reference] if kind == "merge" else reference}}, **parts)).encode()


class TestMachine:
    pytestmark = boots

    @pytest.mark.parametrize("suffix", [".minisig", ".sig"])
    def test_a_signed_config(self, site: Site, suffix: str) -> None:
        url = site.serve("/c.ign", CHILD, signed=True, suffix=suffix)
        assert site.boot(url) == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/child"]
        assert f"the config from {url} is signed: of a test" in site.machine.output

    def test_a_query_stays_behind_the_name(self, site: Site) -> None:
        url = site.serve("/c.ign", CHILD, signed=True)
        assert site.boot(f"{url}?token=s3cr3t") == 0, site.machine.output
        assert site.server.paths()[-1] == "/c.ign.minisig?token=s3cr3t"
        assert "s3cr3t" not in site.machine.output

    def test_an_unsigned_config(self, site: Site) -> None:
        url = site.serve("/c.ign", CHILD)
        assert site.boot(url) == 1
        assert site.refused(f"the config from {url} is not signed: there is neither {url}.minisig nor {url}.sig")

    @pytest.mark.parametrize("data", [b"", CHILD.replace(b"child", b"other")], ids=["empty", "changed"])
    def test_another_config(self, site: Site, data: bytes) -> None:
        site.serve("/c.ign", CHILD, signed=True)
        assert site.boot(site.serve("/c.ign", data)) == 1
        assert site.refused("does not fit the config")

    def test_a_server_that_fails_is_no_missing_signature(self, site: Site) -> None:
        url = site.serve("/c.ign", CHILD, signed=True, suffix=".sig")
        site.server.at["/c.ign.minisig"] = body(b"", status=403)
        assert site.boot(url) == 1
        assert site.refused("403")

    def test_a_signature_without_end(self, site: Site) -> None:
        url = site.serve("/c.ign", CHILD)
        site.server.at["/c.ign.minisig"] = body(bytes(65 << 10))
        assert site.boot(url) == 1
        assert site.refused("larger than 65536 bytes")

    def test_a_pin_in_place_of_a_signature(self, site: Site) -> None:
        assert site.boot(site.serve("/c.ign", CHILD), pinned(CHILD)) == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/child"]

    def test_the_image_and_the_command_line_are_trusted(self, site: Site) -> None:
        assert site.boot(url_of(config(**file("/cmdline")))) == 0, site.machine.output
        site.machine.command_line("quiet")
        (site.machine.folder / "VENDOR_dir/user.ign").write_bytes(CHILD)
        assert site.machine("fetch", "metal") == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/child"]

    def test_no_config_is_none(self, site: Site) -> None:
        site.machine.command_line("quiet")
        assert site.machine("fetch", "metal") == 0, site.machine.output

    # Children

    @pytest.mark.parametrize("kind", ["merge", "replace"])
    def test_children(self, site: Site, kind: str) -> None:
        child = site.serve("/child", CHILD)
        parent = naming(kind, child)
        assert site.boot(site.serve("/c.ign", parent), pinned(parent)) == 1
        assert site.refused(f"the config from {child} is not signed")
        assert f"$.ignition.config.{kind}" in site.machine.output
        site.serve("/child", CHILD, signed=True)
        assert site.boot(site.serve("/c.ign", parent), pinned(parent)) == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/child"]
        del site.server.at["/child.minisig"]
        parent = naming(kind, child, CHILD)
        assert site.boot(site.serve("/c.ign", parent), pinned(parent)) == 0, site.machine.output
        parent = naming(kind, url_of(json.loads(CHILD)))
        assert site.boot(site.serve("/c.ign", parent), pinned(parent)) == 0, site.machine.output

    def test_grandchildren(self, site: Site) -> None:
        last = site.serve("/last", CHILD)
        middle = naming("merge", last)
        first = naming("merge", site.serve("/middle", middle, signed=True))
        assert site.boot(site.serve("/c.ign", first), pinned(first)) == 1
        assert site.refused(f"the config from {last} is not signed")

    def test_several_that_are_fetched_side_by_side(self, site: Site) -> None:
        urls = [site.serve(f"/{number}", json.dumps(config(**file(f"/{number}"))).encode(), signed=number != 2) for number in range(4)]
        first = json.dumps(config(ignition={"config": {"merge": [{"source": url} for url in urls]}})).encode()
        assert site.boot(site.serve("/c.ign", first), pinned(first)) == 1
        assert site.refused(f"the config from {urls[2]} is not signed")
        site.serve("/2", json.dumps(config(**file("/2"))).encode(), signed=True)
        assert site.boot(site.serve("/c.ign", first), pinned(first)) == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/0", "/1", "/2", "/3"]

    # User data of a platform, which is not signed

    def test_user_data_may_name_a_signed_config(self, site: Site) -> None:
        """Nothing else of it counts: not its files, not the digest that it gives."""
        child = site.serve("/child", CHILD, signed=True)
        site.machine.command_line("quiet")
        site.machine.config(naming("replace", child, **file("/evil")).decode())
        assert site.machine("fetch") == 0, site.machine.output
        assert paths(site.machine.merged()) == ["/child"]

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (CHILD, "the config from platform file is not signed, and this image takes signed configs only (IGNITION_REQUIRE_SIGNATURE)"),
            (naming("replace", url_of(json.loads(CHILD))), "the config in a data URL is part of one that is not signed"),
        ],
    )
    def test_user_data_that_is_refused(self, site: Site, data: bytes, text: str) -> None:
        site.machine.command_line("quiet")
        site.machine.config(data.decode())
        assert site.machine("fetch") == 1
        assert site.refused(text)

    @pytest.mark.parametrize("kind", ["merge", "replace"])
    def test_a_digest_in_user_data_is_not_trusted(self, site: Site, kind: str) -> None:
        child = site.serve("/child", CHILD)
        site.machine.command_line("quiet")
        site.machine.config(naming(kind, child, CHILD).decode())
        assert site.machine("fetch") == 1
        assert site.refused("is not signed")

    # Contents

    def test_contents_need_a_digest(self, site: Site) -> None:
        url = site.serve("/app", b"app")
        data = {"storage": {"files": [{"path": "/app", "contents": {"source": url}}]}}
        signed = json.dumps(config(**data)).encode()
        assert site.boot(site.serve("/c.ign", signed, signed=True)) == 1
        assert site.refused(f"contents of /app: {url} has no digest")
        assert "/app" not in site.server.paths()
        data["storage"]["files"][0]["contents"]["verification"] = {"hash": f"sha256-{hashlib.sha256(b'app').hexdigest()}"}  # type: ignore[assignment, index]
        signed = json.dumps(config(**data)).encode()
        assert site.boot(site.serve("/c.ign", signed, signed=True)) == 0, site.machine.output

    # The image

    def test_an_image_without_keys(self, site: Site) -> None:
        (site.machine.folder / "VENDOR_dir/trusted.d/ours.pub").unlink()
        assert site.boot(site.serve("/c.ign", CHILD, signed=True)) == 1
        assert site.refused("the image has no key in")

    @pytest.mark.parametrize("value", ["", "0", "no", "false"])
    def test_an_image_that_does_not_ask(self, site: Site, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IGNITION_REQUIRE_SIGNATURE", value)
        assert site.boot(site.serve("/c.ign", CHILD)) == 0, site.machine.output
        assert site.server.paths() == ["/c.ign"]
