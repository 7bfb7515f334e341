"""Drift: what differs between the current release and the world. Pure.

`status` shows it, `engine.reconcile` repairs it; what is said here and what the repair's plan
does are made from the same questions (`rollout.situation`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from slipway.plan.model import Change, Plan
from slipway.plan.observed import Instance, Observed
from slipway.plan.release import Release, ReleaseService
from slipway.plan.rollout.builder import RUNNING
from slipway.plan.rollout.situation import Situation
from slipway.support.data import Frozen


class Drift(Frozen, frozen=True, kw_only=True, omit_defaults=False):
    """One thing that is not as the release says. `subject`: a service, `proxy`, `traffic` or
    `volume NAME`; `what` is for a person, without values of secrets or variables.
    """

    subject: str
    what: str


def drift(release: Release, observed: Observed) -> tuple[Drift, ...]:
    """Everything that differs, services first. Only true between runs: one that goes on makes
    the world another on purpose.
    """
    situation = Situation(
        release=release,
        observed=observed,
        base=release,
        order=(),
        new_release=False,
        activates=False,
    )
    found = [d for entry in release.services.values() for d in _service(situation, entry)]
    return (*found, *_leftovers(situation), *_volumes(situation), *_proxy(situation))


def _service(situation: Situation, entry: ReleaseService) -> Iterator[Drift]:
    service, observed = entry.service, situation.observed
    artifact = entry.artifact
    if artifact is not None and artifact.id not in observed.artifacts:
        yield Drift(subject=service.name, what="its build is gone")
    if service.role == "job":
        return
    found = observed.of(service.name, entry.key)
    running = [i for i in found if i.state in RUNNING]
    if service.role == "backing" and running and running[0].fingerprint != entry.fingerprint:
        what = f"runs with another configuration than release {situation.release.number} has"
        yield Drift(subject=service.name, what=what)
    wanted = 1 if service.role == "backing" else service.replicas
    if len(running) < wanted or (service.role != "backing" and len(running) > wanted):
        yield Drift(subject=service.name, what=_count(len(running), wanted, found))
    for deviation in observed.deviations:
        same = (deviation.subject, deviation.key) == (service.name, entry.key)
        if deviation.kind == "instance" and same:
            yield Drift(subject=service.name, what=deviation.what)


def _count(running: int, wanted: int, found: Sequence[Instance]) -> str:
    if not running and wanted == 1:
        text = "does not run"
    elif running > wanted:
        return f"{running} instances run, {wanted} wanted"
    else:
        text = f"{running} of {wanted} instances run"
    why = next((i.detail for i in found if i.state == "crashed" and i.detail), "")
    return f"{text}: {why}" if why else text


def _leftovers(situation: Situation) -> Iterator[Drift]:
    number = situation.release.number
    for name, key in situation.leftovers():
        up = any(i.state in RUNNING for i in situation.observed.of(name, key))
        word = "still runs" if up else "is still there"
        yield Drift(subject=name, what=f"a set of it that is not of release {number} {word}")
    for name in situation.orphans():
        yield Drift(subject=name, what=f"runs, and release {number} has no such service")


def _volumes(situation: Situation) -> Iterator[Drift]:
    for name in situation.missing_volumes():
        yield Drift(subject=f"volume {name}", what="is gone, with its data")


def _proxy(situation: Situation) -> Iterator[Drift]:
    release, observed = situation.release, situation.observed
    if not release.routes:
        return
    for deviation in observed.deviations:
        if deviation.kind != "instance":
            yield Drift(subject=deviation.subject, what=deviation.what)
    if not observed.proxy:
        yield Drift(subject="proxy", what="does not run")
        return
    for port in situation.unheard():
        yield Drift(subject="proxy", what=f"does not listen on port {port}")
    if dict(observed.weights) != {str(release.number): 100}:
        shares = ", ".join(f"release {n} has {w}%" for n, w in sorted(observed.weights.items()))
        text = f"{shares or 'no release has any'}; release {release.number} is to have all"
        yield Drift(subject="traffic", what=text)


def repairs(plan: Plan, found: Sequence[Drift]) -> Plan:
    """`plan` with the drift as its changes; without any drift there is nothing to do."""
    if not found:
        return msgspec.structs.replace(plan, steps=(), changes=_kept(plan, set()))
    subjects = {each.subject for each in found}
    interrupted = {s.service or s.kind for s in plan.steps if s.interrupts}
    changes = [
        Change(
            action="interrupt" if subject in interrupted else "change",
            subject=subject,
            summary="; ".join(each.what for each in found if each.subject == subject),
        )
        for subject in dict.fromkeys(each.subject for each in found)
    ]
    return msgspec.structs.replace(plan, changes=(*changes, *_kept(plan, subjects)))


def _kept(plan: Plan, subjects: set[str]) -> tuple[Change, ...]:
    names = plan.release.services if plan.release else ()
    return tuple(
        Change(action="keep", subject=name, summary="as it was made")
        for name in names
        if name not in subjects
    )
