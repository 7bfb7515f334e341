from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from slipway.support import paths


def test_deploy_variables_win(tmp_path: Path) -> None:
    environ = {"DEPLOY_HOME": str(tmp_path / "h"), "DEPLOY_CACHE": str(tmp_path / "c")}
    assert paths.state_home(environ) == tmp_path / "h"
    assert paths.cache_home(environ) == tmp_path / "c"


@pytest.mark.skipif(sys.platform != "linux", reason="the system's folders are Linux's")
def test_root_uses_the_systems_folders_and_others_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert paths.state_home({"HOME": "/root"}) == Path("/var/lib/slipway")
    assert paths.cache_home({"HOME": "/root"}) == Path("/var/cache/slipway")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert paths.state_home({"HOME": "/home/ann"}) == Path("/home/ann/.local/state/slipway")
    assert paths.cache_home({"HOME": "/home/ann"}) == Path("/home/ann/.cache/slipway")
    assert paths.state_home({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path("/s/slipway")
    assert paths.state_home({"HOME": "/h", "XDG_STATE_HOME": "s"}) == Path(
        "/h/.local/state/slipway"
    )


def test_keys_do_not_live_with_the_state() -> None:
    environ = {"HOME": "/home/ann", "DEPLOY_HOME": "/srv/state"}
    assert not paths.config_home(environ).is_relative_to("/srv/state")


def test_an_app_id_is_of_the_real_folder(tmp_path: Path) -> None:
    real, other = tmp_path / "real", tmp_path / "other"
    real.mkdir()
    other.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    assert paths.app_id("inbox", real) == paths.app_id("inbox", link)
    assert paths.app_id("inbox", real) != paths.app_id("inbox", other)
    assert paths.app_id("inbox", real).startswith("inbox-")
    assert "/" not in paths.app_id("../My App", real)


def test_each_environment_has_a_folder_of_its_own() -> None:
    environ = {"DEPLOY_HOME": "/srv/d"}
    homes = {paths.environment_home(environ, "a-1", name) for name in ("prod", "Prod", "p/rod")}
    assert len(homes) == 3
    assert Path("/srv/d/apps/a-1/prod") in homes
    assert all(home.parent == Path("/srv/d/apps/a-1") for home in homes)


def test_roots_keys_are_found_whatever_home_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_is_system_user", lambda: True)
    assert paths.config_home({"HOME": "/one"}) == paths.config_home({"HOME": "/another"})
    assert str(paths.config_home({"XDG_CONFIG_HOME": "/conf"})) == "/conf/slipway"
