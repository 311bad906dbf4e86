"""engine.py, render.py, baseconfig.py, state.py and the fetch stages, through the command line in this process."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ignition_py import render, state
from ignition_py.report.diag import IgnitionError
from ignition_py.spec.tables import latest
from ignition_py.stages import kargs
from ignition_py.stages.fetch_offline import first_need
from tests.helpers.engine import Machine, config, file, make_machine, merging, paths, replaced_by, url_of
from tests.helpers.servers import Server, body, in_turn

Run = Callable[..., int]


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    return make_machine(tmp_path, monkeypatch, capsys)


# The cache and the state


def test_fetch_caches_the_newest_version(machine: Machine) -> None:
    machine.config(config(**file("/a")))
    assert machine("fetch") == 0, machine.output
    assert machine.merged() == {"ignition": {"version": latest()}, "storage": {"files": [{"path": "/a"}]}}
    assert stat.S_IMODE(machine.cache.stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o600
    assert machine.fetched() == [("user", "file", False)]


def test_running_twice_ends_as_running_once(machine: Machine) -> None:
    machine.config(merging(url_of(config(**file("/b"))), **file("/a")))
    assert machine("fetch") == 0
    before = machine.cache.read_bytes(), machine.state.read_bytes()
    assert machine("fetch") == 0
    assert (machine.cache.read_bytes(), machine.state.read_bytes()) == before


def test_empty_config(machine: Machine) -> None:
    machine.config("")
    assert machine("fetch") == 0
    assert machine.merged() == {"ignition": {"version": latest()}}
    assert machine.fetched() == []


def test_metal_has_an_empty_config(machine: Machine) -> None:
    assert machine("fetch", "metal") == 0
    assert machine.merged() == {"ignition": {"version": latest()}}


def test_later_stages_need_the_cache(machine: Machine) -> None:
    assert machine("kargs") == 1
    assert "reading the config cache" in machine.output
    assert "The fetch stage writes it" in machine.output


def test_later_stages_use_the_cache_alone(machine: Machine) -> None:
    machine.config(config(**file("/a")))
    assert machine("fetch") == 0
    (machine.folder / "config.ign").unlink()
    assert machine("kargs") == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"ignition": {"version": "9.9.9"}}', '{"ignition": 1}', "\xff"])
def test_damaged_cache(machine: Machine, text: str) -> None:
    machine.cache.write_text(text)
    assert machine("kargs") == 1
    assert "Ignition failed in stage kargs" in machine.output
    assert "defect" not in machine.output


@pytest.mark.parametrize(
    "text", ["", "x", "[]", '{"fetchedConfigs": 1}', '{"luksPersistKeyFiles": {"a": 1}}', "[" * 9000]
)
def test_damaged_state(machine: Machine, text: str) -> None:
    machine.config(config())
    machine.state.parent.mkdir()
    machine.state.write_text(text)
    assert machine("fetch") == 3
    assert "state" in machine.output
    assert "is damaged" in machine.output


def test_state_survives(tmp_path: Path) -> None:
    kept = state.State()
    kept.fetched_configs.append(state.FetchedConfig("user", "file"))
    kept.luks_persist_key_files["data"] = "data:,key"
    kept.luks_persist_volume_key_files["cex"] = "data:,volume"
    kept.notated_directories.append("home/core")
    kept.provider_output_files.append({"path": "/x"})
    path = str(tmp_path / "deep/state")
    state.save(kept, path)
    assert state.load(path).to_data() == kept.to_data()
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_state_that_cannot_be_written(machine: Machine) -> None:
    machine.config(config())
    machine.state.mkdir(parents=True)
    assert machine("fetch") == 3
    with pytest.raises(IgnitionError, match="writing the state file"):
        state.save(state.State(), str(machine.state))
    assert not list(machine.state.parent.glob("*.new"))


def test_cache_replaces_what_was_left_there(machine: Machine) -> None:
    target = machine.folder / "target"
    target.write_text("mine")
    machine.cache.symlink_to(target)
    machine.config(config())
    assert machine("fetch") == 0
    assert target.read_text() == "mine"
    assert not machine.cache.is_symlink()


# Where a config comes from


def test_command_line_comes_first(machine: Machine) -> None:
    machine.config(config(**file("/platform")))
    (machine.folder / "LOCAL_dir").mkdir()
    (machine.folder / "LOCAL_dir/user.ign").write_text(json.dumps(config(**file("/image"))))
    machine.command_line(f"ignition.config.url={url_of(config(**file('/cmdline')))}")
    assert machine("fetch") == 0
    assert paths(machine.merged()) == ["/cmdline"]
    assert machine.fetched() == [("user", "cmdline", False)]


def test_the_image_comes_before_the_platform(machine: Machine) -> None:
    machine.config(config(**file("/platform")))
    for name in ("VENDOR_dir", "LOCAL_dir", "RUNTIME_dir"):
        (machine.folder / name).mkdir()
        (machine.folder / name / "user.ign").write_text(json.dumps(config(**file(f"/{name}"))))
        assert machine("fetch") == 0
        assert paths(machine.merged()) == [f"/{name}"]
    assert machine.fetched() == [("user", "system", False)]


def test_fragments(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragment(path: str, data: str) -> None:
        full = machine.folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(data)

    wanted = ["yes", "no"]
    for path, argument in (
        ("VENDOR_dir/base.d/10-a", "vendor-a"),
        ("VENDOR_dir/base.d/20-b", "vendor-b"),
        ("LOCAL_dir/base.d/20-b", "local-b"),
        ("VENDOR_dir/base.d/30-c", "vendor-c"),
        ("VENDOR_dir/base.platform.d/file/05", "platform"),
        ("VENDOR_dir/base.platform.d/qemu/05", "other-platform"),
    ):
        fragment(path, json.dumps(config(kernelArguments={"shouldExist": [argument]})))
    fragment("RUNTIME_dir/base.d/30-c", "")
    machine.config(config(kernelArguments={"shouldExist": wanted}))
    assert machine("fetch-offline") == 0
    assert machine.merged()["kernelArguments"] == {"shouldExist": wanted}  # the fragments are read anew by each stage
    assert machine.fetched() == [("base", "system", False), ("user", "file", False)]
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(kargs, "run", lambda ctx: seen.append(ctx.config.kernel_arguments.should_exist))
    assert machine("kargs") == 0
    assert seen == [("vendor-a", "local-b", "platform", "yes", "no")]


def test_bad_fragment(machine: Machine) -> None:
    machine.config(config())
    (machine.folder / "LOCAL_dir/base.platform.d/file").mkdir(parents=True)
    (machine.folder / "LOCAL_dir/base.platform.d/file/x").write_text("{")
    assert machine("fetch") == 0
    assert "are left out" in machine.output
    (machine.folder / "LOCAL_dir/base.d").mkdir()
    (machine.folder / "LOCAL_dir/base.d/x").write_text("{")
    assert machine("fetch") == 1
    assert "base.d/x cannot be used" in machine.output


# Rendering


def test_depth_first(machine: Machine) -> None:
    inner = url_of(merging(url_of(config(**file("/inner"))), **file("/middle")))
    machine.config(merging(inner, url_of(config(**file("/last"))), **file("/outer")))
    assert machine("fetch") == 0
    assert paths(machine.merged()) == ["/outer", "/middle", "/inner", "/last"]
    assert machine.fetched() == [("user", "file", False)] + [("user", "", True)] * 3


def test_replace(machine: Machine) -> None:
    machine.config(replaced_by(url_of(config(**file("/new"))), **file("/old")))
    assert machine("fetch") == 0
    assert paths(machine.merged()) == ["/new"]


def test_replace_within_a_merge(machine: Machine) -> None:
    child = replaced_by(url_of(config(**file("/new"))), **file("/old"))
    machine.config(merging(url_of(child), **file("/outer")))
    assert machine("fetch") == 0
    assert paths(machine.merged()) == ["/outer", "/new"]


def test_an_empty_config_merges_nothing(machine: Machine) -> None:
    machine.config(merging("data:,", url_of(config(**file("/b"))), **file("/a")))
    assert machine("fetch") == 0
    assert paths(machine.merged()) == ["/a", "/b"]
    assert "is empty and merges nothing" in machine.output


def test_an_empty_config_replaces_everything(machine: Machine) -> None:
    machine.config(replaced_by("data:,", **file("/a")))
    assert machine("fetch") == 0
    assert machine.merged() == {"ignition": {"version": latest()}}


def test_bad_child(machine: Machine) -> None:
    machine.config(merging(url_of({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "relative"}]}})))
    assert machine("fetch") == 1
    assert "CRITICAL : error at $.storage.files.0.path, line 1 col " in machine.output
    assert "the config from the data URL in $.ignition.config.merge.0 of file is not valid" in machine.output
    assert not machine.cache.exists()


def test_valid_apart_and_invalid_together(machine: Machine) -> None:
    disk: dict[str, Any] = {"device": "/dev/vda", "partitions": [{"number": 1, "sizeMiB": 10, "startMiB": 1}]}
    other = {**disk, "partitions": [{"number": 2, "sizeMiB": 10, "startMiB": 5}]}
    machine.config(merging(url_of(config(storage={"disks": [other]})), storage={"disks": [disk]}))
    assert machine("fetch") == 1
    assert "valid one by one, but not merged" in machine.output
    assert "CRITICAL : error at $.storage.disks.0.partitions" in machine.output
    assert not machine.cache.exists()


def test_valid_at_its_own_version_alone(machine: Machine) -> None:
    """The reference, too, holds what it upgraded against the newest rules: links had no need of a target up to 3.2."""
    link = {"ignition": {"version": "3.2.0"}, "storage": {"links": [{"path": "/l"}]}}
    machine.config(link)
    assert machine("fetch") == 1
    assert "valid at its own version, but not at" in machine.output
    assert "CRITICAL : error at $.storage.links.0" in machine.output
    assert not machine.cache.exists()


def test_chains_are_bounded(machine: Machine) -> None:
    nested = config()
    for _ in range(render.MAX_DEPTH + 1):
        nested = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:," + quoted(nested)}]}}}
    machine.config(nested)
    assert machine("fetch") == 1
    assert "without end (64 deep)" in machine.output


def quoted(data: object) -> str:
    """JSON for a data URL whose own quotes cost little: only what must be escaped is."""
    text = json.dumps(data, separators=(",", ":"))
    return "".join(c if c.isalnum() or c in ":,;/.-_" else f"%{ord(c):02X}" for c in text)


def test_numbers_are_bounded(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MAX_CONFIGS", 10)
    machine.config(merging(*[url_of(config(**file(f"/{i}"))) for i in range(11)]))
    assert machine("fetch") == 1
    assert "without end (more than 10)" in machine.output


@pytest.mark.sockets
def test_loop(machine: Machine, server: Server) -> None:
    server.at["/a"] = body(json.dumps(merging(server.url("/b"))).encode())
    server.at["/b"] = body(json.dumps(merging(server.url("/a"))).encode())
    machine.config(merging(server.url("/a")))
    assert machine("fetch") == 1
    assert "merges or replaces itself" in machine.output
    assert server.paths() == ["/a", "/b", "/a"]


@pytest.mark.sockets
def test_settings_of_what_has_been_merged_so_far(machine: Machine, server: Server) -> None:
    """The first child brings a proxy; its sibling, and the sibling's child, are fetched through it."""
    proxy = config(ignition={"proxy": {"httpProxy": server.url("")}})
    server.at["http://far.example/child"] = body(json.dumps(merging("http://far.example/grandchild")).encode())
    server.at["http://far.example/grandchild"] = body(json.dumps(config(**file("/far"))).encode())
    machine.config(merging(url_of(proxy), "http://far.example/child"))
    assert machine("fetch") == 0, machine.output
    assert paths(machine.merged()) == ["/far"]


@pytest.mark.sockets
def test_a_childs_settings_hold_for_itself_and_its_children(machine: Machine, server: Server) -> None:
    child = merging("http://far.example/x")
    child["ignition"]["proxy"] = {"httpProxy": server.url("")}
    server.at["http://far.example/x"] = body(json.dumps(config(**file("/far"))).encode())
    machine.config(replaced_by(url_of(child)))
    assert machine("fetch") == 0, machine.output
    assert paths(machine.merged()) == ["/far"]


@pytest.mark.sockets
def test_metal_by_url(machine: Machine, server: Server) -> None:
    child = server.url("/child?token=s3cr3t")
    server.at["/c.ign"] = in_turn(body(b"", status=502), body(json.dumps(merging(child, **file("/a"))).encode()))
    server.at["/child"] = body(json.dumps(config(**file("/b"))).encode())
    machine.command_line(f"ignition.config.url={server.url('/c.ign')}")
    assert machine("fetch", "metal") == 0, machine.output
    assert paths(machine.merged()) == ["/a", "/b"]
    assert "s3cr3t" not in machine.output
    assert machine.fetched() == [("user", "cmdline", False), ("user", server.url("/child"), True)]


@pytest.mark.sockets
def test_fetch_timeout(machine: Machine, server: Server) -> None:
    release = threading.Event()

    def hang(handler: object) -> None:
        release.wait(60)

    server.at["/c.ign"] = hang
    machine.command_line(f"ignition.config.url={server.url('/c.ign')}")
    assert machine("fetch", "metal", "-fetch-timeout", "300ms") == 1
    release.set()
    assert "the config of ignition.config.url: " in machine.output
    assert "within 0.3 s; last error: " in machine.output


@pytest.mark.sockets
@pytest.mark.subprocess
def test_authorities_are_kept_in_the_cache(machine: Machine, server: Server, tmp_path: Path) -> None:
    import subprocess

    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*words, "-subj", "/CN=x", "-keyout", "key", "-out", "ca.pem"], check=True, capture_output=True)
    pem = (tmp_path / "ca.pem").read_bytes()
    server.at["/ca.pem"] = body(pem)
    header = [{"name": "X-Token", "value": "s3cr3t"}]
    named = {"source": server.url("/ca.pem"), "httpHeaders": header}
    machine.config(config(ignition={"security": {"tls": {"certificateAuthorities": [named]}}}))
    assert machine("fetch") == 0, machine.output
    encoded = base64.b64encode(pem).decode()
    kept = machine.merged()["ignition"]["security"]["tls"]["certificateAuthorities"]
    assert kept == [{"source": f"data:text/plain;charset=utf-8;base64,{encoded}"}]
    assert machine("kargs") == 0
    assert server.paths() == ["/ca.pem"]


# fetch-offline


def test_offline_suffices(machine: Machine) -> None:
    machine.config(merging(url_of(config(**file("/b"))), **file("/a")))
    assert machine("fetch-offline") == 0
    assert machine.cache.exists()
    assert not machine.neednet.exists()


def test_offline_leaves_a_flag_when_the_config_is_far_away(machine: Machine) -> None:
    machine.command_line("ignition.config.url=http://192.0.2.1/c.ign")
    assert machine("fetch-offline") == 0
    assert machine.neednet.read_bytes() == b""
    assert not machine.cache.exists()


def test_offline_leaves_a_flag_when_a_child_is_far_away(machine: Machine) -> None:
    machine.config(merging("https://192.0.2.1/c.ign"))
    assert machine("fetch-offline") == 0
    assert machine.neednet.exists()
    assert not machine.cache.exists()


@pytest.mark.parametrize("part", ["certificateAuthorities", "replace"])
def test_offline_leaves_a_flag_for_every_reference(machine: Machine, part: str) -> None:
    far = {"source": "https://192.0.2.1/x"}
    security = {"security": {"tls": {"certificateAuthorities": [far]}}}
    machine.config(config(ignition=security if part != "replace" else {"config": {"replace": far}}))
    assert machine("fetch-offline") == 0
    assert machine.neednet.exists()
    assert not machine.cache.exists()


FAR = {"source": "http://192.0.2.1/x"}
LUKS = {"name": "a", "device": "/dev/a"}
TANG = {"url": "http://192.0.2.1", "thumbprint": "x"}
NEEDS: dict[str, dict[str, Any]] = {
    "files.0.contents": {"storage": {"files": [{"path": "/a", "contents": FAR}]}},
    "files.0.append.1": {"storage": {"files": [{"path": "/a", "append": [{"source": "data:,"}, FAR]}]}},
    "luks.0.keyFile": {"storage": {"luks": [{**LUKS, "keyFile": FAR}]}},
    "luks.0.clevis.tang.0": {"storage": {"luks": [{**LUKS, "clevis": {"tang": [TANG]}}]}},
    "luks.0.clevis.custom": {
        "storage": {"luks": [{**LUKS, "clevis": {"custom": {"pin": "sss", "config": "{}", "needsNetwork": True}}}]}
    },
}


@pytest.mark.parametrize("place", sorted(NEEDS))
def test_offline_finds_what_later_stages_need(machine: Machine, place: str) -> None:
    machine.config(config(**NEEDS[place]))
    assert machine("fetch-offline") == 0, machine.output
    assert machine.neednet.exists()
    assert f"$.storage.{place} of the config needs the network" in machine.output


def test_offline_needs_nothing_for_what_is_here() -> None:
    from ignition_py.spec.read import read

    advertised = {**TANG, "advertisement": '{"payload": "a", "signatures": [{"protected": "b", "signature": "c"}]}'}
    clevis = {"tang": [advertised], "tpm2": True}
    here = {"files": [{"path": "/a", "contents": {"source": "data:,a"}}], "luks": [{**LUKS, "clevis": clevis}]}
    data = {"ignition": {"version": "3.5.0"}, "storage": here}
    found, report = read(json.dumps(data).encode(), "x")
    assert found is not None, [entry.raw() for entry in report]
    assert first_need(found) is None


# kargs


@pytest.mark.subprocess
def test_kargs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"shouldExist": ["a=1", "b c"], "shouldNotExist": ["d"]}
    machine.config({"ignition": {"version": "3.3.0"}, "kernelArguments": wanted})
    assert machine("fetch") == 0
    monkeypatch.setenv("PATH", str(machine.folder / "bin"))
    assert machine("kargs") == 1
    assert "updating the kernel arguments: there is no ignition-kargs-helper" in machine.output
    helper = machine.folder / "bin/ignition-kargs-helper"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {machine.folder}/called\n[ ! -e {machine.folder}/fail ]\n")
    helper.chmod(0o755)
    assert machine("kargs") == 0, machine.output
    called = (machine.folder / "called").read_text().splitlines()
    assert called == ["--should-exist", "a=1", "--should-exist", "b c", "--should-not-exist", "d"]
    (machine.folder / "fail").touch()
    assert machine("kargs") == 1
    assert "exit status 1" in machine.output


# Failures


def test_failure_is_one_block_without_secrets(machine: Machine) -> None:
    secret = "$6$s3cr3t"
    users = {"passwd": {"users": [{"name": "core", "passwordHash": secret}]}}
    source = "data:;base64,s3cr3t!"
    reference = {"source": "data:,x", "verification": {"hash": "sha256-" + "0" * 64}}
    machine.config(config(ignition={"config": {"merge": [reference]}}, **users))
    assert machine("fetch") == 1
    block = machine.output[machine.output.index("CRITICAL") :].splitlines()
    assert block[0] == "CRITICAL : Ignition failed in stage fetch"
    assert block[1].startswith("CRITICAL :   a config to merge: ")
    assert block[2].startswith("CRITICAL :   asked for by: $.ignition.config.merge.0, line 1 col ")
    assert "s3cr3t" not in machine.output
    machine.config(merging(source, **users))
    assert machine("fetch") == 1
    assert "s3cr3t" not in machine.output


def test_defects_are_told_without_values(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, config: object) -> None:
        raise KeyError("s3cr3t")

    monkeypatch.setattr(render.Renderer, "render", broken)
    machine.config(config())
    assert machine("fetch") == 1
    assert "a defect of ignition-py" in machine.output
    assert "KeyError; please report it" in machine.output
    assert "in Engine._render, engine.py line " in machine.output
    assert "s3cr3t" not in machine.output
    assert "Traceback" not in machine.output
