"""A game file that cannot be edited, as a Gymnasium env."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.actor import PATIENCE
from engine_plugin.bridge.job import ROUND_FRAMES, Job
from engine_plugin.errors import ConfigError

if TYPE_CHECKING:
    from engine_plugin.bridge.driven_env import DrivenEnv


def drive(
    game: str | Path,
    *,
    keys: Mapping[str, Iterable[int]],
    see: Mapping[str, str],
    score: str = "0",
    over: str = "False",
    restart: str = "",
    arena: tuple[float, float, float, float] | None = None,
    every: int = 6,
    nearest: int | Mapping[str, int] = 4,
    max_frames: int = ROUND_FRAMES,
    drawing: bool = False,
    patience: float = PATIENCE,
) -> DrivenEnv:
    """A game's file as a Gymnasium env: it runs unchanged, in virtual time, as its own process.

        env = drive("pong.py", keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
                    see={"me": "paddle.rect", "ball": "ball.rect", "speed": "ball.velocity"},
                    score="points", over="lives == 0")

    see, score, over, restart: Python expressions about the game's own names, see `driven.py`; a
        round that the game ends by exiting is over as well; without restart each is a fresh process
    arena: (left, top, width, height), without it the screen; the others as in `Seat`

    Raises ConfigError here, also where gymnasium is not installed; GameLoopError in `reset` and
    `step` where the game does what it must not.
    """
    actions = Actions.declared(keys)
    path = Path(game).resolve()
    if not path.is_file():
        raise ConfigError(f"expected a game file, got {game}")
    facts = {
        "name": path.stem,
        "keys": {
            name: sorted(held) for name, held in zip(actions.names, actions.keys, strict=True)
        },
        "see": dict(see),
        "score": score,
        "over": over,
        "restart": restart,
        "arena": list(arena) if arena is not None else None,
        "every": every,
        "nearest": nearest if isinstance(nearest, int) else dict(nearest),
    }
    if find_spec("gymnasium") is None:
        raise ConfigError("drive gives a Gymnasium env: python -m pip install gymnasium")
    from engine_plugin.bridge.driven_env import DrivenEnv

    job = Job("act", str(path), drive=facts, max_frames=max_frames, drawing=drawing)
    return DrivenEnv(job, patience)
