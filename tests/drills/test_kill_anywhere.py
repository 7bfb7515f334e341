"""kill -9 before, inside and after every step, on the fake platform: nothing is lost.

After each kill a fresh process deploys again; then the site serves one consistent release,
nothing runs twice, nothing is left over, and the history is true.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from slipway.app.model import App
from slipway.engine.cleanup import cleanup
from slipway.engine.deploy import RunOptions
from slipway.engine.rollback import rollback
from slipway.testing.apps import KilledError, Site, agree, inbox, kill_at
from slipway.testing.fake_platform import FakeWorld


async def install(site: Site) -> None:
    await site.deploy(inbox(), verb="install")


async def upgrade(site: Site) -> None:
    await site.deploy(inbox(web="2", migrate="2", model="2"))


async def go_back(site: Site) -> None:
    await rollback(
        site.workspace, to="1", force=False, verify=True, approve=agree,
        options=RunOptions(),
    )  # fmt: skip


async def clean(site: Site) -> None:
    await cleanup(site.workspace, volumes=False, approve=agree, options=RunOptions())


async def nothing(site: Site) -> None:
    del site


async def install_and_upgrade(site: Site) -> None:
    await install(site)
    await upgrade(site)


CASES = {
    "install": (nothing, install),
    "upgrade": (install, upgrade),
    "rollback": (install_and_upgrade, go_back),
    "cleanup": (install, clean),
}


def consistent(world: FakeWorld, site: Site) -> None:
    """The site serves exactly the current release, and nothing else runs."""
    head = site.workspace.journal.head()
    assert head.interrupted is None
    if head.current is None:
        assert world.running == {}
        assert world.backing == {}
        assert world.weights == {}
        return
    release = site.workspace.releases.get(head.current)
    wanted = {
        (name, entry.key): entry.service.replicas
        for name, entry in release.services.items()
        if entry.service.role in ("web", "worker")
    }
    assert world.running == wanted
    assert set(world.backing) == {"db"}
    assert world.weights == {str(head.current): 100}
    assert world.proxy


def serving_while_dead(before: Site, world: FakeWorld) -> None:
    """Between the kill and the next command, traffic goes only to what runs and is ready."""
    for number in world.weights:
        release = before.workspace.releases.get(int(number))
        for route in release.routes:
            assert (route.service, release.services[route.service].key) in world.ready


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("then", ["again", "another"])
def test_killed_anywhere_the_next_command_puts_it_right(
    name: str, then: str, tmp_path: Path
) -> None:
    prepare, act = CASES[name]
    survived = 0
    for number in range(1_000):
        if not anyio.run(_drill, tmp_path / f"{number}", prepare, act, number, then):
            break
        survived += 1
    assert survived >= 3
    print(f"{name}, then {then}: {survived} survived of {survived}")


async def _drill(
    folder: Path,
    prepare: Callable[[Site], object],
    act: Callable[[Site], object],
    number: int,
    then: str,
) -> bool:
    """One kill at call `number`; False if the run ended before it."""
    folder.mkdir()
    first = Site(folder)
    await prepare(first)  # type: ignore[misc]
    snapshots: list[Site] = []

    def take() -> None:
        snapshots.append(doomed.after_kill())

    doomed = Site(folder, world=first.world, store=first.store, hook=kill_at(number, take))
    try:
        await act(doomed)  # type: ignore[misc]
    except BaseException as error:
        if not _was_killed(error):
            raise
    else:
        return False
    fresh = snapshots[0]
    if act is not clean:
        serving_while_dead(fresh, fresh.world)
    app: App = inbox(web="9") if then == "another" else inbox(web="2", migrate="2", model="2")
    await fresh.deploy(app)
    consistent(fresh.world, fresh)
    outcomes = {r.opened.run: r.closed.outcome for r in fresh.workspace.journal.runs() if r.closed}
    assert len(outcomes) == len(fresh.workspace.journal.runs())
    return True


def _was_killed(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_was_killed(e) for e in error.exceptions)
    return isinstance(error, KilledError)
