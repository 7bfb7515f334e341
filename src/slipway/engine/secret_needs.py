"""Which secrets an app needs, which have a value, and making those that can be made.

Called by `prepare` (before a release) and by `deploy secrets auto-generate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from slipway.app.model import SecretNeed
from slipway.errors import UsageError
from slipway.support.data import Frozen
from slipway.support.secrets.age_store import SecretStore
from slipway.support.secrets.generate import generate


class Kept(Frozen, frozen=True, kw_only=True):
    """Names only: `made` now, `there` before, `open`: only a person can know the value."""

    made: tuple[str, ...]
    there: tuple[str, ...]
    open: tuple[str, ...]


def generate_missing(
    store: SecretStore,
    needs: Iterable[SecretNeed],
    sealed: Mapping[str, str],
    *,
    dry_run: bool,
) -> Kept:
    """Make a value for every need that has none, and keep it. `sealed` have one in a file."""
    needs = list(needs)
    missing = [n for n in needs if n.name not in sealed and not store.has(n.name)]
    made = {n.name: generate(n.name, n.length) for n in missing if n.generate}
    if made and not dry_run:
        store.set_many(made, source="generated")
    names = {n.name for n in needs}
    return Kept(
        made=tuple(sorted(made)),
        there=tuple(sorted(names - {n.name for n in missing})),
        open=tuple(sorted(n.name for n in missing if not n.generate)),
    )


def new_values(
    store: SecretStore,
    needs: Iterable[SecretNeed],
    sealed: Mapping[str, str],
    *,
    auto: bool,
) -> dict[str, str]:
    """Values that a release needs and the store lacks: found ones that changed, generated ones.

    Raises UsageError that lists every secret without a value at once.
    """
    values = {
        name: value
        for name, value in sealed.items()
        if not store.has(name) or store.get(name) != value
    }
    missing = [n for n in needs if n.name not in sealed and not store.has(n.name)]
    unknown = [n for n in missing if not n.generate]
    if unknown or (missing and not auto):
        raise missing_secrets(unknown if auto else missing)
    values.update({need.name: generate(need.name, need.length) for need in missing})
    return values


def missing_secrets(needs: list[SecretNeed]) -> UsageError:
    """Which secrets have no value, where they are used, what to do."""
    lines = []
    for need in needs:
        place = f" ({need.origin.file}:{need.origin.line})" if need.origin else ""
        lines.append(f"{need.name}{place}: {need.reason}".rstrip(": "))
    hint = "set each with `deploy secrets set NAME` (it asks for the value), or in .env"
    if all(need.generate for need in needs):
        hint = "`deploy secrets auto-generate` makes them, or pass --auto-secrets"
    count = f"{len(needs)} secrets have" if len(needs) > 1 else "1 secret has"
    return UsageError(f"{count} no value", details=lines, hint=hint)
