"""`deploy dev`: what changes while an upgrade runs is the next one; Ctrl-C ends it plainly."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from slipway.engine.dev import develop
from slipway.errors import InterruptedRunError, NotReadyError, SlipwayError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Script:
    """Upgrades that end as told; `changed` and `failed` are what was said of them."""

    def __init__(self, *ends: SlipwayError | None) -> None:
        self.ends = list(ends)
        self.changed: list[tuple[str, ...]] = []
        self.failed: list[str] = []
        self.first_began = anyio.Event()
        self.all_changes_made = anyio.Event()

    async def changes(self) -> AsyncIterator[tuple[str, ...]]:
        """Two batches, both while the first upgrade still runs."""
        await self.first_began.wait()
        yield ("b.py",)
        yield ("a.py", "b.py")
        self.all_changes_made.set()

    async def upgrade(self) -> None:
        self.first_began.set()
        await self.all_changes_made.wait()
        error = self.ends.pop(0)
        if error is not None:
            raise error

    async def run(self) -> None:
        with anyio.fail_after(10):
            await develop(
                self.upgrade,
                self.changes(),
                on_change=self.changed.append,
                on_error=lambda error: self.failed.append(error.message),
            )


async def test_what_changed_during_an_upgrade_is_one_more_upgrade() -> None:
    script = Script(None, None)
    await script.run()
    assert script.changed == [("a.py", "b.py")]
    assert script.ends == []


async def test_a_failed_upgrade_is_said_and_the_next_change_tries_again() -> None:
    script = Script(NotReadyError("web never got ready"), None)
    await script.run()
    assert script.failed == ["web never got ready"]
    assert script.ends == []


async def test_an_interrupt_ends_it_as_itself() -> None:
    script = Script(InterruptedRunError("interrupted, and put back"))
    with pytest.raises(InterruptedRunError, match="and put back"):
        await script.run()
    assert script.changed == []
