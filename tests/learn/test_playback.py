"""A recorded trajectory plays back to the same bytes: what was seen, the rewards, every state.

A state holds the streams that scripted players draw from. So where the bytes of states are
compared, the recorded player decided in an env of her own, or decides anew in the playback.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import fastenv
from engine_plugin.learn.record import record_scripted
from engine_plugin.runtime.recorder import DemonstrationRecorder
from engine_plugin.trajectory import Episode, TrajectoryHeader, load_trajectories

GAMES = ("blast", "race")
EPISODES = 3


class Notes:
    """What one env wrote, a tick an entry: all that can be seen, and the states."""

    def __init__(self, batch: fastenv.BatchEnv):
        self.batch = batch
        self.seen: list[bytes] = []
        self.states: list[bytes] = []
        self._note()

    def step(self, actions: np.ndarray) -> None:
        self.batch.step(actions)
        self._note()

    def _note(self) -> None:
        batch = self.batch
        written = (
            batch.observations, batch.legal_mask, batch.rewards, batch.terminated,
            batch.truncated, batch.statistics(), batch.illegal_actions(),
        )  # fmt: skip
        self.seen.append(b"".join(array.tobytes() for array in written))
        self.states.append(batch.save_state(0))

    def ended(self) -> bool:
        return bool(self.batch.terminated[0] or self.batch.truncated[0])


def loaded(episode: Episode, spec: fastenv.GameSpec) -> fastenv.BatchEnv:
    """An env of another seed that has played something else before, in the recorded state."""
    level = fastenv.Level.from_tiles(episode.level, spec)
    batch = fastenv.make_batch(spec.name, 1, 99, [level], autoreset=False)
    for _ in range(3):
        batch.step(np.ones((1, spec.players), np.uint8))
    batch.reset()
    batch.load_state(0, episode.state)
    return batch


def played_back(episode: Episode, spec: fastenv.GameSpec) -> Notes:
    """The recorded actions, and nothing else."""
    notes = Notes(loaded(episode, spec))
    for actions in episode.actions:
        notes.step(actions[None])
    return notes


def decided_anew(batch: fastenv.BatchEnv, bots: Sequence[fastenv.Bot]) -> tuple[Notes, np.ndarray]:
    """The scripted players once more, to the end; what was written and the actions they chose."""
    notes, chosen = Notes(batch), []
    while not notes.ended():
        actions = np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1)
        notes.step(actions)
        chosen.append(actions[0])
    return notes, np.array(chosen)


@pytest.mark.parametrize("game", GAMES)
def test_what_the_recorder_wrote_plays_back_to_the_same_bytes(tmp_path: Path, game: str) -> None:
    """A scripted player, who looks at an env of her own, against random actions, legal or not."""
    spec = fastenv.game_spec(game)
    bot = fastenv.make_bot("survivor", game)
    random = np.random.default_rng(5)
    header = TrajectoryHeader(
        game=game, game_version=spec.version, layout_hash=spec.layout_hash,
        players=("survivor", "random"), demonstrated=(0,), actions=len(spec.actions),
        tick_rate=spec.tick_rate,
    )  # fmt: skip
    lives = []
    with DemonstrationRecorder(tmp_path / "play.npz", header) as recorder:
        for seed, level in enumerate(fastenv.builtin_levels(spec, 8, EPISODES)):
            looked_at, batch = (
                fastenv.make_batch(game, 1, seed, [level], autoreset=False) for _ in range(2)
            )
            recorder.begin_episode(seed, level.tiles, batch.save_state(0))
            live = Notes(batch)
            while not live.ended():
                actions = random.integers(0, len(spec.actions), (1, spec.players), np.uint8)
                actions[:, 0] = bot.act(looked_at, 0)
                recorder.add(actions[0])
                looked_at.step(actions)
                live.step(actions)
            recorder.end_episode([int(value) for value in np.sign(batch.rewards[0])])
            lives.append(live)
    episodes = load_trajectories(tmp_path / "play.npz").episodes
    assert len(episodes) == EPISODES
    for live, episode in zip(lives, episodes, strict=True):
        again = played_back(episode, spec)
        assert len(episode.actions) == len(live.seen) - 1 > 0
        assert again.seen == live.seen
        assert again.states == live.states


@pytest.mark.parametrize("game", GAMES)
def test_a_recorded_match_of_scripted_players_is_decided_anew_to_the_same_bytes(
    tmp_path: Path, game: str
) -> None:
    spec = fastenv.game_spec(game)
    names = [name for name in fastenv.scripted_player_names(game) if name != "idle"][:2]
    path = tmp_path / "scripted.npz"
    record_scripted(spec, names[0], names[1:], 400, 6, fastenv.builtin_levels(spec, 8, 2), path)
    bots = [fastenv.make_bot(name, game) for name in names]
    for episode in load_trajectories(path).episodes:
        level = fastenv.Level.from_tiles(episode.level, spec)
        from_seed = fastenv.make_batch(game, 1, episode.seed, [level], autoreset=False)
        first, actions = decided_anew(from_seed, bots)
        second, _ = decided_anew(loaded(episode, spec), bots)
        assert first.states[0] == episode.state
        assert np.array_equal(actions, episode.actions)
        assert tuple(np.sign(from_seed.rewards[0])) == episode.result
        assert second.seen == first.seen == played_back(episode, spec).seen
        assert second.states == first.states
