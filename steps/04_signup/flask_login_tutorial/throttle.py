"""How many sign-ups are too many."""

import time
from ipaddress import IPv6Network, ip_address

from flask import Response, request
from flask_limiter import Limiter, RequestLimit
from werkzeug.exceptions import TooManyRequests

from .errors import error_page


def visitor_network() -> str:
    """The visitor's IP address. Of an IPv6 address the first half: one household has all of the second."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "elsewhere"  # behind a socket file, or a proxy that writes something else: all count as one place
    address = getattr(address, "ipv4_mapped", None) or address
    return str(IPv6Network((int(address), 64), strict=False)) if address.version == 6 else str(address)


def too_many(limit: RequestLimit) -> Response:
    """429, and the seconds to wait in Retry-After."""
    return error_page(TooManyRequests(retry_after=max(1, int(limit.reset_at - time.time()))))


limiter = Limiter(key_func=visitor_network, on_breach=too_many)
