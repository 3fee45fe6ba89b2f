"""Which room may import what: proven in fresh processes that do something, and by reading imports.

The table is that of the README: the data below says it once, the tests only walk it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = ("fastenv", "engine_plugin", "assets")


# --------------------------------------------------------------------------- imports as written


@dataclass(frozen=True)
class Room:
    """Files and what they may import, beside the standard library and each other.

    files: globs from the root; may_import: module prefixes, of our own and of others
    """

    name: str
    files: tuple[str, ...]
    may_import: tuple[str, ...]


PLUGIN_CORE = tuple(
    f"engine_plugin.{name}"
    for name in (
        "card", "checks", "errors", "facts", "files", "journal", "protobuf", "strict_json",
        "trajectory",
    )
)  # fmt: skip
RUNTIME = (*PLUGIN_CORE, "engine_plugin.runtime", "numpy", "onnxruntime")
GHOST = ("engine_plugin.grid", "engine_plugin.ghost")
FASTENV_CORE = (
    "batch", "bots", "builtin_levels", "errors", "games", "level", "registry", "spec",
    "ways", "workers", "yardstick",
)  # fmt: skip
TENSORFLOW = ("tensorflow", "keras")

ROOMS = (
    Room(
        "fastenv",
        ("fastenv/*.py", "fastenv/games/*.py*", "fastenv/bots/*.py*", "fastenv/*.pyx"),
        (*(f"fastenv.{name}" for name in FASTENV_CORE), "numpy"),
    ),
    Room(
        "fastenv.adapters",
        ("fastenv/adapters/*.py",),
        ("fastenv", "numpy", "gymnasium", "pettingzoo"),
    ),
    Room(
        "engine_plugin core and runtime",
        (
            *(f"{module.replace('.', '/')}.py" for module in PLUGIN_CORE),
            "engine_plugin/runtime/*.py",
        ),
        RUNTIME,
    ),
    Room(
        "engine_plugin.bridge",
        tuple(
            f"engine_plugin/bridge/{name}.py"
            for name in (
                "__init__", "act", "actions", "actor", "clock", "drive", "driven", "game_file",
                "here", "job", "over", "players", "recording", "remote", "run", "schema", "seat",
                "sitting", "wire",
            )
        ),
        (*RUNTIME, "engine_plugin.bridge"),
    ),
    Room(
        "engine_plugin.bridge, where it touches the game's library",
        ("engine_plugin/bridge/machine/*.py",),
        ("engine_plugin.errors", "engine_plugin.bridge.clock", "engine_plugin.bridge.machine",
         "numpy", "pygame"),
    ),
    Room(
        "engine_plugin.bridge, where a ghost watches a seat",
        ("engine_plugin/bridge/seat_ghost.py",),
        (*RUNTIME, *GHOST, "engine_plugin.bridge"),
    ),
    Room(
        "engine_plugin.bridge, as a Gymnasium env",
        ("engine_plugin/bridge/driven_env.py",),
        ("engine_plugin.bridge", "engine_plugin.errors", "numpy", "gymnasium"),
    ),
    Room(
        # fastenv only for the types of a grid game's facts.
        "engine_plugin.grid and engine_plugin.ghost",
        ("engine_plugin/grid.py", "engine_plugin/ghost/*.py"),
        (*RUNTIME, *GHOST, "fastenv.GameSpec"),
    ),
    Room(
        "engine_plugin.levels",
        ("engine_plugin/levels/*.py",),
        (*RUNTIME, "engine_plugin.levels", "fastenv"),
    ),
    Room(
        "engine_plugin.learn",
        ("engine_plugin/learn/*.py", "engine_plugin/learn/worlds/*.py"),
        (*RUNTIME, *GHOST, "engine_plugin.bridge", "engine_plugin.learn", "engine_plugin.levels",
         "fastenv", "rich",
         "gymnasium", "matplotlib", *TENSORFLOW),
    ),
    Room(
        "engine_plugin.export",
        ("engine_plugin/export/*.py",),
        (*RUNTIME, "engine_plugin.learn", "engine_plugin.export", "fastenv", "onnx", "tf2onnx",
         *TENSORFLOW),
    ),
    Room(
        "engine_plugin.host",
        ("engine_plugin/host/**/*.py",),
        (*RUNTIME, *GHOST, "engine_plugin.levels", "engine_plugin.host", "fastenv", "pygame"),
    ),
    Room(
        "engine_plugin's measuring tools",
        ("engine_plugin/bench.py", "engine_plugin/doctor.py"),
        (*RUNTIME, "fastenv"),
    ),
)  # fmt: skip


def source_files(room: Room) -> list[Path]:
    return sorted(
        path
        for pattern in room.files
        for path in ROOT.glob(pattern)
        if path.suffix in (".py", ".pyx")
    )


def imported_modules(path: Path) -> list[str]:
    """Absolute names of the imported modules, those inside functions and type checks too."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".pyx":
        lines = [line.split() for line in text.splitlines() if not line.startswith(" ")]
        return [
            words[1].rstrip(",")
            for words in lines
            if words[:1] in (["import"], ["from"])
        ]
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # Of a package, the imported names may be modules.
            names += [
                f"{node.module}.{alias.name}" if node.module in OWN else str(node.module)
                for alias in node.names
            ]
    return names


def is_allowed(module: str, room: Room) -> bool:
    top = module.split(".")[0]
    if top in sys.stdlib_module_names or top in ("__future__", "libc", "cpython", "Cython"):
        return True
    return any(
        module == prefix or module.startswith(f"{prefix}.") for prefix in room.may_import
    )


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_imports_only_what_it_may(room: Room):
    files = source_files(room)
    assert files, "the room has no files: the table is out of date"
    forbidden = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files
        for module in imported_modules(path)
        if not is_allowed(module, room)
    ]
    assert forbidden == []


def test_every_source_file_is_in_a_room():
    known = {path for room in ROOMS for path in source_files(room)}
    # The command line imports inside its commands (and prints by tables.py, which imports
    # nothing); the package itself loads names on first use.
    names = ("__init__.py", "cli.py", "cli_loops.py", "tables.py")
    known |= {ROOT / "engine_plugin" / name for name in names}
    files = {
        path
        for package in ("fastenv", "engine_plugin")
        for suffix in ("py", "pyx")
        for path in (ROOT / package).rglob(f"*.{suffix}")
    }
    assert files - known == set()


# ----------------------------------------------------------------- what a fresh process loads


@dataclass(frozen=True)
class Proof:
    """A script for a fresh process, and what it must not have loaded at its end.

    needs: modules without which there is nothing to prove
    """

    name: str
    script: str
    must_not_load: tuple[str, ...]
    needs: tuple[str, ...] = ()


TRAINING = ("tensorflow", "keras", "tf2onnx", "onnx")

PROOFS = (
    Proof(
        "spec and level are plain Python",
        "import fastenv.errors, fastenv.spec, fastenv.level",
        (*TRAINING, "pygame", "engine_plugin", "gymnasium", "onnxruntime"),
    ),
    Proof(
        "fastenv plays",
        """
import numpy as np, fastenv
batch = fastenv.make_batch("blast", 2)
batch.step(np.stack([fastenv.make_bot("miner").act(batch, seat) for seat in (0, 1)], axis=1))
""",
        (*TRAINING, "pygame", "engine_plugin", "gymnasium", "pettingzoo", "onnxruntime"),
    ),
    Proof(
        "the Gymnasium adapter steps and draws",
        """
import gymnasium
env = gymnasium.make("fastenv.adapters.gymnasium:fastenv/Blast-v0", render_mode="rgb_array")
env.reset(seed=1)
env.step(0)
assert env.render().shape == (176, 208, 3)
""",
        (*TRAINING, "pygame", "engine_plugin", "pettingzoo"),
        ("gymnasium",),
    ),
    Proof(
        "the vector adapter steps",
        """
import gymnasium, numpy as np
envs = gymnasium.make_vec("fastenv.adapters.gymnasium:fastenv/Race-v0", 2)
envs.reset(seed=1)
envs.step(np.zeros(2, np.int64))
assert type(envs).__name__ == "FastenvVectorEnv"
""",
        (*TRAINING, "pygame", "engine_plugin", "pettingzoo"),
        ("gymnasium",),
    ),
    Proof(
        "the PettingZoo adapter steps",
        """
from fastenv.adapters.pettingzoo import parallel_env
env = parallel_env()
env.reset(seed=1)
env.step({agent: 0 for agent in env.agents})
""",
        (*TRAINING, "engine_plugin"),
        ("gymnasium", "pettingzoo"),
    ),
    Proof(
        "levels: every module, and levels to start on",
        """
import importlib, pkgutil
import fastenv, engine_plugin.levels
for module in pkgutil.iter_modules(engine_plugin.levels.__path__):
    importlib.import_module(f"engine_plugin.levels.{module.name}")
from engine_plugin.levels.source import levels_from
assert len(levels_from("builtin", fastenv.game_spec("blast"), 1, 3)) == 3
""",
        (*TRAINING, "pygame", "engine_plugin.learn", "engine_plugin.host"),
    ),
    Proof(
        "a ghost is raised with what a game ships",
        """
import numpy as np, engine_plugin as ai
facts = ai.ForeignGame("pong", ("up", "down"), (ai.ForeignField("ball", (2,), -1, 1),))
ghost = ai.Ghost(facts, config=ai.GhostConfig(steps=2))
for row in np.random.default_rng(0).random((100, 2), np.float32):
    ghost.add(row, int(row[0] > row[1]))
ghost.start().wait()
assert ghost.policy().act(row, np.ones(2)) in (0, 1)
""",
        (*TRAINING, "pygame", "fastenv", "engine_plugin.learn", "engine_plugin.levels"),
    ),
    Proof(
        "evaluation needs no TensorFlow",
        """
import fastenv, engine_plugin.learn.judge
from engine_plugin.learn.evaluate import ScriptedPolicy, play_episodes
spec = fastenv.game_spec("blast")
played = play_episodes(spec, ScriptedPolicy("hunter"), ["idle"], 2, 1, None, "none")
assert played["idle"].shape == (2, len(spec.statistics))
""",
        (*TRAINING, "pygame", "engine_plugin.host", "engine_plugin.export"),
    ),
    Proof(
        "a run's report needs no TensorFlow",
        "import engine_plugin.learn.report",
        (*TRAINING, "pygame", "fastenv", "engine_plugin.host", "engine_plugin.export"),
        ("matplotlib",),
    ),
    Proof(
        "tournaments and the opponent pool need no TensorFlow",
        """
import engine_plugin.learn.opponents
from engine_plugin.learn.tournament import play_tournament
held = play_tournament(("blast/medium", "bot:idle"), "blast", 2, 1, "builtin")
assert len(held["contestants"]) == 2
""",
        (*TRAINING, "pygame", "engine_plugin.host", "engine_plugin.export"),
    ),
    Proof(
        "the host's options, match and replays need no pygame",
        "import engine_plugin.host.options, engine_plugin.host.match, engine_plugin.host.replay",
        (*TRAINING, "pygame", "engine_plugin.learn", "engine_plugin.export"),
    ),
    Proof(
        "the host plays without a window and without TensorFlow",
        """
from engine_plugin.host.app import play
from engine_plugin.host.options import PlayOptions
result = play(PlayOptions(headless=True, seed=7, player="bot:hunter", opponent="bot:survivor"))
assert result["ticks"] > 0
""",
        (*TRAINING, "engine_plugin.learn", "engine_plugin.export"),
        ("pygame",),
    ),
    Proof(
        "a seat in a loop, and whoever plays in it",
        """
import os
os.environ["SDL_VIDEODRIVER"] = "dummy"
import pygame, engine_plugin as ai
pygame.init()
screen = pygame.display.set_mode((100, 100))
seat = ai.Seat("own", keys={"stay": [], "up": [pygame.K_UP]}, see=lambda: {"a": 1},
               script=lambda shown: "up")
seat.tick()
assert seat.keys(pygame.key.get_pressed())[pygame.K_UP]
""",
        (*TRAINING, "fastenv", "gymnasium", "engine_plugin.learn", "engine_plugin.host"),
        ("pygame",),
    ),
    Proof(
        "what plays for a learner loads no models",
        "import engine_plugin.bridge.act, engine_plugin.bridge.machine.virtual",
        (*TRAINING, "fastenv", "gymnasium", "onnxruntime", "engine_plugin.runtime"),
        ("pygame",),
    ),
    Proof(
        "doctor and bench need only metadata and the games",
        "import engine_plugin.bench, engine_plugin.doctor; engine_plugin.doctor.examine()",
        (*TRAINING, "pygame", "onnxruntime", "engine_plugin.learn", "engine_plugin.host"),
    ),
    Proof(
        "the command line itself loads none of its commands",
        "import engine_plugin.cli",
        (*TRAINING, "pygame", "onnxruntime", "fastenv"),
    ),
)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_a_fresh_process_loads_only_what_the_room_may(proof: Proof):
    for module in proof.needs:
        if find_spec(module) is None:
            pytest.skip(f"needs {module}")
    ending = f"\nimport sys\nprint('LOADED', sorted(set({proof.must_not_load}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", proof.script + ending],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "LOADED []"
