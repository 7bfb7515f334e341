"""Which secrets an App uses, and how each could be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from slipway.app.config.model import SecretSettings, Settings
from slipway.app.known.names import can_generate
from slipway.app.model import Origin, SecretNeed, Service
from slipway.support.data import Frozen
from slipway.support.secrets.placeholder import names_in

_DEFAULT_LENGTH = 32


class Source(Frozen, frozen=True, kw_only=True):
    """Where a secret comes from, for a person. `external`: made by someone else."""

    reason: str
    origin: Origin | None = None
    external: bool = False


def secrets_used(services: Iterable[Service], settings: Settings) -> dict[str, tuple[str, ...]]:
    """Each secret's name, and the services whose definition holds its placeholder.

    One that only smoke tests hold has no services.
    """
    found: dict[str, list[str]] = {}
    for service in services:
        text = msgspec.json.encode(service).decode()
        names = dict.fromkeys(names_in(text) if "«secret:" in text else ())
        names |= dict.fromkeys(file.secret for file in service.files if file.secret)
        for name in names:
            found.setdefault(name, []).append(service.name)
    for name in names_in(msgspec.json.encode(settings.smoke_tests).decode()):
        found.setdefault(name, [])
    return {name: tuple(users) for name, users in found.items()}


def needs_of(
    used: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, Source],
    settings: Mapping[str, SecretSettings],
) -> tuple[SecretNeed, ...]:
    """One SecretNeed a secret, by name. deploy.yaml's word on length and generation wins."""
    needs = []
    for name in sorted(used):
        source = sources.get(name, Source(reason="named in deploy.yaml"))
        told = settings.get(name, SecretSettings())
        generate = told.generate
        if generate is None:
            generate = can_generate(name) and not source.external
        needs.append(
            SecretNeed(
                name=name,
                generate=generate,
                length=told.length or _DEFAULT_LENGTH,
                reason=source.reason,
                services=used[name],
                origin=source.origin,
            )
        )
    return tuple(needs)
