"""The pieces that strategies are made of: each method adds the steps of one part of a rollout.

A strategy (`blue_green`, `canary`, ...) calls them in its order. Pure: data in, steps out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slipway.app.model import Service
from slipway.plan.graph import dependencies
from slipway.plan.model import Step, StepKind
from slipway.plan.observed import Instance, Observed
from slipway.plan.release import Release
from slipway.plan.rollout.draining import callers_first
from slipway.plan.rollout.situation import Situation

RUNNING = ("starting", "running", "ready")


class Builder:
    """Collects steps in order; `steps` is the result."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.release: Release = situation.release
        self.observed: Observed = situation.observed
        self.services_by_name: dict[str, Service] = {
            name: entry.service for name, entry in self.release.services.items()
        }
        self.steps: list[Step] = []
        self.ready: dict[str, str] = {}

    def add(
        self,
        kind: StepKind,
        title: str,
        *,
        service: str | None = None,
        needs: Iterable[str] = (),
        interrupts: bool = False,
        **args: Any,
    ) -> str:
        subject = service or (args.get("key") if kind == "drain" else None)
        step_id = f"{kind}:{subject}" if subject else kind
        if kind == "drain":
            step_id = f"drain:{service}@{str(args['key'])[:8]}"
        step_id = self._unique(step_id)
        present = {step.id for step in self.steps}
        self.steps.append(
            Step(
                id=step_id,
                kind=kind,
                title=title,
                service=service,
                release=self.release.number,
                args=args,
                needs=tuple(n for n in dict.fromkeys(needs) if n in present),
                interrupts=interrupts,
            )
        )
        return step_id

    def _unique(self, step_id: str) -> str:
        """`route`, `route#2`, ...: a strategy may do one thing several times."""
        taken = sum(s.id == step_id or s.id.startswith(f"{step_id}#") for s in self.steps)
        return f"{step_id}#{taken + 1}" if taken else step_id

    def preparation(self) -> None:
        """Secrets, the record of the release, artifacts, volumes."""
        if self.situation.new_secrets:
            names = ", ".join(self.situation.new_secrets)
            self.add(
                "secrets",
                f"keep secrets {names}",
                names=list(self.situation.new_secrets),
                found=list(self.situation.found_secrets),
            )
        for name, entry in self.release.services.items():
            artifact = entry.artifact
            if artifact is None or artifact.id in self.observed.artifacts:
                continue
            self.add("build", f"build {name}", service=name)
        if self.situation.new_release:
            builds = [s.id for s in self.steps]
            title = f"record release {self.release.number} ({self.release.label})"
            self.add("record", title, needs=builds)
        for name in self.situation.missing_volumes():
            self.add("volume", f"make volume {name}", service=name, needs=self._gate())

    def _gate(self) -> list[str]:
        return [s.id for s in self.steps if s.kind in ("secrets", "build", "record")]

    def backing(self) -> None:
        """Start what is missing, replace what changed, wait for all."""
        for name in self.situation.order:
            service = self.services_by_name[name]
            if service.role != "backing":
                continue
            running = self._running(name, "")
            wanted = self.release.services[name].fingerprint
            changed = bool(running) and running[0].fingerprint != wanted
            needs = [*self._gate(), *(s.id for s in self.steps if s.kind == "volume")]
            needs += [self.ready[d] for d in self._waits_for(service)]
            if changed:
                title = f"replace {name}"
                self._backing_step(name, title, needs, before=running[0].fingerprint)
            elif not running:
                self._backing_step(name, f"start {name}", needs, before="")
            self._ready_step(service, "")

    def _backing_step(self, name: str, title: str, needs: list[str], *, before: str) -> None:
        self.add(
            "backing",
            title,
            service=name,
            needs=needs,
            interrupts=bool(before),
            replace=bool(before),
            before=before,
            fingerprint=self.release.services[name].fingerprint,
        )

    def services(self, only_one_of: frozenset[str] = frozenset()) -> None:
        """Jobs and services of the revision, each after what it depends on.

        Of `only_one_of` a single instance is started, for now.
        """
        for name in self.situation.order:
            service = self.services_by_name[name]
            if service.role == "backing":
                continue
            key = self.release.services[name].key
            needs = self._gate() + [self.ready[d] for d in self._waits_for(service)]
            needs += [s.id for s in self.steps if s.kind in ("drain", "volume")]
            if service.role == "job":
                self._job_step(service, key, needs)
                continue
            replicas = 1 if name in only_one_of else service.replicas
            running = len(self._running(name, key))
            if running < replicas:
                copies = "" if replicas == 1 else f", {replicas} instances"
                self._start_step(name, f"start {name}{copies}", needs, replicas, running)
            self._ready_step(service, key)

    def grow(self, name: str, replicas: int) -> None:
        """One instance more of a service of the new revision, once all before is done."""
        if len(self._running(name, self.release.services[name].key)) >= replicas:
            return
        title = f"start instance {replicas} of {name}"
        self._start_step(name, title, self.all_ids(), replicas, replicas - 1)
        self._ready_step(self.services_by_name[name], self.release.services[name].key)

    def _start_step(
        self, name: str, title: str, needs: Iterable[str], replicas: int, before: int
    ) -> None:
        self.add(
            "start",
            title,
            service=name,
            needs=needs,
            key=self.release.services[name].key,
            replicas=replicas,
            before=before,
        )

    def shrink_old(self, name: str, leave: int) -> None:
        """Drain instances of the old revision until `leave` are left."""
        assert self.situation.base is not None
        key = self.situation.base.services[name].key
        running = len(self._running(name, key))
        taken = sum(s.kind == "drain" and s.args.get("key") == key for s in self.steps)
        there = min([running, *(s.args["leave"] for s in self.steps if self._shrinks(s, key))])
        if leave >= there:
            return
        self.add(
            "drain",
            f"drain instance {taken + 1} of {name} of the old revision",
            service=name,
            needs=self.all_ids(),
            key=key,
            grace=self.situation.grace_of(name),
            replicas=there,
            leave=leave,
        )

    @staticmethod
    def _shrinks(step: Step, key: str) -> bool:
        return step.kind == "drain" and step.args.get("key") == key and "leave" in step.args

    def _job_step(self, service: Service, key: str, needs: list[str]) -> None:
        if key in self.situation.finished_jobs:
            return
        self.ready[service.name] = self.add(
            "job",
            f"run {service.name}",
            service=service.name,
            needs=needs,
            key=key,
            deadline=self.situation.job_deadline,
        )

    def _ready_step(self, service: Service, key: str) -> None:
        starter = [s.id for s in self.steps if s.service == service.name and s.kind != "volume"]
        self.ready[service.name] = self.add(
            "ready",
            f"wait for {service.name}",
            service=service.name,
            needs=[*starter, *self._gate()],
            key=key,
            deadline=service.probes.deadline,
        )

    def _waits_for(self, service: Service) -> list[str]:
        return [d for d in dependencies(self.services_by_name, service.name) if d in self.ready]

    def _running(self, name: str, key: str) -> list[Instance]:
        return [i for i in self.observed.of(name, key) if i.state in RUNNING]

    def entry(self) -> None:
        """The proxy, and smoke tests straight at the revision."""
        everything = self.all_ids()
        if self.release.routes and self.situation.proxy_differs():
            restart = self.observed.proxy
            title = "restart the proxy with other ports" if restart else "start the proxy"
            self.add(
                "proxy",
                title,
                interrupts=restart,
                listens=self.situation.listens(),
                before=list(self.observed.listens) if restart else [],
            )
        if self.situation.verify and self.release.smoke_tests:
            self.add("smoke", "smoke tests, before traffic", needs=everything)

    def all_ids(self) -> list[str]:
        """Every step so far."""
        return [s.id for s in self.steps]

    def route(self, title: str, weights: Mapping[str, int], before: Mapping[str, int]) -> None:
        """Give the revisions these shares, once everything so far is done."""
        self.add(
            "route",
            title,
            needs=self.all_ids(),
            weights=dict(weights),
            before=dict(before),
            **self.situation.route_settings(),
        )

    def all_traffic(self, before: Mapping[str, int] | None = None) -> None:
        """Everything to the new revision; then verify from outside."""
        number = str(self.release.number)
        if self.release.routes and (before is not None or self.situation.route_differs()):
            title = f"send all traffic to release {number}"
            self.route(title, {number: 100}, self.observed.weights if before is None else before)
        if self.situation.verify:
            self.add("verify", "verify", needs=self.all_ids())

    def drains(self, after: Sequence[str]) -> None:
        """Stop every running set that the new release does not share: a service only once those
        that call it have finished what they began.
        """
        leftovers = self.situation.leftovers()
        callers = callers_first(self.situation.base or self.release, [n for n, _ in leftovers])
        drained: dict[str, list[str]] = {name: [] for name in callers}
        for name, key in sorted(leftovers, key=lambda found: [*callers].index(found[0])):
            grace = self.situation.grace_of(name)
            title = f"drain and stop {name} of the old revision"
            count = len(self._running(name, key))
            step = self.add(
                "drain",
                title,
                service=name,
                needs=[*after, *(s for caller in callers[name] for s in drained[caller])],
                key=key,
                grace=grace,
                replicas=count,
            )
            drained[name].append(step)
        self._surplus(after)

    def _surplus(self, after: Iterable[str]) -> None:
        """Drain the instances that are more than a shared service is to have."""
        for name, entry in self.release.services.items():
            running, wanted = len(self._running(name, entry.key)), entry.service.replicas
            if not entry.key or running <= wanted:
                continue
            self.add(
                "drain",
                f"drain {running - wanted} of {running} instances of {name}",
                service=name,
                needs=after,
                key=entry.key,
                grace=self.situation.grace_of(name),
                replicas=running,
                leave=wanted,
            )

    def ending(self, *, drain: bool = True) -> None:
        """Make it the current release, then take away what it replaced."""
        if self.situation.activates:
            title = f"make release {self.release.number} the current one"
            self.add("activate", title, needs=self.all_ids())
        done = [self.steps[-1].id] if self.steps else []
        if drain:
            self.drains(after=done)
        for name in self.situation.orphans():
            title = f"stop {name}, which left the app (its data stays)"
            self.add("stop", title, service=name, needs=done)
        if self.situation.obsolete_artifacts:
            numbers = ", ".join(str(n) for n in self.situation.obsolete)
            self.add(
                "remove",
                f"remove old releases {numbers}" if numbers else "remove builds of no release",
                needs=self.all_ids(),
                releases=list(self.situation.obsolete),
                artifacts=list(self.situation.obsolete_artifacts),
            )
