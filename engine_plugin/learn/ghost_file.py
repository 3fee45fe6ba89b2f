"""The `ghost` command: a ghost from a demonstration file, without a window. Needs no TensorFlow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.facts import ForeignGame, foreign_game
from engine_plugin.files import refuse_existing
from engine_plugin.ghost.clone import GhostConfig
from engine_plugin.ghost.ghost import Ghost
from engine_plugin.learn.demonstrations import load_demonstrations
from engine_plugin.runtime.loading import read_model
from engine_plugin.trajectory import TrajectoryFile, load_trajectories


def ghost_from_file(
    demonstrations: Path, out: Path, *, like: str, name: str, seed: int, force: bool
) -> dict[str, Any]:
    """Raise a ghost of who demonstrated, write it, and say what came of it.

    like: model file of a game brought along, whose card says what the observations mean; ours
        are known
    name: in the card; "" names the ghost after its player

    Raises TrajectoryError, ConfigError, OutputExistsError and ModelError kinds.
    """
    refuse_existing(out, force)
    file = load_trajectories(demonstrations)
    shown_name = name or f"ghost of {file.header.players[file.header.demonstrated[0]]}"
    config = GhostConfig(seed=seed)
    if file.header.stores_observations:
        ghost = _of_stored(file, like, shown_name, config)
    else:
        spec = fastenv.game_spec(file.header.game)
        ghost = Ghost(spec, name=shown_name, safety="survivable", config=config)
        shown = load_demonstrations(demonstrations, spec, "none").transitions
        for row in range(shown.filled):
            ghost.add(shown.arrays["observations"][row, 0], shown.arrays["actions"][row, 0])
    return _raise(ghost, out, force=force)


def ghost_of_game(
    facts: ForeignGame, file: TrajectoryFile, out: Path, *, seed: int, force: bool
) -> dict[str, Any]:
    """The same of a game brought along whose facts are known. Raises OutputExistsError."""
    refuse_existing(out, force)
    name = f"ghost of {file.header.players[file.header.demonstrated[0]]}"
    ghost = Ghost(facts, name=name, config=GhostConfig(seed=seed))
    ghost.add_trajectories(file)
    return _raise(ghost, out, force=force)


def _raise(ghost: Ghost, out: Path, *, force: bool) -> dict[str, Any]:
    started = time.perf_counter()
    ghost.learn()
    seconds = time.perf_counter() - started
    ghost.save(out, force=force)
    _, card = read_model(out)
    return {
        "model": str(out),
        "name": card.name,
        "game": card.game,
        "transitions": card.training["transitions"],
        "seconds": round(seconds, 2),
    }


def _of_stored(file: TrajectoryFile, like: str, name: str, config: GhostConfig) -> Ghost:
    if not like:
        raise ConfigError(
            f"{file.header.game} is a game brought along: name a model of it with --like FILE, "
            "whose card says what its observations mean"
        )
    _, card = read_model(like)
    ghost = Ghost(foreign_game(card), name=name, safety=card.decision.safety, config=config)
    ghost.add_trajectories(file)
    return ghost
