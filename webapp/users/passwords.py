"""Passwords: argon2id, and the rules of NIST SP 800-63B (length and commonness, no composition)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from webapp.core.language import _
from webapp.core.threads import aside

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_GUESSES_LOG10 = 8.0  # zxcvbn: safe against throttled online guessing with a wide margin
DEMO_PASSWORD = "homeportal"  # noqa: S105 # nosec B105 - of the demo accounts, refused without DEMO

# RFC 9106's second recommendation is 64 MiB and 3 passes; OWASP accepts 19 MiB and 2, which keeps a small
# server alive under many sign-ins.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What an unknown person's password is compared with, so that the answer takes as long.
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password``."""
    return str(aside(_hasher.hash, password))


def matches(password: str, password_hash: str | None) -> bool:
    """Compare in the same time whether there is a hash or not."""
    fits = bool(aside(_verify, password_hash or _NOBODY, password))
    return fits and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def weakness(password: str, *, about: tuple[str, ...] = ()) -> str | None:
    """Say why a password is refused, or None; ``about`` are words that an attacker would try first."""
    if len(password) < MIN_LENGTH:
        return _(
            "Use at least %(min_length)s characters. Several words make a good password.",
            min_length=MIN_LENGTH,
        )
    if len(password) > MAX_LENGTH:
        return _("Use at most %(max_length)s characters.", max_length=MAX_LENGTH)
    # zxcvbn is quadratic in the length; what is beyond the first 72 characters only adds strength.
    judged = zxcvbn(password[:72], user_inputs=["steward", *about])
    if float(judged["guesses_log10"]) < MIN_GUESSES_LOG10:
        return _(
            "This password is too easy to guess. Try several words that do not belong together."
        )
    return None
