"""Recording demonstrations of a scripted player, for experiments that need no person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.files import refuse_existing
from engine_plugin.trajectory import Episode, TrajectoryFile, TrajectoryHeader
from fastenv import GameSpec, Level


def record_scripted(
    spec: GameSpec,
    player: str,
    opponents: Sequence[str],
    transitions: int,
    seed: int,
    levels: Sequence[Level],
    out: str | Path,
    *,
    force: bool = False,
    progress: Callable[[int], None] = lambda transitions: None,
) -> dict[str, Any]:
    """Play whole matches in seat 0 until `transitions` are recorded; returns what was written.

    The opponents take turns. Raises ConfigError, OutputExistsError, UnknownGameError.
    """
    if transitions < 1:
        raise ConfigError(f"expected at least one transition, got {transitions}")
    if not opponents:
        raise ConfigError("expected at least one opponent, got none")
    refuse_existing(out, force)
    episodes: list[Episode] = []
    recorded = 0
    streams = np.random.default_rng(seed)
    bots = {name: fastenv.make_bot(name, spec.name) for name in {player, *opponents}}
    while recorded < transitions:
        pair = (bots[player], bots[opponents[len(episodes) % len(opponents)]])
        level = levels[int(streams.integers(len(levels)))]
        episode_seed = int(streams.integers(1 << 63))
        batch = fastenv.make_batch(spec.name, 1, episode_seed, [level], autoreset=False)
        state = batch.save_state(0)
        played = []
        while not (batch.terminated[0] or batch.truncated[0]):
            actions = np.stack([bot.act(batch, seat) for seat, bot in enumerate(pair)], axis=1)
            batch.step(actions)
            played.append(actions[0])
        episodes.append(
            Episode(
                seed=episode_seed,
                level=level.tiles,
                state=state,
                actions=np.array(played),
                result=tuple(int(value) for value in np.sign(batch.rewards[0])),
                terminated=bool(batch.terminated[0]),
            )
        )
        recorded += len(played)
        progress(min(recorded, transitions))
    header = TrajectoryHeader(
        game=spec.name,
        game_version=spec.version,
        layout_hash=spec.layout_hash,
        players=(player, ",".join(opponents)),
        demonstrated=(0,),
        actions=len(spec.actions),
        tick_rate=spec.tick_rate,
        seed=seed,
    )
    TrajectoryFile(header, tuple(episodes)).save_npz(out)
    return {
        "out": str(out),
        "player": player,
        "opponents": list(opponents),
        "episodes": len(episodes),
        "transitions": recorded,
    }
