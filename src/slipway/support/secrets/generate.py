"""Strong values for secrets that nobody has to know."""

from __future__ import annotations

import base64
import secrets
import string

from slipway.errors import UsageError

_ALPHABET = string.ascii_letters + string.digits
_SHORTEST = 8


def generate(name: str, length: int = 32) -> str:
    """A new random value for the secret `name`, `length` characters long.

    Letters and digits, starting with a letter, with at least one capital, one small letter
    and one digit: it can stand in a connection URL and passes usual password rules. Names
    that ask for a form get it: `*_HEX` is hexadecimal; `*FERNET_KEY` and `*ENCRYPTION_KEY`
    are 32 bytes in URL-safe base64 (44 characters); `*SECRET_KEY` has 50 characters or more.
    Raises UsageError for a length below 8.
    """
    if length < _SHORTEST:
        raise UsageError(
            f"a generated value of {length} characters for {name} would be guessed",
            hint=f"ask for {_SHORTEST} characters or more (32 is usual)",
        )
    upper = name.upper()
    if upper.endswith("_HEX"):
        return secrets.token_hex(length // 2 + 1)[:length]
    if upper.endswith(("FERNET_KEY", "ENCRYPTION_KEY")):
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")
    if upper.endswith("SECRET_KEY"):
        length = max(length, 50)
    return _password(length)


def _password(length: int) -> str:
    """Drawn again until it has each class: that costs less than a bit of its strength."""
    while True:
        value = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if (
            value[0].isalpha()
            and any(sign.isdigit() for sign in value)
            and any(sign.isupper() for sign in value)
            and any(sign.islower() for sign in value)
        ):
            return value
