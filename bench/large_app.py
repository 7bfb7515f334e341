"""Reading and planning an app of 500 services: compose.yaml to a Plan, nothing started."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from _bench import report, timed

from slipway.app.assemble import LoadOptions, load_app
from slipway.plan.desired import Inputs, desired_release
from slipway.plan.make import Request, rollout_plan, situation_order
from slipway.plan.observed import Observed

SERVICES = 500


def compose() -> str:
    """500 services in 50 groups of ten that depend on each other, as a generator would write."""
    lines = ["x-base: &base", "  restart: unless-stopped", "services:"]
    for number in range(SERVICES):
        name = f"svc{number:03d}"
        lines += [f"  {name}:", "    <<: *base", f"    image: registry.example/{name}:1.{number}"]
        lines += ["    environment:", f"      NAME: {name}", "      LEVEL: ${LEVEL:-info}"]
        if number % 10:
            lines.append(f"      NEXT: http://svc{number - 1:03d}:8080/api")
            lines += ["    depends_on:", f"      - svc{number - 1:03d}"]
        else:
            lines += ["    ports:", f'      - "{20000 + number}:8080"']
    return "\n".join(lines) + "\n"


def plan(folder: Path) -> int:
    """Read, assemble, make the release and its plan; the number of steps."""
    app = load_app(LoadOptions(directory=str(folder)), {"PATH": os.environ["PATH"]}).app
    inputs = Inputs(
        app=app, platform="none", artifacts={}, secrets={}, label="v1", number=1, created=0.0
    )
    release = desired_release(inputs)
    made = rollout_plan(
        Request(
            verb="install",
            release=release,
            observed=Observed(),
            base=None,
            order=situation_order(release),
            new_release=True,
            activates=True,
        )
    )
    return len(made.steps)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "compose.yaml").write_text(compose())
        seconds = timed(lambda: plan(Path(name)), 10)
        report(f"read and plan {SERVICES} services", seconds, 1.0, steps=plan(Path(name)))
