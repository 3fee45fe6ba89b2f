"""Judging and recording on games whose episodes have returns, not winners. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.facts import GameFacts
from engine_plugin.files import refuse_existing
from engine_plugin.learn.acting import values_to_actions
from engine_plugin.learn.manners import PlayedRound
from engine_plugin.learn.worlds.contract import PolicyFunction, World
from engine_plugin.runtime.policy import Policy, load_policy
from engine_plugin.trajectory import Episode, TrajectoryFile, TrajectoryHeader

RANDOM = "bot:random"


class EpisodeWorld(World, Protocol):
    """A World in which every env plays one episode and then rests.

    returns float64 [N], lengths int64 [N]: of each env's episode; cut bool [N]: whether it was cut
    off; is_over: all have ended
    """

    @property
    def facts(self) -> GameFacts: ...
    @property
    def returns(self) -> np.ndarray: ...
    @property
    def lengths(self) -> np.ndarray: ...
    @property
    def cut(self) -> np.ndarray: ...
    @property
    def is_over(self) -> bool: ...
    def close(self) -> None: ...


# (number of envs, seed) -> a world of unseen episodes
OpenWorld = Callable[[int, int], EpisodeWorld]


class ModelPlayer:
    """A loaded model as a PolicyFunction."""

    def __init__(self, policy: Policy):
        self.policy = policy

    def __call__(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return self.policy.act_batch(observations, allowed).astype(np.uint8)

    def forget(self, ended: np.ndarray) -> None:
        """Clear what is remembered in the rows whose episode has ended, bool [n]."""
        self.policy.forget(ended)


class RandomPlayer:
    """Allowed actions alike: what a learned policy has to be better than."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)

    def __call__(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return values_to_actions(self.random.random(allowed.shape), allowed)


def play_returns(world: EpisodeWorld, policy: PolicyFunction) -> tuple[np.ndarray, np.ndarray]:
    """(returns float64 [N], lengths int64 [N]) of one episode in each of the world's envs, so that
    short episodes count no more than long ones."""
    while not world.is_over:
        world.step(policy(world.observations, world.allowed))
    return world.returns, world.lengths


def play_episodes(world: EpisodeWorld, policy: PolicyFunction) -> list[Episode]:
    """One episode of each of the world's envs, with all that was seen and allowed."""
    seen, masks, played = [], [], []
    ended_by_rules = np.zeros(world.num_envs, bool)
    while not world.is_over:
        seen.append(world.observations.reshape(world.num_envs, -1).copy())
        masks.append(world.allowed.copy())
        actions = policy(world.observations, world.allowed)
        played.append(actions)
        world.step(actions)
        ended_by_rules |= world.terminated
    return [
        Episode(
            seed=0,
            level=np.zeros((0, 0), np.uint8),
            state=b"",
            actions=np.stack([row[env : env + 1] for row in played[:length]]),
            result=(0,),
            terminated=bool(ended_by_rules[env]),
            observations=np.stack([row[env : env + 1] for row in seen[:length]]),
            masks=np.stack([row[env : env + 1] for row in masks[:length]]),
        )
        for env, length in enumerate(world.lengths.tolist())
    ]


def rounds_of(episodes: Sequence[Episode]) -> list[PlayedRound]:
    """Episodes with stored observations, for the manners of who was in their first seat."""
    rounds = []
    for episode in episodes:
        assert episode.observations is not None
        rounds.append(
            PlayedRound(
                episode.observations[:, 0], episode.actions[:, 0], terminated=episode.terminated
            )
        )
    return rounds


def describe_numbers(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and quantiles, JSON-ready."""
    quantiles = np.quantile(values, (0, 0.25, 0.5, 0.75, 1))
    names = ("min", "quarter", "median", "three_quarters", "max")
    return {
        "mean": round(float(values.mean()), 4),
        "std": round(float(values.std()), 4),
        **{name: float(value) for name, value in zip(names, quantiles, strict=True)},
    }


def player_of(model: str, facts: GameFacts, seed: int) -> tuple[PolicyFunction, dict[str, Any]]:
    """The player that `model` names (a file, or bot:random) and how it decides.

    Raises a ModelError where the model is not for this game and layout.
    """
    if model == RANDOM:
        return RandomPlayer(seed), {"rule": "random"}
    policy = load_policy(model, game=facts.name, layout_hash=facts.layout_hash, seed=seed)
    return ModelPlayer(policy), asdict(policy.card.decision)


def judge_returns(
    model: str, facts: GameFacts, open_world: OpenWorld, episodes: int, seed: int
) -> dict[str, Any]:
    """Returns and lengths of a model's episodes: mean, standard deviation, quantiles."""
    if episodes < 1:
        raise ConfigError(f"expected at least one episode, got {episodes}")
    player, decision = player_of(model, facts, seed)
    with closing(open_world(episodes, seed)) as world:
        returns, lengths = play_returns(world, player)
    return {
        "model": model,
        "game": facts.name,
        "seed": seed,
        "episodes": episodes,
        "decision": decision,
        "return": describe_numbers(returns),
        "length": describe_numbers(lengths),
        "cut": int(world.cut.sum()),
    }


def record_returns(
    model: str,
    facts: GameFacts,
    open_world: OpenWorld,
    episodes: int,
    seed: int,
    out: str | Path,
    *,
    force: bool = False,
) -> dict[str, Any]:
    """Write `episodes` whole episodes of a model, observations and masks with them.

    Raises ConfigError, OutputExistsError or a ModelError before anything is played.
    """
    if episodes < 1:
        raise ConfigError(f"expected at least one episode, got {episodes}")
    refuse_existing(out, force)
    player, decision = player_of(model, facts, seed)
    with closing(open_world(episodes, seed)) as world:
        recorded = tuple(
            replace(episode, seed=seed) for episode in play_episodes(world, player)
        )
    header = TrajectoryHeader(
        game=facts.name,
        game_version=facts.version,
        layout_hash=facts.layout_hash,
        players=(Path(model).stem or model,),
        demonstrated=(0,),
        actions=len(facts.actions),
        tick_rate=1,
        seed=seed,
        observation_type=facts.observation_dtype,
        observation_size=int(np.prod(facts.observation_shape)),
    )
    TrajectoryFile(header, recorded).save_npz(out)
    return {
        "out": str(out),
        "player": header.players[0],
        "decision": decision,
        "episodes": episodes,
        "transitions": int(world.lengths.sum()),
        "return": describe_numbers(world.returns),
        "cut": int(world.cut.sum()),
    }
