"""Where a request comes from: the visitor's IP address and network."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import request

UNKNOWN = "unknown"


def client_address() -> IPv4Address | IPv6Address | None:
    """Return the visitor's address; None if there is none that can be read.

    Some proxies write a port behind the address, or several addresses.
    """
    text = (request.remote_addr or "").split(",")[-1].strip()
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
