"""Which proxy a URL is fetched through. Behaviour: Go's golang.org/x/net/http/httpproxy, which documents it.

The config alone decides, never the environment. `no_proxy` entries are `*`, an address, a CIDR range or a domain (with
its subdomains; only those where it begins with a dot), each with an optional port. The own machine is never proxied.
"""

from __future__ import annotations

from ignition_py.fetch.request import Settings


def proxy_for(scheme: str, host: str, port: int, settings: Settings) -> str:
    """The URL of the proxy, "" for none. `host` without brackets."""
    proxy = settings.http_proxy if scheme == "http" else settings.https_proxy
    if not proxy or _direct(host.lower().rstrip("."), port, settings.no_proxy):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _direct(host: str, port: int, no_proxy: tuple[str, ...]) -> bool:
    from ipaddress import ip_address

    if host == "localhost":
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return any(_matches_name(entry, host, port) for item in no_proxy for entry in item.split(","))
    if address.is_loopback:
        return True
    return any(_matches_address(entry, address, port) for item in no_proxy for entry in item.split(","))


def _matches_address(entry: str, address: object, port: int) -> bool:
    from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

    entry = entry.strip().lower()
    if entry == "*":
        return True
    assert isinstance(address, IPv4Address | IPv6Address)
    try:
        if "/" in entry:
            return address in ip_network(entry, strict=False)
        name, wanted = _split_port(entry)
        return ip_address(name) == address and wanted in (0, port)
    except ValueError:
        return False


def _matches_name(entry: str, host: str, port: int) -> bool:
    entry = entry.strip().lower()
    if entry == "*":
        return True
    name, wanted = _split_port(entry)
    if wanted not in (0, port) or not name:
        return False
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, int]:
    """`host:port` taken apart; port 0 where there is none. Brackets go."""
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name.strip("[]"), int(port)
    return entry.strip("[]"), 0
