"""What goes over the wire: the target of a URL, user parts, and headers, as a server sees them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ignition_py.fetch.fetcher import Fetcher
from ignition_py.fetch.request import Settings
from ignition_py.fetch.urls import bare, host_header, target, with_headers
from ignition_py.report.diag import FetchError
from ignition_py.spec.tables import HTTPHeader, Resource
from tests.helpers.servers import Wire


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("", "/"),
        ("/", "/"),
        ("?q=1", "/?q=1"),
        ("/a?", "/a?"),
        ("/a#fragment", "/a"),
        ("/a?x=%7E&y=a+b", "/a?x=%7E&y=a+b"),
        ("/a?y=[1]&z={2}|3", "/a?y=[1]&z={2}|3"),
        ("/a?x=/../y", "/a?x=/../y"),
        ("/a?x=%zz", "/a?x=%zz"),
        ("/a/../b", "/a/../b"),
        ("/a//b/./c", "/a//b/./c"),
        ("/%7Ea%2fb%2Fc", "/%7Ea%2fb%2Fc"),
        ("/%2e%2e/b", "/%2e%2e/b"),
        ("/[x]/a!$&'()*,;=b", "/[x]/a!$&'()*,;=b"),
        ("/\u00e4", "/%C3%A4"),
        ("/a'b\"c", "/a%27b%22c"),
        ("/a%2Fb c", "/a/b%20c"),
        ("/a?b c=\u00e4", "/a?b%20c=%C3%A4"),
    ],
)
def test_target(written: str, sent: str) -> None:
    assert target(bare(f"http://user:pa%2Fss@example.com{written}")[0]) == sent


@pytest.mark.parametrize(
    ("url", "left", "authorization"),
    [
        ("http://example.com/a@b", "http://example.com/a@b", ""),
        ("http://example.com?a@b", "http://example.com?a@b", ""),
        ("http://u:p%40ss@example.com:8080/a@b?c", "http://example.com:8080/a@b?c", "Basic dTpwQHNz"),
        ("http://u@[::1]:80", "http://[::1]:80", "Basic dTo="),
        ("http://u:a:b@h/", "http://h/", "Basic dTphOmI="),
    ],
)
def test_bare(url: str, left: str, authorization: str) -> None:
    assert bare(url) == (left, authorization)


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("http://example.com/", "example.com"),
        ("http://example.com:8080/?@", "example.com:8080"),
        ("http://[fe80::1%25eth0]/", "[fe80::1]"),
        ("http://[fe80::1%25eth0]:81/%25", "[fe80::1]:81"),
        ("http://[::1]:81", "[::1]:81"),
    ],
)
def test_host_header(url: str, seen: str) -> None:
    assert host_header(url) == seen


def test_headers() -> None:
    usual: dict[str, str | bytes] = {"accept": "*/*", "user-agent": "x"}
    chosen = [("Accept", " text/plain\t"), ("X-A", "1"), ("x-a", "2"), ("X-B", "\u00e4"), ("Content-Length", "5")]
    chosen += [("Host", "elsewhere"), ("Transfer-Encoding", "chunked"), ("Trailer", "x")]
    assert with_headers(usual, chosen, "it") == {
        "accept": "text/plain",
        "user-agent": "x",
        "x-a": "2",
        "x-b": "\u00e4".encode(),
    }
    assert usual["accept"] == "*/*"


@pytest.mark.parametrize("name", ["", "X A", "X\r\nY", "X:", "\u00e4", "X\0"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(FetchError, match="the name of HTTP header 1 is not valid"):
        with_headers({}, [(name, "value")], "it")


@pytest.mark.parametrize("value", ["s3cr3t\r\nX: y", "s3cr3t\0", "s3cr3t\x7f", "s3cr3t\nmore"])
def test_values_that_are_none(value: str) -> None:
    with pytest.raises(FetchError, match="header X-Key has a control character") as caught:
        with_headers({}, [("X-Key", value)], "it")
    assert "s3cr3t" not in str(caught.value)


YES = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes"


@pytest.fixture
def yes(wire: Callable[..., Wire]) -> Wire:
    """A server that answers everything with `yes`."""
    return wire(YES)


def get(fetcher: Fetcher, url: str, headers: dict[str, str] | None = None) -> bytes:
    named = tuple(HTTPHeader(name=name, value=value) for name, value in (headers or {}).items())
    return fetcher.read(Resource(source=url, http_headers=named), what="it")


@pytest.mark.sockets
@pytest.mark.parametrize("path", ["/a/../%2e%2E/%7E?sig=%2f%7e&x=[1]", "//a//b", "/a'b"])
def test_the_target_reaches_the_server_as_it_is_written(fetcher: Fetcher, yes: Wire, path: str) -> None:
    assert get(fetcher, f"http://127.0.0.1:{yes.port}{path}") == b"yes"
    assert yes.lines()[0] == f"GET {path} HTTP/1.1"


@pytest.mark.sockets
def test_a_proxy_gets_the_whole_url_without_the_user(fetcher: Fetcher, yes: Wire) -> None:
    fetcher.settings = Settings(http_proxy=f"http://me:pass@127.0.0.1:{yes.port}")
    assert get(fetcher, "http://u:p@example.invalid:81/a/../b%7e?c") == b"yes"
    lines = yes.lines()
    assert lines[0] == "GET http://example.invalid:81/a/../b%7e?c HTTP/1.1"
    assert "host: example.invalid:81" in [line.lower() for line in lines]
    assert "authorization: Basic dTpw" in [line.replace("Authorization", "authorization") for line in lines]
    assert any(line.lower() == "proxy-authorization: basic bwu6cgfzcw==" for line in lines)


@pytest.mark.sockets
def test_a_password_with_an_escape_leaves_the_host_alone(fetcher: Fetcher, yes: Wire) -> None:
    get(fetcher, f"http://u:p%40ss@127.0.0.1:{yes.port}/")
    assert f"host: 127.0.0.1:{yes.port}" in [line.lower() for line in yes.lines()]


@pytest.mark.sockets
def test_authorization_of_the_config_comes_before_the_urls(fetcher: Fetcher, yes: Wire) -> None:
    get(fetcher, f"http://u:p@127.0.0.1:{yes.port}/", {"Authorization": "Bearer token"})
    assert [line for line in yes.lines() if line.lower().startswith("authorization")] == [
        "authorization: Bearer token"
    ]


@pytest.mark.sockets
def test_headers_beyond_ascii_are_utf_8(fetcher: Fetcher, yes: Wire) -> None:
    get(fetcher, f"http://127.0.0.1:{yes.port}/", {"X-Name": "\u00e4"})
    assert "x-name: \u00e4".encode() in yes.questions[0]
