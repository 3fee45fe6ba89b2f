"""A ghost from the outside: what a game does with it, and what it refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine_plugin as ai
import fastenv
from engine_plugin.errors import (
    ConfigError,
    ModelMismatchError,
    OutputExistsError,
    TrajectoryError,
)
from engine_plugin.facts import foreign_game
from engine_plugin.ghost import examples
from engine_plugin.ghost.clone import Clone
from engine_plugin.ghost.encoders import encoder_for
from engine_plugin.ghost.examples import FEWEST, Examples
from engine_plugin.ghost.graph import open_graph
from engine_plugin.ghost.model import encoding_graph, model_bytes
from engine_plugin.runtime.inspection import inspect_model
from engine_plugin.trajectory import Episode, TrajectoryFile, TrajectoryHeader

SPEC = fastenv.game_spec("blast")
PONG = ai.ForeignGame(
    "pong",
    ("stay", "up", "down"),
    (ai.ForeignField("ball", (2,), -1, 1), ai.ForeignField("me", (1,), -1, 1)),
)
QUICK = ai.GhostConfig(steps=500, minibatch=64, width=16)


def pong_play(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A player who runs after the ball: observations float32 [count, 3] and actions."""
    seen = np.random.default_rng(seed).uniform(-1, 1, (count, 3)).astype(np.float32)
    above = seen[:, 1] - seen[:, 2]
    return seen, np.where(np.abs(above) < 0.1, 0, np.where(above < 0, 1, 2))


def pong_ghost(count: int = 1_000, **settings: object) -> ai.Ghost:
    ghost = ai.Ghost(PONG, config=QUICK, **settings)  # type: ignore[arg-type]
    for observation, action in zip(*pong_play(count), strict=True):
        ghost.add(observation, action)
    return ghost


def blast_ghost(ticks: int = 5, seed: int = 0) -> ai.Ghost:
    """Of the hunter, from 40 matches at once."""
    ghost = ai.Ghost(SPEC, safety="survivable", config=replace(QUICK, steps=20, seed=seed))
    batch = fastenv.make_batch("blast", 40, seed=2)
    hunter = fastenv.make_bot("hunter")
    for _ in range(ticks):
        actions = np.stack([hunter.act(batch, seat) for seat in (0, 1)], axis=1)
        for observation, action in zip(batch.observations[:, 0], actions[:, 0], strict=True):
            ghost.add(observation, action)
        batch.step(actions)
    return ghost


def test_a_ghost_plays_as_it_was_shown() -> None:
    ghost = pong_ghost(2_000)
    assert not ghost.ready
    ghost.learn()
    policy = ghost.policy().with_decision(rule="greedy")
    seen, did = pong_play(500, seed=1)
    actions = policy.act_batch(seen, np.ones((500, 3), np.uint8))
    assert (actions == did).mean() > 0.9
    # And what is not legal it leaves alone.
    masks = np.array([[1, 0, 1]] * 500, np.uint8)
    assert 1 not in policy.act_batch(seen, masks)


def test_the_model_says_what_numpy_says() -> None:
    """On a grid with everything in it: encoder, three layers, mask."""
    ghost = blast_ghost()
    seen, did = ghost._examples.arrays()
    encoder = encoder_for(SPEC, seen)
    features = open_graph(encoding_graph(SPEC, encoder)).run(None, {"observation": seen})[0]
    clone = Clone(features, did, len(SPEC.actions), encoder.symmetries, ghost.config)
    list(clone.pieces())
    hidden = features.astype(np.float64)
    for layer in (0, 2):
        hidden = np.maximum(hidden @ clone.weights[layer] + clone.weights[layer + 1], 0)
    expected = hidden @ clone.weights[4] + clone.weights[5]
    ghost.learn()
    card = ai.read_card(ghost.model)
    assert ghost.model == model_bytes(SPEC, encoder, clone.weights, card)
    masks = np.random.default_rng(0).integers(0, 2, expected.shape).astype(np.uint8)
    masks[:, 0] = 1
    policy = ghost.policy()
    values = policy.q_values(seen, masks)
    np.testing.assert_allclose(values[masks > 0], expected[masks > 0], atol=1e-4)
    assert (values[masks == 0] == -1e9).all()
    session = policy._session
    (best,) = session.run(["action"], {"observation": seen, "legal_mask": masks})
    assert best.dtype == np.int32 and (best == values.argmax(axis=1)).all()


def test_the_model_is_a_model_like_any_other(tmp_path: Path) -> None:
    ghost = blast_ghost()
    ghost.name = "ghost of Ada"
    ghost.learn()
    path = tmp_path / "ada.onnx"
    ghost.save(path)
    policy = ai.load_policy(path, game="blast", layout_hash=SPEC.layout_hash)
    assert policy.card.name == "ghost of Ada"
    assert policy.card.decision == ai.Decision("softmax", 1.0, "survivable")
    assert policy.card.training["maker"] == "ghost"
    assert policy.card.training["transitions"] == len(ghost) == 200
    assert inspect_model(path.read_bytes()).nodes < 500
    batch = fastenv.make_batch("blast", 1, seed=1)
    controller = ai.AgentController(policy)
    for _ in range(5):
        action = controller.tick(
            batch.observations[0, 0], batch.legal_mask[0, 0], batch.survivable_mask()[0, 0]
        )
        batch.step(np.array([[action, 0]], np.uint8))
    assert controller.errors == 0
    with pytest.raises(ModelMismatchError):
        ai.load_policy(path, game="race")
    with pytest.raises(OutputExistsError):
        ghost.save(path)
    ghost.save(path, force=True)


def test_the_same_seed_gives_the_same_bytes() -> None:
    models = []
    for seed in (0, 0, 1):
        ghost = blast_ghost(seed=seed)
        ghost.learn()
        models.append(ghost.model)
    assert models[0] == models[1] != models[2]


def test_it_learns_beside_a_game_that_goes_on() -> None:
    ghost = pong_ghost()
    trainer = ghost.start()
    frames = 0
    while trainer.running:
        ghost.add(np.zeros(3, np.float32), 0)  # more play does not disturb it
        frames += 1
    assert trainer.wait() and trainer.error is None and trainer.progress == 1
    assert ghost.ready and frames > 0
    card = ghost.policy().card
    assert card.training["transitions"] == 1_000
    plain = pong_ghost()
    plain.learn()
    assert plain.model == ghost.model


def test_the_thread_writes_the_file_but_over_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ghosts" / "me.onnx"
    ghost = pong_ghost()
    for _ in range(2):
        trainer = ghost.start(path)
        assert trainer.wait(60)
        assert ai.load_policy(path).card.name == "ghost"
    assert isinstance(trainer.error, OutputExistsError)


def test_a_game_without_threads_takes_the_pieces_itself() -> None:
    ghost = pong_ghost()
    shares = list(ghost.pieces())
    assert shares == sorted(shares) and shares[-1] == 1 and ghost.ready


def test_learning_can_be_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ghost = pong_ghost()
    begun, go_on = threading.Event(), threading.Event()

    def endless(self: Clone) -> Iterator[float]:
        while True:
            begun.set()
            go_on.wait(60)
            yield 0.5

    monkeypatch.setattr(Clone, "pieces", endless)
    trainer = ghost.start()
    assert begun.wait(60)
    trainer.stop()
    go_on.set()
    assert trainer.wait(60) and trainer.error is None and not ghost.ready


def test_a_fault_does_not_reach_the_game(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Clone) -> Iterator[float]:
        raise MemoryError("no memory")

    monkeypatch.setattr(Clone, "pieces", broken)
    trainer = pong_ghost().start()
    assert trainer.wait(60) and isinstance(trainer.error, MemoryError)


@pytest.mark.parametrize("count", [0, FEWEST - 1])
def test_too_little_play_is_refused(count: int) -> None:
    ghost = pong_ghost(count)
    for learn in (ghost.learn, ghost.start):
        with pytest.raises(TrajectoryError, match=f"{FEWEST}.*got {count}"):
            learn()
    with pytest.raises(ConfigError, match="learn"):
        ghost.policy()


@pytest.mark.parametrize(
    ("observation", "action", "words"),
    [
        (np.zeros(4, np.float32), 0, "3 values"),
        (np.array([0, np.nan, 0], np.float32), 0, "NaN"),
        (np.array([0, np.inf, 0], np.float32), 0, "infinity"),
        (np.array([1, 2, 3], complex), 0, "float32"),
        (np.zeros(3, np.float32), 3, "0 to 2"),
        (np.zeros(3, np.float32), -1, "0 to 2"),
        (np.zeros(3, np.float32), 1.5, "integers"),
        (np.array([1e300, 0, 0]), 0, "infinity"),
    ],
)
def test_what_is_no_play_of_the_game_is_refused(
    observation: np.ndarray, action: Any, words: str
) -> None:
    ghost = ai.Ghost(PONG)
    with pytest.raises(TrajectoryError, match=words):
        ghost.add(observation, action)
    assert len(ghost) == 0


def test_decisions_in_a_row_come_with_their_actions() -> None:
    ghost = ai.Ghost(PONG)
    with pytest.raises(TrajectoryError, match="as many integers"):
        ghost.extend(np.zeros((5, 3), np.float32), np.zeros(4, int))
    ghost.extend(np.zeros((0, 3), np.float32), np.zeros(0, int))
    ghost.extend(np.zeros((5, 3), np.float32), np.zeros(5, int))
    assert len(ghost) == 5


def test_numbers_above_a_byte_are_none() -> None:
    seen = np.zeros(SPEC.observation_size, np.uint16)
    seen[3] = 300
    with pytest.raises(TrajectoryError, match="expected uint8, got 300"):
        ai.Ghost(SPEC).add(seen, 0)


def test_floats_are_no_bytes() -> None:
    with pytest.raises(TrajectoryError, match="uint8"):
        ai.Ghost(SPEC).add(np.zeros(SPEC.observation_size, np.float32), 0)


def test_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MOST", 150)
    kept = Examples(PONG)
    for number in range(310):
        kept.add(np.array([number, 0, 0], np.float32), number % 3)
    seen, did = kept.arrays()
    assert seen[:, 0].tolist() == list(range(160, 310))
    assert did.tolist() == [number % 3 for number in range(160, 310)]


def recorded(episodes: int = 2, **changes: object) -> TrajectoryFile:
    """A file of pong, as a game records it: two players, the second demonstrates."""
    header = TrajectoryHeader(
        "pong", 0, PONG.layout_hash, ("bot", "ada"), (1,), 3, 10, 0, "float32", 3
    )
    made = []
    for number in range(episodes):
        seen, did = pong_play(80, seed=number)
        shown = np.stack([np.zeros_like(seen), seen], axis=1)
        actions = np.stack([np.zeros_like(did), did], axis=1).astype(np.uint8)
        masks = np.ones((80, 2, 3), np.uint8)
        level = np.zeros((0, 0), np.uint8)
        made.append(Episode(number, level, b"", actions, (0, 0), True, shown, masks))
    return TrajectoryFile(replace(header, **changes), tuple(made))  # type: ignore[arg-type]


def test_trajectories_are_learned_from() -> None:
    ghost = ai.Ghost(PONG, config=QUICK)
    ghost.add_trajectories(recorded())
    assert len(ghost) == 160
    seen, did = ghost._examples.arrays()
    assert np.array_equal(seen[80:], pong_play(80, seed=1)[0])
    assert np.array_equal(did[80:], pong_play(80, seed=1)[1])


def test_trajectories_of_another_layout_are_refused() -> None:
    ghost = ai.Ghost(PONG)
    for changes, words in (
        ({"game": "chess"}, "chess"),
        ({"layout_hash": "f" * 16}, "layout"),
    ):
        with pytest.raises(TrajectoryError, match=words):
            ghost.add_trajectories(recorded(**changes))
    bare = recorded()
    episodes = tuple(replace(each, observations=None, masks=None) for each in bare.episodes)
    header = replace(bare.header, observation_type="", observation_size=0)
    with pytest.raises(TrajectoryError, match="engine-plugin ghost"):
        ghost.add_trajectories(TrajectoryFile(header, episodes))


def test_a_card_gives_the_facts_of_its_game_back() -> None:
    ghost = pong_ghost()
    ghost.learn()
    assert foreign_game(ai.read_card(ghost.model)) == PONG
    with pytest.raises(ConfigError, match="blast"):
        foreign_game(ai.load_policy("blast/medium").card)
