"""`proxy` and `route`: the listen ports, and who gets the traffic."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from slipway.errors import PlatformError
from slipway.plan.release import Release
from slipway.platforms.local import instances
from slipway.platforms.local.launchfile import LaunchFile
from slipway.platforms.local.network.addresses import is_free
from slipway.platforms.local.proxy import manage, targets
from slipway.platforms.local.proxy.state import Listen, ProxyState, Sharing, Target
from slipway.platforms.local.runtime import Runtime
from slipway.platforms.protocol import Outcome, StepContext
from slipway.support.clock import SystemClock
from slipway.support.telemetry.events import TrafficShifted


async def ensure(runtime: Runtime, context: StepContext) -> Outcome:
    """Make the proxy listen where the release's routes say, and where those that serve now do.

    Outcome: {"started": bool, "listens": what it listened on before, [] if it did not run}.
    """
    release = _release(context)
    known = manage.read(runtime)
    state = (await runtime.control.states()).get(manage.NAME)
    before = known.listens if state is not None and state.state == "RUNNING" else ()
    chosen = targets.choose(release, known.chosen, {i.port for i in before}, _free_for_all)
    manage.keep_chosen(runtime, chosen)
    wanted = {(i.port, i.address): i for i in _serving(known)}
    for route in release.routes:
        listen = targets.listen_of(release, route, chosen)
        wanted[listen.port, listen.address] = listen
    started = await manage.ensure(runtime, _one_per_port(wanted))
    return {"started": started, "listens": [msgspec.to_builtins(i) for i in before]}


async def undo_ensure(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Listen as before, or not at all."""
    del context
    before = msgspec.convert(outcome.get("listens", []), list[Listen])
    if before:
        await manage.ensure(runtime, before)
    elif outcome.get("started") or not _serving(manage.read(runtime)):
        await manage.stop(runtime)
        await runtime.control.shut_down_if_idle()


async def route(runtime: Runtime, context: StepContext) -> Outcome:
    """Give weights; first what grows, then what shrinks, each confirmed.

    Outcome: {"before": the weights that were}.
    """
    release = _release(context)
    weights = {str(n): int(w) for n, w in context.step.args["weights"].items()}
    known = manage.read(runtime)
    before = dict(known.weights)
    known = _with_release(runtime, known, release)
    known = msgspec.structs.replace(known, sharing=_sharing(context))
    await _shift(runtime, known, weights)
    context.emit(
        TrafficShifted(at=SystemClock().now(), step=context.step.id, weights=dict(weights))
    )
    return {"before": before}


async def undo_route(runtime: Runtime, context: StepContext, outcome: Outcome) -> None:
    """Give the weights back that were there, as the plan saw them where the step was cut off.

    A supervisor that died meanwhile took the proxy with it: it is brought back first.
    """
    known = manage.read(runtime)
    if known.listens:
        await runtime.control.ensure_daemon()
    before = outcome["before"] if "before" in outcome else context.step.args["before"]
    weights = {str(n): int(w) for n, w in before.items()}
    await _shift(runtime, known, weights)
    context.emit(TrafficShifted(at=SystemClock().now(), step=context.step.id, weights=weights))


def _sharing(context: StepContext) -> Sharing | None:
    """How clients are kept on, or let choose, a revision while two of them share the traffic."""
    args = context.step.args
    select = args.get("select") or {}
    if not args.get("sticky") and not select:
        return None
    return Sharing(
        release=str(context.step.release),
        sticky=bool(args.get("sticky")),
        header=select.get("header"),
        cookie=select.get("cookie"),
    )


async def refresh(
    runtime: Runtime, release: Release, without: Collection[str] = frozenset()
) -> None:
    """Give a release's routes the addresses that its instances have now, but for those named
    in `without`; weights stay, and so does a route of which nothing runs (yet).
    """
    known = manage.read(runtime)
    number = str(release.number)
    if number not in known.releases:
        return
    before = {target.name: target for target in known.releases[number]}
    found = _targets(runtime, known, release, without)
    mended = tuple(t if t.servers else before.get(t.name, t) for t in found)
    releases = {**known.releases, number: mended}
    await manage.change(runtime, msgspec.structs.replace(known, releases=releases))


async def _shift(runtime: Runtime, known: ProxyState, weights: Mapping[str, int]) -> None:
    missing = [n for n, w in weights.items() if w and n not in known.releases]
    if missing:
        raise PlatformError(f"the proxy knows no routes of release {', '.join(missing)}")
    grown = {n: max(weights.get(n, 0), known.weights.get(n, 0)) for n in {*weights, *known.weights}}
    if grown != weights:
        await manage.change(runtime, manage.with_weights(known, grown))
    await manage.change(runtime, manage.with_weights(known, weights))


def _with_release(runtime: Runtime, known: ProxyState, release: Release) -> ProxyState:
    """The state with this release's targets as its instances are now."""
    found = _targets(runtime, known, release)
    empty = [target.name for target in found if not target.servers]
    if empty:
        raise PlatformError(f"nothing runs for the routes of {', '.join(empty)}")
    releases = {**known.releases, str(release.number): found}
    return msgspec.structs.replace(known, releases=releases)


def _targets(
    runtime: Runtime, known: ProxyState, release: Release, without: Collection[str] = frozenset()
) -> tuple[Target, ...]:
    """Where each route of the release goes, as its instances are now."""

    def running(service: str, key: str) -> list[LaunchFile]:
        return [i for i in instances.of(runtime, service, key) if i.name not in without]

    def real_port(instance: LaunchFile, container: int) -> int:
        allocation = runtime.book.get(instance.name)
        return allocation.port(container) if allocation is not None else container

    return targets.targets_of(release, known.chosen, running, real_port)


def _serving(known: ProxyState) -> list[Listen]:
    """Listen ports of the releases that have traffic."""
    found: tuple[Target, ...] = ()
    for number, weight in known.weights.items():
        if weight > 0:
            found += known.releases.get(number, ())
    return [target.listen for target in found]


def _one_per_port(wanted: Mapping[tuple[int, str], Listen]) -> list[Listen]:
    """One entry point per port: the address of the route that was asked for last."""
    return list({listen.port: listen for listen in wanted.values()}.values())


def _release(context: StepContext) -> Release:
    if context.release is None:
        raise PlatformError(f"the step {context.step.id} needs a release")
    return context.release


def _free_for_all(port: int) -> bool:
    return is_free(targets.LOOPBACK, port)
