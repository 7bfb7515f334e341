"""Mounts that a program could not find on this machine."""

from __future__ import annotations

import pytest

from slipway.app.model import FileMount, Mount, Service
from slipway.platforms.local.mounts import unnamed

DATA = Mount(kind="volume", source="data", target="/data")


def found(*mounts: Mount, words: tuple[str, ...] = (), **more: object) -> tuple[str, ...]:
    service = Service(name="web", role="web", mounts=mounts, **more)  # type: ignore[arg-type]
    return unnamed(service, "/app", words)


@pytest.mark.parametrize(
    ("mounts", "words"),
    [
        ((DATA,), ("--db=/data/app.db",)),
        ((DATA,), ("sqlite:////data/app.db",)),
        ((Mount(kind="volume", source="up", target="/app/uploads"),), ()),
        ((Mount(kind="bind", source="/nowhere/shop", target="/app"),), ()),
        ((Mount(kind="bind", source="/etc/localtime", target="/etc/localtime"),), ()),
        ((Mount(kind="tmpfs", target="/tmp"),), ()),
    ],
)
def test_what_is_named_or_in_reach_is_fine(
    mounts: tuple[Mount, ...], words: tuple[str, ...]
) -> None:
    assert found(*mounts, words=words) == ()


def test_what_only_code_could_name_is_told() -> None:
    secret = FileMount(kind="secret", source="db", target="/run/secrets/db", secret="db")
    assert found(DATA, words=("/var",), files=(secret,)) == ("/data", "/run/secrets/db")
