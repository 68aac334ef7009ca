"""Where a request comes from: the visitor's IP address and network."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import current_app, request

UNKNOWN = "unknown"


def client_address() -> IPv4Address | IPv6Address | None:
    """Return the visitor's address; None if there is none that can be read.

    Some proxies write a port behind the address, or several addresses.
    """
    header = request.headers.get("X-Forwarded-For", "")
    forwarded = [part for part in header.split(",") if part.strip()]
    proxy_count = current_app.config["PROXY_COUNT"]
    if len(forwarded) < proxy_count:
        return None  # a proxy does not say for whom it asks, or there are fewer
    address = read_address(request.remote_addr or "")
    if address is None:
        return None
    if proxy_count == 0 and forwarded and address.is_loopback:
        return None  # a proxy on this machine that PROXY_COUNT does not know of
    return address


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, also with a port behind it; None if that is impossible."""
    text = text.split(",")[-1].strip()
    if text.startswith("["):  # [2001:db8::1]:443
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # 192.0.2.1:443
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped:  # ::ffff:192.0.2.1
        return address.ipv4_mapped
    return address


def client_network(prefix: int = 64) -> str:
    """Return the visitor's network, or "unknown".

    That is an IPv4 address, or the first `prefix` bits of an IPv6 address: a provider
    gives a household 2^64 addresses and more.
    """
    address = client_address()
    if address is None:
        return UNKNOWN
    if address.version == 4:
        return str(address)
    return str(ip_network((int(address), prefix), strict=False))
