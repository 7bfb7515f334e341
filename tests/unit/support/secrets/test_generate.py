from __future__ import annotations

import base64
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import UsageError
from slipway.support.secrets.generate import generate


@given(length=st.integers(8, 200))
def test_a_password_fits_urls_and_password_rules(length: int) -> None:
    value = generate("DB_PASSWORD", length)
    assert len(value) == length
    assert quote(value, safe="") == value
    assert value[0] in string.ascii_letters
    for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase):
        assert set(kind) & set(value)


def test_no_two_are_the_same() -> None:
    assert len({generate("A", 16) for _ in range(200)}) == 200


@given(length=st.integers(8, 129))
def test_hex_is_hex(length: int) -> None:
    value = generate("SESSION_HEX", length)
    assert len(value) == length
    assert set(value) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", ["FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY", "N8N_ENCRYPTION_KEY"])
def test_an_encryption_key_is_32_bytes(name: str) -> None:
    assert len(base64.urlsafe_b64decode(generate(name, 10))) == 32


def test_a_secret_key_is_as_long_as_django_wants() -> None:
    assert len(generate("DJANGO_SECRET_KEY", 32)) == 50
    assert len(generate("SECRET_KEY", 64)) == 64


def test_a_length_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="would be guessed"):
        generate("PIN", 4)
