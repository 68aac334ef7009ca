"""Rate limits: they slow down brute force, password spraying and credential stuffing.

Views ask here just before they compute a password hash. So an attempt counts whatever
is answered later, and a form that never gets that far counts for nothing.
"""

import hashlib
import time

from flask import Flask, current_app
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from .models import key_for_email
from .network import UNKNOWN, client_network

GUESSES_PER_ACCOUNT = parse("10 per 15 minutes")  # and network: see guess_key
# Where no client address can be read, all visitors share one count: see SECURITY.md.
GUESSES_PER_ACCOUNT_FROM_UNKNOWN = parse("100 per 15 minutes")
FAILED_LOGINS = parse("100 per hour")
FAILED_LOGINS_WIDE = parse("400 per hour")  # for the first 48 bits of an IPv6 address
LOGINS = parse("600 per hour")
SIGNUPS = parse("100 per hour")
SIGNUPS_WIDE = parse("400 per hour")
PASSWORD_CHANGES = parse("10 per 15 minutes")

WIDE = 48  # bits of an IPv6 address: many households have 2^16 networks of 64 bits
RETRY_SECONDS = 5  # how long to count in memory before a dead Redis is asked again
LOG_SECONDS = 60


class RateLimiter:
    """Counts attempts, in memory or in a Redis that several processes share."""

    def __init__(self, storage_uri: str) -> None:
        options: dict[str, float | bool] = {"wrap_exceptions": True}
        if storage_uri.startswith("redis"):
            options["socket_connect_timeout"] = 1  # seconds
            options["socket_timeout"] = 1
        storage = storage_from_string(storage_uri, **options)
        self.shared = FixedWindowRateLimiter(storage)
        self.memory = FixedWindowRateLimiter(MemoryStorage())
        self.shared_retry_time = 0.0
        self.next_log_time = 0.0
        self.has_logged_unknown_address = False

    def count(self, limit: RateLimitItem, *key: str) -> None:
        """Count an attempt; raises TooManyRequests (429) if there were too many."""
        if not self.call("hit", limit, *key):
            self.refuse(limit, *key)

    def add(self, limit: RateLimitItem, *key: str) -> None:
        """Count an attempt, whatever the count is."""
        self.call("hit", limit, *key)

    def check(self, limit: RateLimitItem, *key: str) -> None:
        """Raise TooManyRequests if there were too many attempts; count nothing."""
        if not self.call("test", limit, *key):
            self.refuse(limit, *key)

    def clear(self, limit: RateLimitItem, *key: str) -> None:
        """Forget the attempts."""
        self.call("clear", limit, *key)

    def refuse(self, limit: RateLimitItem, *key: str) -> None:
        """Raise TooManyRequests, with the seconds to wait."""
        window = self.call("get_window_stats", limit, *key)
        seconds = int(window.reset_time - time.time())
        raise TooManyRequests(retry_after=max(1, seconds))

    def call(self, method: str, limit: RateLimitItem, *key: str) -> object:
        """Call a method of the shared counters; of those in memory if Redis is away."""
        if time.monotonic() >= self.shared_retry_time:
            try:
                return getattr(self.shared, method)(limit, *key)
            except StorageError as error:
                self.switch_to_memory(error.storage_error)
        return getattr(self.memory, method)(limit, *key)

    def switch_to_memory(self, error: Exception) -> None:
        """Count in memory for a while, and say so in the log once a minute at most."""
        now = time.monotonic()
        self.shared_retry_time = now + RETRY_SECONDS
        if now >= self.next_log_time:
            self.next_log_time = now + LOG_SECONDS
            current_app.logger.error(
                "RATELIMIT_STORAGE_URI does not answer (%s): each process counts "
                "attempts for itself until it does",
                type(error).__name__,
            )

    def reset(self) -> None:
        """Forget all attempts."""
        self.shared.storage.reset()
        self.memory.storage.reset()


def init_app(app: Flask) -> None:
    """Give this app counters of its own."""
    app.extensions["rate_limiter"] = RateLimiter(app.config["RATELIMIT_STORAGE_URI"])


def rate_limiter() -> RateLimiter:
    """Return the counters of the app that handles this request."""
    return current_app.extensions["rate_limiter"]


def count_login(email: str) -> None:
    """Count a log-in before its password is checked; raises TooManyRequests."""
    limiter = rate_limiter()
    network = client_network()
    if network == UNKNOWN:
        log_unknown_address(limiter)
        limiter.count(GUESSES_PER_ACCOUNT_FROM_UNKNOWN, "account", guess_key(email))
        return
    limiter.check(FAILED_LOGINS, "failed logins", network)
    limiter.check(FAILED_LOGINS_WIDE, "failed logins", client_network(WIDE))
    limiter.check(LOGINS, "logins", network)
    limiter.count(GUESSES_PER_ACCOUNT, "account", guess_key(email))
    # Last, so that attempts which are refused use up nothing of their neighbours'.
    limiter.count(LOGINS, "logins", network)


def count_failed_login() -> None:
    """Count that the password was wrong."""
    network = client_network()
    if network != UNKNOWN:
        limiter = rate_limiter()
        limiter.add(FAILED_LOGINS, "failed logins", network)
        limiter.add(FAILED_LOGINS_WIDE, "failed logins", client_network(WIDE))


def forget_guesses(email: str) -> None:
    """Start the account's count anew: its owner has logged in."""
    limiter = rate_limiter()
    limiter.clear(GUESSES_PER_ACCOUNT, "account", guess_key(email))
    limiter.clear(GUESSES_PER_ACCOUNT_FROM_UNKNOWN, "account", guess_key(email))


def count_signup() -> None:
    """Count a sign-up before its password is hashed; raises TooManyRequests."""
    limiter = rate_limiter()
    network = client_network()
    if network == UNKNOWN:
        log_unknown_address(limiter)
        return
    limiter.count(SIGNUPS, "signups", network)
    limiter.count(SIGNUPS_WIDE, "signups", client_network(WIDE))


def count_password_change(user_id: int) -> None:
    """Count a change before the current password is checked; raises TooManyRequests."""
    rate_limiter().count(PASSWORD_CHANGES, "password change", str(user_id))


def guess_key(email: str) -> str:
    """Return a key for guesses at an account: its address hashed, and the network.

    It goes into the log and the counters, so it does not hold the address itself.
    """
    email_hash = hashlib.sha256(key_for_email(email).encode()).hexdigest()[:16]
    return f"{email_hash} {client_network(WIDE)}"


def log_unknown_address(limiter: RateLimiter) -> None:
    """Say in the log, once, that visitors cannot be told apart."""
    if not limiter.has_logged_unknown_address:
        limiter.has_logged_unknown_address = True
        current_app.logger.error(
            "The visitors' IP addresses cannot be read, so rate limits per network are "
            "off. Check PROXY_COUNT, and what the proxy writes into X-Forwarded-For."
        )
