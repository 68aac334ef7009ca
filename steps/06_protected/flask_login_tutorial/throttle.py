"""How many attempts are too many: sign-ups, and refused log-ins, for known and unknown addresses alike."""

import hashlib
import time
from functools import partial
from ipaddress import IPv6Network, ip_address

from email_validator import EmailNotValidError
from flask import Response, request
from flask_limiter import Limiter, RequestLimit
from werkzeug.exceptions import TooManyRequests

from .errors import error_page
from .models import normalise_email


def visitor_network() -> str:
    """The visitor's IP address. Of an IPv6 address the first half: one household has all of the second."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "elsewhere"  # behind a socket file, or a proxy that writes something else: all count as one place
    address = getattr(address, "ipv4_mapped", None) or address
    return str(IPv6Network((int(address), 64), strict=False)) if address.version == 6 else str(address)


def address_and_network() -> str:
    """The account that is being guessed at, however its address is spelt, and from where. No address is kept."""
    typed = request.form.get("email", "")
    try:
        typed = normalise_email(typed)
    except EmailNotValidError:
        pass  # the form will say so; here it counts as it was typed
    return f"{hashlib.sha256(typed.encode()).hexdigest()[:16]} {visitor_network()}"


def too_many(limit: RequestLimit) -> Response:
    """429, and the seconds to wait in Retry-After."""
    return error_page(TooManyRequests(retry_after=max(1, int(limit.reset_at - time.time()))))


limiter = Limiter(key_func=visitor_network, on_breach=too_many)
limit_refusals = partial(limiter.limit, methods=["POST"], deduct_when=lambda response: response.status_code == 422)
