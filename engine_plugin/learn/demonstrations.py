"""Demonstrations as transitions: of our games, recorded episodes played again and observations
re-derived; of games brought along, what the file holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fastenv
from engine_plugin.errors import TrajectoryError
from engine_plugin.facts import GameFacts
from engine_plugin.learn.agents import BOT_PREFIX, allowed_actions
from engine_plugin.learn.payment import GAMES_OWN, Payment
from engine_plugin.learn.replay import ReplayBuffer
from engine_plugin.trajectory import (
    Episode,
    TrajectoryFile,
    TrajectoryHeader,
    load_trajectories,
)
from fastenv import BatchEnv, GameSpec, StateError


@dataclass(frozen=True)
class Demonstrations:
    """What a demonstration file teaches.

    transitions: every demonstrated transition, in order, as a full replay buffer of one env
    player: who demonstrated, by name
    opponents: whom they played, by name
    has_rewards: whether the game's rewards are known; a file of stored observations has none
    """

    transitions: ReplayBuffer
    player: str
    opponents: tuple[str, ...]
    has_rewards: bool = True

    def deal_actions_anew(self, random: np.random.Generator) -> None:
        """Shuffle the actions among the states: a control, from which no style can be learned."""
        arrays, count = self.transitions.arrays, self.transitions.filled
        actions = random.permutation(arrays["actions"][:count, 0])
        arrays["actions"][:count, 0] = actions
        arrays["allowed"][np.arange(count), 0, actions] = 1


def load_demonstrations(
    path: str | Path, spec: GameSpec, safety: str, payment: Payment = GAMES_OWN
) -> Demonstrations:
    """Read a demonstration file and play its episodes again.

    `allowed` of a transition holds the actions of `safety` and the one demonstrated; it is paid by
    `payment`. Raises ConfigError where that does not fit the game, TrajectoryError for a file that
    is damaged, of another layout, or does not play out as recorded.
    """
    file = load_trajectories(path, game=spec.name, layout_hash=spec.layout_hash)
    player, opponents = who_played(file.header)
    payment.check(spec)
    return Demonstrations(_transitions(file, spec, safety, payment), player, opponents)


def recorded_statistics(file: TrajectoryFile, spec: GameSpec) -> np.ndarray:
    """What each demonstrated seat did in each episode, from the first recorded tick to the last:
    int32 [episodes x seats, statistics]. Raises TrajectoryError as `load_demonstrations` does."""
    rows = []
    for number, episode in enumerate(file.episodes, start=1):
        batch = _at_start(episode, number, spec)
        before = batch.statistics()[0]
        for tick in range(episode.ticks):
            batch.step(np.ascontiguousarray(episode.actions[tick : tick + 1]))
        done = batch.statistics()[0] - before
        rows += [done[seat] for seat in file.header.demonstrated]
    return np.array(rows, np.int32)


def stored_demonstrations(path: str | Path, facts: GameFacts) -> Demonstrations:
    """Read a demonstration file of a game brought along. Raises TrajectoryError."""
    file = load_trajectories(path, game=facts.name, layout_hash=facts.layout_hash)
    if not file.header.stores_observations:
        raise TrajectoryError(
            f"{path}: expected stored observations, the file has none; record it again"
        )
    return demonstrations_of(file, facts)


def demonstrations_of(file: TrajectoryFile, facts: GameFacts) -> Demonstrations:
    """The transitions of a file with stored observations. Raises TrajectoryError.

    What followed the last action of an episode is not stored. Where the rules ended it, nothing
    follows; where it was cut, its last observation only serves as what followed the one before.
    """
    shape, seats = facts.observation_shape, file.header.demonstrated
    kept = [episode.ticks - (not episode.terminated) for episode in file.episodes]
    if not sum(kept):
        raise TrajectoryError(
            "the demonstrations hold no episode of two steps or more; record again"
        )
    buffer = ReplayBuffer(
        sum(kept) * len(seats), 1, shape, len(facts.actions), facts.observation_dtype
    )
    for episode, ticks in zip(file.episodes, kept, strict=True):
        assert episode.observations is not None and episode.masks is not None
        for seat in seats:
            seen = episode.observations[:, seat].reshape(-1, *shape)
            allowed = episode.masks[:, seat].copy()
            allowed[np.arange(episode.ticks), episode.actions[:, seat]] = 1
            for tick in range(ticks):
                after = min(tick + 1, episode.ticks - 1)
                buffer.add(
                    observations=seen[tick],
                    allowed=allowed[tick],
                    actions=episode.actions[tick, seat],
                    rewards=np.float32(0),
                    next_observations=seen[after],
                    next_allowed=allowed[after],
                    terminated=episode.terminated and tick == ticks - 1,
                    truncated=not episode.terminated and tick == ticks - 1,
                )
    player, opponents = who_played(file.header)
    return Demonstrations(buffer, player, opponents, has_rewards=False)


def who_played(header: TrajectoryHeader) -> tuple[str, tuple[str, ...]]:
    """The demonstrator and the opponents, each once; a seat's name may list several by commas,
    which of demonstrators stay together.
    Scripted players go by their bare names, however they were sat down."""
    opponents = (
        name.removeprefix(BOT_PREFIX)
        for seat, names in enumerate(header.players)
        if seat not in header.demonstrated
        for name in names.split(",")
    )
    players = header.players[header.demonstrated[0]].split(",")
    player = ",".join(dict.fromkeys(name.removeprefix(BOT_PREFIX) for name in players))
    return player, tuple(dict.fromkeys(opponents))


def _transitions(
    file: TrajectoryFile, spec: GameSpec, safety: str, payment: Payment
) -> ReplayBuffer:
    buffer = ReplayBuffer(file.transitions, 1, spec.observation_shape, len(spec.actions))
    for number, episode in enumerate(file.episodes, start=1):
        for seat in file.header.demonstrated:
            batch = _at_start(episode, number, spec)
            _play_again(batch, episode, seat, safety, payment, buffer)
        if tuple(np.sign(batch.rewards[0]).astype(int)) != tuple(episode.result):
            raise TrajectoryError(
                f"episode {number} does not end as recorded; it was made by another version of "
                f"{spec.name}: record it again"
            )
    return buffer


def _at_start(episode: Episode, number: int, spec: GameSpec) -> BatchEnv:
    """An env in the state in which an episode begins. Raises TrajectoryError."""
    level = fastenv.Level.from_tiles(episode.level, spec)
    batch = fastenv.make_batch(spec.name, 1, levels=[level], autoreset=False)
    try:
        batch.load_state(0, episode.state)
    except StateError as error:
        raise TrajectoryError(f"episode {number} cannot be played again: {error}") from error
    return batch


def _play_again(
    batch: BatchEnv,
    episode: Episode,
    seat: int,
    safety: str,
    payment: Payment,
    buffer: ReplayBuffer,
) -> None:
    """Step through an episode and keep what `seat` saw and did."""
    allowed = allowed_actions(batch, seat, safety)
    for tick in range(episode.ticks):
        action = episode.actions[tick, seat]
        observations, shown = batch.observations[:, seat].copy(), allowed.copy()
        shown[0, action] = 1
        batch.step(np.ascontiguousarray(episode.actions[tick : tick + 1]))
        allowed = allowed_actions(batch, seat, safety)
        ended_by_rules = bool(batch.terminated[0])
        # A recording that stops in the middle of an episode is cut, not ended by the rules.
        last = tick == episode.ticks - 1
        buffer.add(
            observations=observations,
            allowed=shown,
            actions=action,
            rewards=payment.of(batch, seat),
            next_observations=batch.observations[:, seat],
            next_allowed=allowed,
            terminated=ended_by_rules,
            truncated=last and not ended_by_rules,
        )
