"""Matches between any agents, one in every seat, played together and kept whole.

Match i of two calls with the same seed and levels starts from the same level and the same streams,
whoever plays: that is how seats are swapped fairly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.learn.agents import Agent
from engine_plugin.trajectory import Episode
from fastenv import GameSpec, Level


@dataclass(frozen=True, eq=False)
class Matches:
    """`count` matches of the same agents in the same seats.

    agents: names by seat; seed: of the batch, match i is its env i
    levels: what each match started on; states: each env's bytes before the first tick
    actions: uint8 [most ticks, count, players]; of match i the first ticks[i] rows count
    ticks: int64 [count]
    results: int8 [count, players], +1 won, 0 drawn, -1 lost
    terminated: bool [count], ended by the rules and not by a limit
    statistics: int32 [count, players, statistics], in the order of the spec
    """

    agents: tuple[str, ...]
    seed: int
    levels: tuple[Level, ...]
    states: tuple[bytes, ...]
    actions: np.ndarray
    ticks: np.ndarray
    results: np.ndarray
    terminated: np.ndarray
    statistics: np.ndarray

    def __len__(self) -> int:
        return len(self.ticks)

    def episode(self, match: int) -> Episode:
        """One match as a trajectory."""
        return Episode(
            seed=self.seed,
            level=self.levels[match].tiles,
            state=self.states[match],
            actions=np.ascontiguousarray(self.actions[: self.ticks[match], match]),
            result=tuple(self.results[match].tolist()),
            terminated=bool(self.terminated[match]),
        )


def play_matches(
    spec: GameSpec, agents: Sequence[Agent], count: int, seed: int, levels: Sequence[Level]
) -> Matches:
    """Play `count` matches to their end, agents[s] in seat s of all of them.

    The agents are used as they come, so pass `agent.fresh(seed)` for results that depend on
    nothing before. Raises ConfigError unless there is an agent for every seat.
    """
    if len(agents) != spec.players:
        raise ConfigError(f"{spec.name} has {spec.players} seats, got {len(agents)} agents")
    batch = fastenv.make_batch(spec.name, count, seed, list(levels), autoreset=False)
    started = tuple(batch.levels[index] for index in batch.level_index)
    states = tuple(batch.save_state(index) for index in range(count))
    ticks = np.zeros(count, np.int64)
    results = np.zeros((count, spec.players), np.int8)
    terminated = np.zeros(count, bool)
    statistics = np.zeros_like(batch.final_statistics)
    running = np.ones(count, bool)
    played: list[np.ndarray] = []
    while running.any():
        # Ended envs are decided for as well and stay as they are: what an agent draws for one
        # match does not depend on which others are over.
        actions = np.stack([agent.act(batch, seat) for seat, agent in enumerate(agents)], axis=1)
        batch.step(actions)
        played.append(actions)
        ended = running & (batch.terminated | batch.truncated)
        ticks[ended] = len(played)
        results[ended] = np.sign(batch.rewards[ended])
        terminated[ended] = batch.terminated[ended]
        statistics[ended] = batch.final_statistics[ended]
        running &= ~ended
    return Matches(
        agents=tuple(agent.name for agent in agents),
        seed=seed,
        levels=started,
        states=states,
        actions=np.stack(played),
        ticks=ticks,
        results=results,
        terminated=terminated,
        statistics=statistics,
    )
