"""Facts out of files: whole or not at all."""

from __future__ import annotations

import pytest

from butane_py.targets import recognise


@pytest.mark.parametrize(
    ("text", "name"),
    [("node1\n", "node1"), ("# a\n\nnode1.example.com\n", "node1.example.com"), ("a\nb\n", None), ("Node\n", None), ("", None), ("a b", None), ("a..b", None)],
)
def test_hostname(text: str, name: str | None) -> None:
    assert recognise.hostname(text) == name


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("../usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/UTC", "UTC"),
        ("../../usr/share/zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("/usr/share/zoneinfo/../x", None),
        ("/etc/zone", None),
        ("", None),
    ],
)
def test_timezone(target: str, zone: str | None) -> None:
    assert recognise.timezone(target) == zone


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("# a\n; b\na.b = 1\nc/d=e = f\n", [("a.b", "1"), ("c/d", "e = f")]),
        ("-a.b = 1\n", None),
        ("net.ipv4.conf.*.rp_filter = 1\n", None),
        ("a.b\n", None),
        ("a.b =\n", None),
        ("# only a comment\n", None),
    ],
)
def test_sysctl(text: str, pairs: list[tuple[str, str]] | None) -> None:
    assert recognise.sysctl(text) == pairs


def test_modules() -> None:
    assert recognise.modules("a\n# b\nc-d\n") == ["a", "c-d"]
    assert recognise.modules("a b\n") is None
    assert recognise.modules("\n") is None


@pytest.mark.parametrize("line", ["softdep a pre: b", "alias x a", "install a /sbin/modprobe b", "install a /bin/false x", "options a", "blacklist", "options a/b c=1"])
def test_a_line_of_modprobe_that_is_more(line: str) -> None:
    assert recognise.modprobe(f"options x y=1\n{line}\n") is None


def test_modprobe() -> None:
    found = recognise.modprobe("options x y=1 z\noptions x w=2\nblacklist a\ninstall b /usr/bin/false\n")
    assert found is not None
    assert [(each.name, each.parameters, each.blocked) for each in found] == [("x", ("y=1", "z", "w=2"), False), ("a", (), True), ("b", (), True)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[Time]\nNTP=a b\nNTP=c\n", ("a", "b", "c")),
        ("[Time]\nNTP=a\nFallbackNTP=b\n", ("a",)),
        ("[Time]\nNTP=a\nPollIntervalMaxSec=9\n", None),
        ("[Time]\nFallbackNTP=b\n", None),
        ("NTP=a\n", None),
        ("[Time]\nNTP=a \\\n b\n", None),
        ("[Time]\nNTP\n", None),
    ],
)
def test_timesyncd(text: str, names: tuple[str, ...] | None) -> None:
    found = recognise.timesyncd(text)
    assert (found.names if found else None) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("server a iburst prefer\npool b\n! comment\ndriftfile /x\nmakestep 1.0 3\nrtcsync\n", ("a", "b")),
        ("server a minpoll 4\n", None),
        ("server a\nallow 10.0.0.0/8\n", None),
        ("server\n", None),
        ("rtcsync\n", None),
    ],
)
def test_chrony(text: str, names: tuple[str, ...] | None) -> None:
    found = recognise.chrony(text)
    assert (found.names if found else None) == names


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('[Manager]\nDefaultEnvironment="HTTP_PROXY=http://a" no_proxy=b,c\n', {"http": "http://a", "no": "b,c"}),
        ("[Manager]\nDefaultEnvironment=https_proxy=http://a/50%%\n", {"https": "http://a/50%"}),
        ("[Manager]\nDefaultEnvironment=https_proxy=http://a/%h\n", None),
        ("[Manager]\nDefaultEnvironment=PATH=/bin http_proxy=http://a\n", None),
        ("[Manager]\nDefaultEnvironment=http_proxy=a HTTP_PROXY=b\n", None),
        ('[Manager]\nDefaultEnvironment="http_proxy=a\n', None),
        ("[Manager]\nLogLevel=debug\nDefaultEnvironment=http_proxy=a\n", None),
    ],
)
def test_proxy(text: str, values: dict[str, str] | None) -> None:
    assert recognise.proxy(text) == values


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ('[[registry]]\nlocation="a"\n[[registry.mirror]]\nlocation="b"\n[[registry.mirror]]\nlocation="c"\ninsecure=true\n', [("a", ("https://b", "http://c"))]),
        ('[[registry]]\nprefix="a"\nlocation="a"\n[[registry.mirror]]\nlocation="b"\n', [("a", ("https://b",))]),
        ('[[registry]]\nprefix="a"\nlocation="z"\n[[registry.mirror]]\nlocation="b"\n', None),
        ('unqualified-search-registries=["a"]\n[[registry]]\nlocation="a"\n[[registry.mirror]]\nlocation="b"\n', None),
        ('[[registry]]\nlocation="a"\nblocked=true\n[[registry.mirror]]\nlocation="b"\n', None),
        ('[[registry]]\nlocation="a"\n', None),
        ("not toml", None),
    ],
)
def test_registries(text: str, entries: list[tuple[str, tuple[str, ...]]] | None) -> None:
    found = recognise.registries(text)
    assert ([(each.registry, each.endpoints) for each in found] if found is not None else None) == entries


def test_docker_and_containerd() -> None:
    docker = recognise.docker('{"registry-mirrors": ["https://m"]}')
    assert docker is not None and docker[0].registry == "docker.io"
    assert recognise.docker('{"registry-mirrors": ["https://m"], "debug": true}') is None
    assert recognise.docker("[" * 100_000) is None
    hosts = 'server = "https://registry-1.docker.io"\n[host."https://m"]\ncapabilities = ["pull", "resolve"]\n'
    found = recognise.containerd("docker.io", hosts)
    assert found is not None and found[0].endpoints == ("https://m",)
    assert recognise.containerd("docker.io", hosts + "skip_verify = true\n") is None
    assert recognise.containerd("quay.io", 'server = "https://other"\n[host."https://m"]\n') is None
