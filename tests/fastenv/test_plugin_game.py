"""A game of another package, built as docs/adding-a-game.md says, keeps the contract of games."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastenv
from tests.fastenv.contract import GameContract

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "plugin_game"
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]

pytest.importorskip("Cython")
pytest.importorskip("setuptools")


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder into which the package is installed; on the path while this module's tests run."""
    if os.name == "posix" and shutil.which(COMPILER) is None:
        pytest.skip("building a game needs a C compiler")
    folder = tmp_path_factory.mktemp("plugin_game")
    # A build writes beside the sources.
    shutil.copytree(SOURCE, folder / "source")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation"]
    install += ["--no-deps", "--no-index", "--target", str(site), str(folder / "source")]
    # The same package that these tests run on, wherever it comes from.
    here = {**os.environ, "PYTHONPATH": fastenv.get_include(), "CFLAGS": "-O1"}
    run = subprocess.run(install, capture_output=True, text=True, timeout=300, env=here)
    assert run.returncode == 0, run.stdout + run.stderr
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()
    yield site
    sys.path.remove(str(site))
    importlib.invalidate_caches()


class TestFlag(GameContract):
    game = "flag"
    longest_episode = 60


def test_it_is_found_by_its_entry_point_and_only_there(site: Path) -> None:
    assert "flag" in fastenv.games()
    assert fastenv.game_spec("flag").width == 9
    assert str(site) in str(sys.modules["flag_game.flag"].__file__)


def test_the_commands_know_it(site: Path, tmp_path: Path) -> None:
    """Recorded and judged without a word about it in the engine."""
    command = [sys.executable, "-m", "engine_plugin.cli"]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), fastenv.get_include()])}
    shared = ["--game", "flag", "--levels", "builtin", "--against", "survivor", "--json"]
    out = ["--player", "runner", "--transitions", "200", "--out", str(tmp_path / "runner.npz")]
    recorded = subprocess.run(
        [*command, "record", *out, *shared], capture_output=True, text=True, env=here, timeout=60
    )
    assert json.loads(recorded.stdout)["transitions"] >= 200, recorded.stderr
    judged = subprocess.run(
        [*command, "evaluate", "bot:runner", *shared, "--episodes", "20"],
        capture_output=True,
        text=True,
        env=here,
        timeout=60,
    )
    row = json.loads(judged.stdout)["against"]["survivor"]
    assert row["wins"] > row["losses"] and "self_kills" not in row
