"""Exports a training run's weights: from its folder alone, again and again, at any checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from engine_plugin.errors import ConfigError
from engine_plugin.export.policy import export_policy, policy_card
from engine_plugin.files import refuse_existing
from engine_plugin.learn.acting import values_to_actions
from engine_plugin.learn.checkpoint import arrays_to_variables, load_checkpoint
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.networks import DQN, example_of
from engine_plugin.learn.worlds import open_task
from engine_plugin.learn.worlds.contract import World

PARITY_ENVS = 64
PARITY_TICKS = 48


def export_run(
    folder: str | Path, out: str | Path | None = None, *, latest: bool = False, force: bool = False
) -> dict[str, Any]:
    """Write the model of a run: its best weights, or the latest checkpoint's.

    out: the file, which names the model; None means model.onnx in the run's folder, which is
        replaced, and the folder's name.
    Raises ConfigError for a folder that holds no run, OutputExistsError, ParityError.
    """
    folder = Path(folder)
    if out is not None:
        refuse_existing(out, force)
    path = Path(out) if out is not None else folder / "model.onnx"
    record = _read_record(folder)
    config = PolicyConfig(**record["config"]).resolved()
    task = open_task(config)
    groups, facts = load_checkpoint(folder / ("checkpoint.npz" if latest else "best.npz"))
    network = DQN(task.facts, config)
    network(example_of(task.facts))
    arrays_to_variables(groups["target"], network.variables, "network")
    evaluation = facts["best"] if latest else facts["evaluation"]
    training = {
        **{key: record[key] for key in ("command", "config", "seed", "versions")},
        "steps": facts["steps"] if latest else evaluation["steps"],
        "seconds": facts["seconds"] if latest else evaluation["seconds"],
    }
    name = Path(out).stem if out is not None else folder.resolve().name
    card = policy_card(name, task.facts, config, training, evaluation)
    observations, masks = _recorded_play(
        network, config, task.parity_world(PARITY_ENVS, config.seed)
    )
    difference = export_policy(network, card, path, observations, masks)
    return {
        "model": str(path),
        "bytes": path.stat().st_size,
        "largest_difference": difference,
        "compared_observations": len(observations),
    }


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / "run.json").read_text())
        PolicyConfig(**record["config"])
    except FileNotFoundError as error:
        raise ConfigError(f"expected the folder of a training run, {folder} has no run.json") from (
            error
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder}/run.json is not the record of a policy's training: {error}"
        ) from error
    return record


def _recorded_play(
    network: DQN, config: PolicyConfig, world: World
) -> tuple[np.ndarray, np.ndarray]:
    """Observations and allowed actions of some play of the network itself."""
    noise = np.random.default_rng(config.seed)
    seen, allowed = [], []
    for _ in range(PARITY_TICKS):
        seen.append(world.observations.copy())
        allowed.append(world.allowed.copy())
        values = network(tf.constant(world.observations)).numpy()
        world.step(values_to_actions(values, world.allowed, config.temperature, noise))
    return np.concatenate(seen), np.concatenate(allowed)
