"""Carries out a plan's stages, one operation after the other, in folders of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from slipway.platforms.local.build.files import bring, put, write
from slipway.platforms.local.build.interpreter import Interpreter, find_interpreter
from slipway.platforms.local.build.model import (
    Bring,
    BuildPlan,
    Folder,
    InstallNode,
    InstallPython,
    Put,
    Run,
    StagePlan,
    VenvAt,
    Write,
)
from slipway.platforms.local.build.nodedeps import ensure_modules, without_lock
from slipway.platforms.local.build.processes import SYSTEM_PATH
from slipway.platforms.local.build.pythondeps import (
    Placed,
    collect,
    ensure_venv,
    install_own,
    lock,
)
from slipway.platforms.local.build.runcommand import run_build_command
from slipway.platforms.local.build.shims import write_shims
from slipway.platforms.local.build.workshop import Workshop
from slipway.platforms.local.tools import Tool, ensure_tool, version_tuple
from slipway.platforms.local.tools.command import OnLine
from slipway.support.files import storage_errors

NODE_PROGRAMS = ("node", "npm", "npx", "yarn", "yarnpkg", "pnpm")
Reveal = Callable[[str], str]


class StageAtWork:
    """One stage as it is being made."""

    def __init__(self, plan: StagePlan, base: StageAtWork | None, shop: Workshop) -> None:
        self.plan = plan
        self.shop = shop
        self.installs: list[Placed] = list(base.installs) if base else []
        self.venv_paths: list[str] = list(base.venv_paths) if base else []
        self.modules: list[str] = list(base.modules) if base else []
        self.venv: Path | None = None
        self.lock_text = ""
        self.linked: set[str] = set()
        self.installed = 0


class Maker:
    """One build: what its stages share."""

    def __init__(
        self, plan: BuildPlan, work: Path, cache: Path, on_line: OnLine, reveal: Reveal
    ) -> None:
        self.plan = plan
        self.work = work
        self.cache = cache
        self.on_line = on_line
        self.reveal = reveal
        self.notes: list[str] = []
        self.node: Tool | None = None
        self.interpreter: Interpreter | None = None
        self.done: list[StageAtWork] = []

    async def make(self) -> StageAtWork:
        """All stages; the last one."""
        for place, plan in enumerate(self.plan.stages):
            base = self.done[plan.base] if plan.base is not None else None
            stage = StageAtWork(plan, base, self._shop(place, base))
            self.done.append(stage)
            for operation in plan.operations:
                await self._apply(stage, operation)
        final = self.done[-1]
        starts = (self.plan.run or "").split(None, 1)[:1]
        if self.plan.kind == "python" or final.installs or _is_python(starts):
            await self._python(final)
        if self.plan.kind == "node" or (starts and starts[0] in NODE_PROGRAMS):
            await self._node()
        return final

    def _shop(self, place: int, base: StageAtWork | None) -> Workshop:
        tree = self.work / f"stage-{place}" / "tree"
        scratch = self.work / f"stage-{place}" / "scratch"
        with storage_errors(tree):
            scratch.mkdir(parents=True)
            write_shims(tree.parent, SYSTEM_PATH)
            if base is None:
                tree.mkdir()
            else:
                shutil.copytree(base.shop.tree, tree, symlinks=True)
        return Workshop(self.plan, scratch, tree, self.cache, self.on_line, self.reveal)

    async def _apply(self, stage: StageAtWork, operation: object) -> None:
        shop = stage.shop
        if isinstance(operation, Put):
            put(operation, shop)
        elif isinstance(operation, Write):
            write(operation, shop)
        elif isinstance(operation, Folder):
            with storage_errors(shop.tree):
                shop.real(operation.path).mkdir(parents=True, exist_ok=True)
        elif isinstance(operation, Bring):
            self._bring(stage, operation)
        elif isinstance(operation, VenvAt):
            stage.venv_paths.append(operation.path)
        elif isinstance(operation, InstallPython):
            stage.installs.append(Placed(operation, shop))
        elif isinstance(operation, InstallNode):
            await self._install_node(stage, operation)
        elif isinstance(operation, Run):
            await self._run(stage, operation)

    def _bring(self, stage: StageAtWork, operation: Bring) -> None:
        source = self.done[operation.stage]
        self._link_venv_paths(source)
        missing = bring(operation, source.shop, stage.shop, installed=bool(source.installs))
        where = stage.shop.location(operation.line)
        self.notes.extend(f"{where}: not copied, because not made here: {path}" for path in missing)
        stage.installs.extend(i for i in source.installs if i not in stage.installs)
        stage.modules.extend(m for m in source.modules if m not in stage.modules)
        stage.venv_paths.extend(
            path
            for path in source.venv_paths
            if path not in stage.venv_paths and stage.shop.real(path).parent.is_dir()
        )

    def _link_venv_paths(self, stage: StageAtWork) -> None:
        """A place for COPY --from to find; the final stage's environment is put there."""
        for path in stage.venv_paths:
            real = stage.shop.real(path)
            with storage_errors(real):
                if not real.is_symlink() and not real.exists():
                    real.mkdir(parents=True)

    async def _install_node(self, stage: StageAtWork, install: InstallNode) -> None:
        node = await self._node()
        note = without_lock(install, stage.shop)
        if note is not None:
            self.notes.append(note)
        kept = await ensure_modules(install, node, stage.shop)
        link = stage.shop.real(install.workdir) / "node_modules"
        with storage_errors(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.is_symlink():
                link.unlink()
            elif link.is_dir():
                shutil.rmtree(link)
            link.symlink_to(kept / "node_modules")
        stage.modules.append(str(kept / "node_modules"))

    async def _node(self) -> Tool:
        if self.node is None:
            wanted = self.plan.wanted if self.plan.kind == "node" else None
            least = version_tuple(wanted or "")[:1]
            self.node = await ensure_tool("node", self.cache, self.on_line, least=least)
            major = self.node.version.partition(".")[0]
            if wanted is not None and major != wanted.partition(".")[0]:
                self.notes.append(f"Node {wanted} is asked for, this is Node {self.node.version}")
        return self.node

    async def _python(self, stage: StageAtWork) -> Path:
        """The environment with all that was installed in the stage so far."""
        if stage.venv is not None and stage.installed == len(stage.installs):
            return stage.venv
        if self.interpreter is None:
            self.interpreter = await self._interpreter()
        interpreter, shop = self.interpreter, stage.shop
        wanted = await collect(stage.installs)
        stage.lock_text = await lock(wanted, interpreter, shop)
        venv = await ensure_venv(stage.lock_text, interpreter, shop, wanted.environment)
        site = shop.tree.parent / "site"
        shutil.rmtree(site, ignore_errors=True)
        await install_own(wanted, venv, site, shop)
        stage.venv, stage.installed = venv, len(stage.installs)
        self._link(stage, venv)
        return venv

    def _link(self, stage: StageAtWork, venv: Path) -> None:
        for path in dict.fromkeys(stage.venv_paths):
            real = stage.shop.real(path)
            with storage_errors(real):
                if real.is_symlink():
                    real.unlink()
                elif real.exists():
                    shutil.rmtree(real)
                real.parent.mkdir(parents=True, exist_ok=True)
                real.symlink_to(venv)

    async def _interpreter(self) -> Interpreter:
        wanted = self.plan.wanted if self.plan.kind == "python" else None
        found = await find_interpreter(wanted, self.on_line, self.cache)
        if wanted is not None and "." in wanted and found.version != wanted:
            self.notes.append(f"Python {wanted} is asked for, this is Python {found.version}")
        return found

    async def _run(self, stage: StageAtWork, operation: Run) -> None:
        venv = None
        if stage.installs or operation.program.startswith("python"):
            venv = await self._python(stage)
        node = await self._node() if stage.modules or operation.program in NODE_PROGRAMS else None
        skipped = await run_build_command(
            operation, self.plan, stage.shop, venv=venv, node=node, reveal=self.reveal
        )
        if skipped is not None:
            self.notes.append(skipped)


def _is_python(words: list[str]) -> bool:
    return bool(words) and words[0].startswith("python")
