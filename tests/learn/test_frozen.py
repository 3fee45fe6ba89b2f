"""Frozen policies: what the network was when they were taken, whatever it learns afterwards."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.grid import GridLayout
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.frozen import FrozenNetworks
from engine_plugin.learn.networks import DQN, example_of
from engine_plugin.learn.ways import FoundWays

SPEC = fastenv.game_spec("blast")
SLOTS = 3
FOUND = FoundWays(GridLayout.of(SPEC))


def make_network(encoder: str = "dense", width: int = 16) -> DQN:
    config = PolicyConfig(
        out="", reward="game", width=width, window=5, encoder=encoder  # type: ignore[arg-type]
    ).resolved()
    network = DQN(SPEC, config)
    network(example_of(SPEC))
    return network


def change(network: DQN, by: float) -> None:
    for variable in network.trainable_variables:
        variable.assign(variable + by)


@pytest.fixture(scope="module")
def observations() -> np.ndarray:
    batch = fastenv.make_batch("blast", 20, 1)
    bots = [fastenv.make_bot("hunter"), fastenv.make_bot("miner")]
    for _ in range(15):
        batch.step(np.stack([bot.act(batch, seat) for seat, bot in enumerate(bots)], axis=1))
    return batch.observations[:, 0].copy()


@pytest.mark.parametrize("encoder", ["dense", "convolutional"])
def test_a_frozen_policy_is_the_network_of_its_moment(
    encoder: str, observations: np.ndarray
) -> None:
    network = make_network(encoder)
    frozen = FrozenNetworks(network, SPEC, SLOTS, FOUND)
    moments = []
    for slot in range(SLOTS):
        frozen.keep(slot)
        moments.append(network(observations).numpy())
        change(network, 0.02)
    assert np.abs(moments[0] - moments[1]).max() > 1e-3
    random = np.random.default_rng(0)
    for slots in (
        random.integers(0, SLOTS, 20),
        np.full(20, 1),
        np.repeat([2, 0], [19, 1]),
        np.array([2]),
    ):
        count = len(slots)
        values = frozen.values(slots, observations[:count])
        assert values.shape == (count, len(SPEC.actions)) and values.dtype == np.float32
        expected = np.stack([moments[slot][row] for row, slot in enumerate(slots)])
        np.testing.assert_allclose(values, expected, atol=1e-5)
    # The network itself was not touched.
    assert np.abs(network(observations).numpy() - moments[-1]).max() > 1e-3


def test_a_slot_taken_over_holds_the_new_one_only(observations: np.ndarray) -> None:
    network = make_network()
    frozen = FrozenNetworks(network, SPEC, SLOTS, FOUND)
    frozen.keep(0)
    frozen.keep(1)
    old = network(observations).numpy()
    change(network, 0.02)
    frozen.keep(0)
    slots = np.arange(20) % 2
    values = frozen.values(slots, observations)
    np.testing.assert_allclose(values[slots == 1], old[slots == 1], atol=1e-5)
    np.testing.assert_allclose(
        values[slots == 0], network(observations).numpy()[slots == 0], atol=1e-5
    )


def test_saved_and_restored_it_decides_alike(observations: np.ndarray) -> None:
    network = make_network()
    frozen = FrozenNetworks(network, SPEC, SLOTS, FOUND)
    for slot in range(2):
        frozen.keep(slot)
        change(network, 0.02)
    slots = np.arange(20) % 2
    again = FrozenNetworks(make_network(), SPEC, SLOTS, FOUND)
    again.load_state(frozen.save_state())
    np.testing.assert_array_equal(
        again.values(slots, observations), frozen.values(slots, observations)
    )
    again.keep(2)
    assert again.filled == 3


def test_weights_of_another_network_are_refused() -> None:
    network = make_network()
    frozen = FrozenNetworks(network, SPEC, SLOTS, FOUND)
    frozen.keep(0)
    for other in (
        FrozenNetworks(make_network(width=32), SPEC, SLOTS, FOUND),
        FrozenNetworks(make_network("convolutional"), SPEC, SLOTS, FOUND),
    ):
        with pytest.raises(ConfigError, match=r"run\.json"):
            other.load_state(frozen.save_state())
    with pytest.raises(ConfigError):
        frozen.keep(1)
        FrozenNetworks(network, SPEC, 1, FOUND).load_state(frozen.save_state())
