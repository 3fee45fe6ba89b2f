"""What a ghost sees: the same as the larger networks, and the same under a symmetry."""

from __future__ import annotations

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.facts import ForeignField, ForeignGame, GameFacts
from engine_plugin.ghost import grid
from engine_plugin.ghost.encoders import Encoder, encoder_for
from engine_plugin.ghost.model import _encoding_graph, _session
from engine_plugin.grid import GridLayout


def encoded(facts: GameFacts, encoder: Encoder, observations: np.ndarray) -> np.ndarray:
    session = _session(_encoding_graph(facts, encoder))
    features: np.ndarray = session.run(["features"], {"observation": observations})[0]
    return features


def played(game: str, ticks: int, envs: int = 40) -> np.ndarray:
    """Observations of scripted play, so that there are bombs and open ways to be seen."""
    spec = fastenv.game_spec(game)
    batch = fastenv.make_batch(game, envs, seed=2)
    bots = [fastenv.make_bot(name, game) for name in fastenv.scripted_player_names(game)[-2:]]
    seen = []
    for _ in range(ticks):
        actions = np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1)
        batch.step(actions)
        seen.append(batch.observations[:, 0].copy())
    assert seen[0].shape == (envs, spec.observation_size)
    return np.concatenate(seen)


@pytest.mark.parametrize("game", ["blast", "race"])
def test_a_grid_is_encoded_as_for_the_larger_networks(game: str) -> None:
    pytest.importorskip("tensorflow")
    from engine_plugin.learn.encoding import WindowEncoder

    spec = fastenv.game_spec(game)
    observations = played(game, 60)
    encoder = encoder_for(spec, observations)
    features = encoded(spec, encoder, observations)
    reference = WindowEncoder(GridLayout.of(spec), grid.WINDOW)
    for index, symmetry in enumerate(encoder.symmetries):
        window, vector = reference(observations, np.full(len(observations), index, np.int32))
        expected = np.concatenate(
            [np.reshape(window, (len(observations), -1)), np.array(vector)], axis=1
        )
        shown = features[:, symmetry.columns] * symmetry.signs
        np.testing.assert_allclose(shown, expected, atol=1e-6)


def test_a_symmetry_of_the_features_is_one_of_the_weights() -> None:
    spec = fastenv.game_spec("blast")
    random = np.random.default_rng(0)
    encoder = encoder_for(spec, np.zeros((1, spec.observation_size), np.uint8))
    features = random.standard_normal((5, encoder.size))
    weights = random.standard_normal((encoder.size, 3))
    gradient = random.standard_normal((encoder.size, 3))
    for symmetry in encoder.symmetries:
        turned = features[:, symmetry.columns] * symmetry.signs
        np.testing.assert_allclose(features @ symmetry.on_weights(weights), turned @ weights)
        # The gradient goes the other way: <on_weights(W), G> = <W, gradient_of_weights(G)>.
        np.testing.assert_allclose(
            (symmetry.on_weights(weights) * gradient).sum(),
            (weights * symmetry.gradient_of_weights(gradient)).sum(),
        )


def test_numbers_are_scaled_by_what_was_seen() -> None:
    facts = ForeignGame("g", ("a", "b"), (ForeignField("x", (3,)),))
    seen = np.array([[0, 7, -1], [2, 7, 3]], np.float32)
    encoder = encoder_for(facts, seen)
    shown = encoded(facts, encoder, np.array([[3, 8, 1], [1e9, 7, -1e9]], np.float32))
    # Means 1, 7, 1; deviations 1, none, 2; limited to 10.
    np.testing.assert_allclose(shown, [[2, 1, 0], [10, 0, -10]])


def test_categories_are_one_hot() -> None:
    facts = ForeignGame(
        "g", ("a",), (ForeignField("x", (1,), 0, 2), ForeignField("y", (1,), 0, 1)), "uint8",
        "categories",
    )
    encoder = encoder_for(facts, np.zeros((1, 2), np.uint8))
    shown = encoded(facts, encoder, np.array([[2, 0], [9, 1]], np.uint8))
    assert shown.tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]


def test_images_are_refused() -> None:
    facts = ForeignGame("g", ("a",), (ForeignField("x", (8, 8, 3), 0, 255),), "uint8", "image")
    with pytest.raises(ConfigError, match="train"):
        encoder_for(facts, np.zeros((1, 192), np.uint8))
