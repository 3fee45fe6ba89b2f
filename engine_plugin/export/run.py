"""Exports a training run's weights: from its folder alone, again and again, at any checkpoint."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.card import Safety
from engine_plugin.errors import ConfigError
from engine_plugin.export.policy import (
    Network,
    Tick,
    export_policy,
    masked_values,
    policy_card,
)
from engine_plugin.files import refuse_existing
from engine_plugin.learn.acting import Values, values_to_actions
from engine_plugin.learn.checkpoint import (
    BEST,
    CHECKPOINT,
    arrays_to_variables,
    load_checkpoint,
)
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.networks import build_network
from engine_plugin.learn.run_record import read_record
from engine_plugin.learn.worlds import open_task
from engine_plugin.learn.worlds.contract import World

PARITY_ENVS = 64
PARITY_TICKS = 48


def export_run(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    latest: bool = False,
    temperature: float = 0.0,
    safety: Safety | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the model of a run: its best weights, or the latest checkpoint's.

    out: the file, which names the model; None means model.onnx in the run's folder, which is
        replaced, and the folder's name.
    temperature: what the model samples its actions with instead of the run's (0); the higher, the
        oftener it errs, and the easier an opponent it is.
    safety: the filter it plays with, one of card.SAFETIES, instead of the run's (None).
    With either, and for latest weights that are not the best, the run's evaluation was another's
    and is left out of the card.
    Raises ConfigError for a folder that holds no run and for a temperature that is negative or of
    no use to a greedy policy, OutputExistsError, ParityError.
    """
    folder = Path(folder)
    if out is not None:
        refuse_existing(out, force)
    path = Path(out) if out is not None else folder / "model.onnx"
    record = read_record(folder)
    config = PolicyConfig(**record["config"]).resolved()
    if temperature < 0 or (temperature and config.policy != "soft"):
        raise ConfigError(
            f"expected a positive temperature, and a soft policy, which samples; got {temperature} "
            f"and a {config.policy} one"
        )
    trained = config
    config = replace(
        config,
        play_temperature=temperature or config.play_temperature,
        safety=safety or config.safety,
    )
    config.check()
    task = open_task(config)
    if not latest and not (folder / BEST).exists() and (folder / CHECKPOINT).exists():
        raise ConfigError(
            f"{folder} was stopped before its first evaluation and has no best weights yet: export "
            "the latest ones with --latest, or go on with the same command and --resume"
        )
    groups, facts = load_checkpoint(folder / (CHECKPOINT if latest else BEST))
    network = build_network(task.facts, config)
    arrays_to_variables(groups["target"], network.variables, "network")
    # What the latest weights are like is known only where they were judged the best.
    judged = facts["best"] if latest else facts["evaluation"]
    evaluation = judged if not latest or judged.get("steps") == facts["steps"] else {}
    training = {
        **{key: record[key] for key in ("command", "config", "seed", "versions")},
        "steps": facts["steps"] if latest else evaluation["steps"],
        "seconds": facts["seconds"] if latest else evaluation["seconds"],
    }
    name = Path(out).stem if out is not None else folder.resolve().name
    card = policy_card(
        name, task.facts, config, training, evaluation if config == trained else {}
    )
    with closing(task.parity_world(PARITY_ENVS, config.seed)) as world:
        played = _recorded_play(network, config, world)
    difference = export_policy(network, card, path, played)
    return {
        "model": str(path),
        "bytes": path.stat().st_size,
        "largest_difference": difference,
        "compared_observations": PARITY_TICKS * world.num_envs,
    }


def _recorded_play(network: Network, config: PolicyConfig, world: World) -> list[Tick]:
    """Some play of the network itself, tick by tick."""
    noise = np.random.default_rng(config.seed)
    values = Values(masked_values(network), config.memory_size if config.memory == "gru" else 0)
    ticks = []
    for _ in range(PARITY_TICKS):
        observations, masks = world.observations.copy(), world.allowed.copy()
        shown = values(observations, masks)
        ticks.append(Tick(observations, masks, shown))
        world.step(values_to_actions(shown, masks, config.temperature, noise))
    return ticks
