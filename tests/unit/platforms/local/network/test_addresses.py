"""Allocations of loopback addresses and ports."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from slipway.errors import ConfigError
from slipway.platforms.local.network.addresses import AddressBook, choose_mode, is_free


def test_each_instance_keeps_its_own_address_and_ports(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "a.json", "own", "seed")
    first, second = book.allocate("web-1", [8000]), book.allocate("web-2", [8000])
    assert first.address != second.address
    assert {first.address.split(".")[0], second.address.split(".")[0]} == {"127"}
    assert (first.port(8000), second.port(8000)) == (8000, 8000)
    again = AddressBook(tmp_path / "a.json", "own", "seed")
    assert again.allocate("web-1", [8000]) == first
    assert again.allocate("web-1", [8000, 9000]).address == first.address


def test_an_address_that_another_program_uses_is_passed_over(tmp_path: Path) -> None:
    first = AddressBook(tmp_path / "a.json", "own", "seed").allocate("x", [18765])
    with socket.socket() as other:
        other.bind((first.address, 18765))
        other.listen()
        book = AddressBook(tmp_path / "b.json", "own", "seed")
        assert book.allocate("x", [18765]).address != first.address


def test_shared_mode_gives_every_port_another_one(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "a.json", "shared", "seed")
    one, two = book.allocate("web-1", [8000, 9000]), book.allocate("web-2", [8000])
    real = [one.port(8000), one.port(9000), two.port(8000)]
    assert len(set(real)) == 3
    assert {one.address, two.address} == {"127.0.0.1"}
    wider = book.allocate("web-2", [8000, 9001])
    assert wider.port(8000) == two.port(8000)


def test_what_was_released_is_forgotten(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "a.json", "own", "seed")
    first = book.allocate("web-1", [8000])
    book.release(["web-1", "unknown"])
    assert book.get("web-1") is None
    assert book.allocate("web-2", [8000]).address == first.address


def test_an_unknown_mode_is_named() -> None:
    assert choose_mode({"addresses": "shared"}) == "shared"
    assert choose_mode({}) in ("own", "shared")
    with pytest.raises(ConfigError, match="'both'"):
        choose_mode({"addresses": "both"})


def test_a_listener_takes_its_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
