"""What every platform promises, run against each one that can be used here, and the fake."""

from __future__ import annotations

from typing import Any

import pytest
from harness import FAKE, Stage

from slipway.engine.deploy import RunOptions
from slipway.engine.rollback import rollback
from slipway.errors import NotReadyError, SlipwayError
from slipway.plan.observed import Observed
from slipway.platforms.protocol import Outcome, StepContext
from slipway.testing.apps import agree

pytestmark = pytest.mark.anyio
UP = ("starting", "running", "ready")


def shape(observed: Observed) -> dict[str, Any]:
    """What of the world a user would notice: what runs, what it is, who has the traffic."""
    return {
        "instances": sorted((i.service, i.key, i.index) for i in observed.instances),
        "up": sorted((i.service, i.key) for i in observed.instances if i.state in UP),
        "weights": dict(observed.weights),
        "listens": observed.listens,
        "volumes": observed.volumes,
    }


async def test_looking_at_nothing_finds_nothing_and_makes_nothing(stage: Stage) -> None:
    before = sorted(stage.folder.rglob("*"))
    observed = await stage.platform.observe()
    assert shape(observed) == shape(Observed())
    assert sorted(stage.folder.rglob("*")) == before


async def test_naming_artifacts_reads_and_is_the_same_twice(stage: Stage) -> None:
    app = stage.load().app
    first = stage.platform.resolve(app)
    assert {n: a.id for n, a in first.items()} == {
        n: a.id for n, a in stage.platform.resolve(app).items()
    }
    assert not (stage.folder / "home").exists()


async def test_an_installed_app_is_all_there(stage: Stage) -> None:
    result = await stage.deploy()
    observed = await stage.platform.observe()
    release = result.plan.release
    assert release is not None
    up = {(i.service, i.key) for i in observed.instances if i.state in UP}
    assert up == {(n, release.services[n].key) for n in ("web", "api")}
    assert dict(observed.weights) == {"1": 100}
    assert set(observed.urls) == {"web"}
    artifacts = {e.artifact.id for e in release.services.values() if e.artifact}
    assert artifacts <= set(observed.artifacts)


async def test_every_step_may_be_applied_twice(stage: Stage) -> None:
    once = stage.platform.apply

    async def twice(context: StepContext) -> Outcome:
        await once(context)
        return await once(context)

    object.__setattr__(stage.workspace, "platform", _with(stage, apply=twice))
    await stage.deploy()
    stage.workspace = stage.open()
    assert dict((await stage.platform.observe()).weights) == {"1": 100}
    assert not (await stage.deploy()).changed


async def test_an_upgrade_that_fails_at_the_end_leaves_the_world_as_it_was(stage: Stage) -> None:
    await stage.deploy()
    before = shape(await stage.platform.observe())
    stage.code("two")
    once = stage.platform.apply

    async def failing(context: StepContext) -> Outcome:
        outcome = await once(context)
        if context.step.kind == "route":
            raise NotReadyError("told to fail after the route")
        return outcome

    object.__setattr__(stage.workspace, "platform", _with(stage, apply=failing))
    if stage.name == FAKE:
        stage.workspace.platform.resolve = _other_code(stage)  # type: ignore[method-assign]
    with pytest.raises(NotReadyError, match="told to fail"):
        await stage.deploy()
    stage.workspace = stage.open()
    assert shape(await stage.platform.observe()) == before


async def test_cut_off_steps_can_be_undone_without_an_outcome(stage: Stage) -> None:
    await stage.deploy()
    before = shape(await stage.platform.observe())
    stage.code("two")
    platform = _with(stage)
    undo = platform.undo

    async def forgetful(context: StepContext, outcome: Outcome) -> None:
        await undo(context, {})

    async def failing(context: StepContext) -> Outcome:
        if context.step.kind == "route":
            await stage.open().platform.apply(context)
            raise NotReadyError("told to fail inside the route")
        return await platform_apply(context)

    platform_apply = platform.apply
    platform.undo, platform.apply = forgetful, failing
    object.__setattr__(stage.workspace, "platform", platform)
    if stage.name == FAKE:
        platform.resolve = _other_code(stage)
    with pytest.raises(NotReadyError, match="told to fail"):
        await stage.deploy()
    stage.workspace = stage.open()
    assert shape(await stage.platform.observe()) == before


async def test_recreate_that_fails_starts_the_old_set_again(stage: Stage) -> None:
    (stage.project / "deploy.yaml").write_text("rollout: {strategy: recreate}\n")
    await stage.deploy()
    before = shape(await stage.platform.observe())
    stage.code("two")
    once = stage.platform.apply

    async def failing(context: StepContext) -> Outcome:
        if context.step.kind == "route":
            raise NotReadyError("told to fail before the route")
        return await once(context)

    object.__setattr__(stage.workspace, "platform", _with(stage, apply=failing))
    if stage.name == FAKE:
        stage.workspace.platform.resolve = _other_code(stage)  # type: ignore[method-assign]
    with pytest.raises(NotReadyError, match="told to fail"):
        await stage.deploy()
    stage.workspace = stage.open()
    assert shape(await stage.platform.observe()) == before
    if stage.name != FAKE:
        assert stage.answer("/chain") == "one+one"


async def test_rollback_brings_the_first_release_back(stage: Stage) -> None:
    await stage.deploy(label="v1")
    first = shape(await stage.platform.observe())
    stage.code("two")
    if stage.name == FAKE:
        stage.platform.resolve = _other_code(stage)  # type: ignore[method-assign]
    await stage.deploy(label="v2")
    assert dict((await stage.platform.observe()).weights) == {"2": 100}
    await rollback(
        stage.workspace, to=None, force=False, verify=True, approve=agree, options=RunOptions()
    )
    assert shape(await stage.platform.observe()) == first


async def test_probes_answer_for_every_instance(stage: Stage) -> None:
    release = (await stage.deploy()).plan.release
    assert release is not None
    probe = release.services["web"].service.probes.readiness
    assert probe is not None
    answers = await stage.platform.probe(release, "web", probe)
    assert [a.ok for a in answers] == [True]


async def test_logs_are_of_the_services_that_were_asked_for(stage: Stage) -> None:
    await stage.deploy()
    lines = [line async for line in stage.platform.logs(("web",), lines=5, follow=False)]
    assert lines
    assert {line.service for line in lines} == {"web"}


async def test_after_teardown_nothing_is_there(stage: Stage) -> None:
    await stage.deploy()
    await stage.cleanup()
    observed = await stage.platform.observe()
    assert shape(observed) == shape(Observed())
    with pytest.raises(SlipwayError):
        await rollback(
            stage.workspace, to=None, force=False, verify=True, approve=agree, options=RunOptions()
        )


def _with(stage: Stage, **methods: Any) -> Any:
    """The stage's platform with some of its methods replaced."""
    platform: Any = stage.open().platform

    class Changed:
        def __getattr__(self, name: str) -> Any:
            return getattr(platform, name)

    changed: Any = Changed()
    changed.apply, changed.undo = platform.apply, platform.undo
    for name, method in methods.items():
        setattr(changed, name, method)
    return changed


def _other_code(stage: Stage) -> Any:
    """The fake builds nothing: it takes another artifact's name as another code."""
    resolve = stage.open().platform.resolve

    def other(app: Any) -> Any:
        import msgspec

        return {n: msgspec.structs.replace(a, id=a.id + "-two") for n, a in resolve(app).items()}

    return other
