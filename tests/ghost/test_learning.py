"""How a ghost learns: its gradients, and that it comes to do what it was shown."""

from __future__ import annotations

import numpy as np
import pytest

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.ghost.clone import Adam, Clone, GhostConfig
from engine_plugin.ghost.encoders import encoder_for
from engine_plugin.ghost.network import Gradients, Weights, first_weights
from engine_plugin.ghost.symmetry import Symmetry


def values_of(weights: Weights, features: np.ndarray) -> np.ndarray:
    """The forward pass in doubles, from the formula in network.py."""
    hidden = np.asarray(features, np.float64)
    for layer in (0, 2):
        hidden = np.maximum(hidden @ weights[layer] + weights[layer + 1], 0)
    answer: np.ndarray = hidden @ weights[4] + weights[5]
    return answer


def loss_of(weights: Weights, features: np.ndarray, actions: np.ndarray) -> float:
    values = values_of(weights, features)
    normaliser = np.log(np.exp(values).sum(axis=1))
    chosen = values[np.arange(len(actions)), actions]
    return float((normaliser - chosen + normaliser**2 / 2).mean())


def test_gradients_are_those_of_finite_differences() -> None:
    random = np.random.default_rng(3)
    weights = first_weights(5, 7, 4, random)
    weights[4] *= 10
    for bias in weights[1::2]:
        bias += random.normal(size=bias.shape).astype(np.float32)
    features = random.standard_normal((9, 5)).astype(np.float32)
    actions = random.integers(0, 4, 9)
    loss, gradients = Gradients(5, 7, 4)(weights, features, actions)
    assert loss == pytest.approx(loss_of(weights, features, actions), rel=1e-5)
    step = 1e-6
    for index, gradient in enumerate(gradients):
        assert gradient.shape == weights[index].shape
        doubles = [array.astype(np.float64) for array in weights]
        expected = np.zeros(gradient.shape)
        for place in np.ndindex(gradient.shape):
            sides = []
            for side in (step, -step):
                doubles[index][place] += side
                sides.append(loss_of(doubles, features, actions))
                doubles[index][place] -= side
            expected[place] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(gradient, expected, rtol=2e-4, atol=2e-6)


def test_adam_goes_the_way_of_its_paper() -> None:
    """Against the algorithm as printed, with its corrected averages, in doubles."""
    random = np.random.default_rng(0)
    start = random.normal(size=4)
    array = start.astype(np.float32)
    optimiser = Adam([array])
    first = second = np.zeros(4)
    for step in range(1, 20):
        gradient = random.normal(size=4)
        optimiser.step([gradient.astype(np.float32)], 0.01)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = second / (1 - 0.999**step)
        start = start - 0.01 * first / (1 - 0.9**step) / (np.sqrt(corrected) + 1e-8)
    np.testing.assert_allclose(array, start, rtol=1e-4)


def test_it_learns_a_rule_and_how_sure_it_is() -> None:
    """Action 1 where x > 0; else 0 and 2 at odds of three to one."""
    random = np.random.default_rng(1)
    features = random.standard_normal((2_000, 3)).astype(np.float32)
    unsure = np.where(random.random(2_000) < 0.25, 2, 0)
    actions = np.where(features[:, 0] > 0, 1, unsure).astype(np.uint8)
    config = GhostConfig(steps=400, minibatch=128, width=16)
    clone = Clone(features, actions, 3, (Symmetry.none(3, 3),), config)
    shares = list(clone.pieces())
    assert shares[-1] == 1 and shares == sorted(shares) and len(shares) == 400
    values = values_of(clone.weights, np.array([[2, 0, 0], [-2, 0, 0]]))
    # They are log probabilities themselves.
    np.testing.assert_allclose(np.exp(values), [[0, 1, 0], [0.75, 0, 0.25]], atol=0.08)


def test_what_is_learned_in_one_direction_holds_in_all() -> None:
    """Shown only how to flee from a foe to the right, it flees from one to the left too."""
    spec = fastenv.game_spec("blast")
    encoder = encoder_for(spec, np.zeros((1, spec.observation_size), np.uint8))
    to_foe_column = 49 * 9 + 1
    features = np.zeros((300, encoder.size), np.float32)
    features[:, to_foe_column] = np.random.default_rng(0).uniform(0.5, 1, 300)
    flee = np.full(300, spec.actions.index("left"), np.uint8)
    config = GhostConfig(steps=300, minibatch=32, width=32, learning_rate=1e-2)
    clone = Clone(features, flee, len(spec.actions), encoder.symmetries, config)
    list(clone.pieces())
    shown = np.zeros((4, encoder.size), np.float32)
    shown[[0, 1], to_foe_column] = 0.8, -0.8
    shown[[2, 3], to_foe_column - 1] = 0.8, -0.8
    best = values_of(clone.weights, shown).argmax(axis=1)
    assert [spec.actions[action] for action in best] == ["left", "right", "up", "down"]


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"width": 1.5}, {"minibatch": -1}, {"seed": -1}, {"learning_rate": 0.0},
     {"learning_rate": float("nan")}],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        GhostConfig(**wrong)  # type: ignore[arg-type]
