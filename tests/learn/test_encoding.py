"""The encoding against a slow reference; board symmetries against a board turned by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf

import fastenv
from engine_plugin.grid import SYMMETRIES, GridLayout, action_permutations
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.encoding import WindowEncoder
from engine_plugin.learn.networks import DQN, Discriminator

SPEC = fastenv.game_spec("blast")
CELLS = slice(SPEC.offset("cells"), SPEC.offset("cells") + SPEC.height * SPEC.width)
MOVES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


@pytest.fixture(scope="module")
def observations() -> np.ndarray:
    """Play of the miner and random safe play, seen from both seats: uint8 [n, obs_size]."""
    arena = Arena("blast", ("miner", "hunter"), 8, 11)
    random = np.random.default_rng(3)
    seen = []
    for tick in range(120):
        if tick % 20 == 19:
            seen.append(arena.observations.copy())
        wishes = random.random(arena.allowed.shape) * arena.allowed
        arena.step(wishes.argmax(axis=1).astype(np.uint8))
    # Bytes that no play has shown yet belong to it too: every danger on every content.
    invented = np.concatenate(seen)[:6].copy()
    invented[:, CELLS] = random.integers(0, 6, (6, 143)) | random.integers(0, 9, (6, 143)) << 4
    return np.concatenate([*seen, invented])


def value(observation: np.ndarray, name: str) -> int:
    return int(observation[SPEC.offset(name)])


def cell_features(byte: int) -> list[float]:
    """One-hot content without floor, threatened, how soon, next tick."""
    content, danger = byte & 15, byte >> 4
    hot = [float(content == kind) for kind in range(1, 6)]
    return [*hot, float(danger > 0), (9 - danger) / 8 if danger else 0.0, float(danger == 1)]


def reference(observation: np.ndarray, side: int, matrix: np.ndarray, absolute: bool):
    """Window and vector, cell by cell: what lies at offset o is shown at offset matrix @ o."""
    cells = observation[CELLS].reshape(SPEC.height, SPEC.width)
    own = np.array([value(observation, "own_row"), value(observation, "own_column")])
    foe = np.array([value(observation, "foe_row"), value(observation, "foe_column")])
    reach = side // 2
    window = np.zeros((side, side, 9))
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            place = own + np.array([row, column])
            inside = (place >= 0).all() and (place < cells.shape).all()
            byte = int(cells[tuple(place)]) if inside else 1
            shown = matrix @ np.array([row, column]) + reach
            window[tuple(shown)] = [*cell_features(byte), float((place == foe).all())]
    vector = [*(matrix @ (foe - own) / 8)]
    if absolute:
        centre = np.array([SPEC.height // 2, SPEC.width // 2])
        vector += [*(matrix @ (centre - own) / 5)]
    apart = ("cells", "own_column", "own_row", "foe_column", "foe_row", "seat")
    vector += [
        value(observation, field.name) / max(field.high, 1)
        for field in SPEC.observation if field.name not in apart
    ]
    return window, np.array(vector)


@pytest.mark.parametrize(("side", "absolute"), [(5, True), (9, False), (15, True)])
def test_window_and_vector_are_those_of_the_reference(
    observations: np.ndarray, side: int, absolute: bool
) -> None:
    encoder = WindowEncoder(GridLayout.of(SPEC), side, absolute, with_ways=False)
    for symmetry in (None, *range(8)):
        matrix = SYMMETRIES[symmetry or 0]
        rows = None if symmetry is None else tf.fill([len(observations)], symmetry)
        window, vector = (part.numpy() for part in encoder(observations, rows))
        assert window.shape == (len(observations), side, side, encoder.channels)
        assert vector.shape == (len(observations), encoder.vector_size)
        for index, observation in enumerate(observations):
            slow_window, slow_vector = reference(observation, side, matrix, absolute)
            np.testing.assert_allclose(window[index], slow_window, atol=1e-6)
            np.testing.assert_allclose(vector[index], slow_vector, atol=1e-6)


def test_the_seat_is_not_encoded(observations: np.ndarray) -> None:
    other = observations.copy()
    other[:, SPEC.offset("seat")] ^= 1
    encoder = WindowEncoder(GridLayout.of(SPEC), 7, with_ways=False)
    for ours, theirs in zip(encoder(observations), encoder(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def flipped(observations: np.ndarray, rows: bool, columns: bool) -> np.ndarray:
    """The bytes that the game would show on the flipped board."""
    result = observations.copy()
    cells = result[:, CELLS].reshape(-1, SPEC.height, SPEC.width)
    if rows:
        cells = cells[:, ::-1]
        for name in ("own_row", "foe_row"):
            result[:, SPEC.offset(name)] = SPEC.height - 1 - result[:, SPEC.offset(name)]
    if columns:
        cells = cells[:, :, ::-1]
        for name in ("own_column", "foe_column"):
            result[:, SPEC.offset(name)] = SPEC.width - 1 - result[:, SPEC.offset(name)]
    result[:, CELLS] = cells.reshape(len(result), -1)
    return result


FLIPS = {(1, 1): (False, False), (1, -1): (False, True), (-1, 1): (True, False),
         (-1, -1): (True, True)}


def flips() -> list[tuple[int, bool, bool]]:
    return [
        (index, *FLIPS[(int(matrix[0, 0]), int(matrix[1, 1]))])
        for index, matrix in enumerate(SYMMETRIES) if matrix[0, 0]
    ]


@pytest.mark.parametrize(("symmetry", "rows", "columns"), flips())
def test_a_flip_shows_what_the_flipped_board_shows(
    observations: np.ndarray, symmetry: int, rows: bool, columns: bool
) -> None:
    encoder = WindowEncoder(GridLayout.of(SPEC), 9, with_ways=False)
    shown = encoder(observations, tf.fill([len(observations)], symmetry))
    by_hand = encoder(flipped(observations, rows, columns))
    for ours, theirs in zip(shown, by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_transposition_swaps_the_window_s_axes(observations: np.ndarray) -> None:
    encoder = WindowEncoder(GridLayout.of(SPEC), 9, with_ways=False)
    transposed = next(
        index for index, matrix in enumerate(SYMMETRIES) if (matrix == [[0, 1], [1, 0]]).all()
    )
    plain, vector = encoder(observations)
    shown, shown_vector = encoder(observations, tf.fill([len(observations)], transposed))
    np.testing.assert_array_equal(shown, tf.transpose(plain, [0, 2, 1, 3]))
    order = [1, 0, 3, 2, *range(4, encoder.vector_size)]
    np.testing.assert_allclose(shown_vector, vector.numpy()[:, order], atol=1e-6)


def small(**changes: object) -> PolicyConfig:
    values = {"out": "unused", "demos": "unused", "width": 16, "window": 7,
              "discriminator_width": 16, "discriminator_window": 5, **changes}
    return PolicyConfig(**values).resolved()  # type: ignore[arg-type]


@pytest.mark.parametrize("encoder", ("dense", "convolutional"))
def test_values_come_back_in_the_order_of_the_actions(
    observations: np.ndarray, encoder: str
) -> None:
    """What a network says of a flipped board, sorted back by hand, is what it says by symmetry."""
    keras.utils.set_random_seed(0)
    config = small(encoder=encoder)
    permutations = action_permutations(SPEC.actions)
    for network in (DQN(SPEC, config), Discriminator(SPEC, config)):
        for symmetry, rows, columns in flips():
            by_symmetry = network(observations, tf.fill([len(observations)], symmetry)).numpy()
            by_hand = network(flipped(observations, rows, columns)).numpy()
            np.testing.assert_allclose(
                by_symmetry, by_hand[:, permutations[symmetry]], atol=1e-5
            )


@pytest.mark.parametrize("symmetry", range(8))
def test_quarter_turns_too_come_back_in_the_order_of_the_actions(
    observations: np.ndarray, symmetry: int
) -> None:
    """The judge is shown the window turned by hand: its answer for an action of the board stands
    at the place of the turned action. A quarter turn is no undoing of itself, as a flip is."""
    keras.utils.set_random_seed(0)
    network = Discriminator(SPEC, small(ways=False))
    turned = [reference(row, 5, SYMMETRIES[symmetry], absolute=False) for row in observations]
    windows, vectors = (np.stack(parts).astype(np.float32) for parts in zip(*turned, strict=True))
    judged = network.judge(windows, vectors, False).numpy()
    values = network(observations, tf.fill([len(observations)], symmetry)).numpy()
    for name, step in MOVES.items():
        there = tuple(int(part) for part in SYMMETRIES[symmetry] @ np.array(step))
        place = next(other for other, move in MOVES.items() if move == there)
        np.testing.assert_allclose(
            values[:, SPEC.actions.index(name)], judged[:, SPEC.actions.index(place)], atol=1e-5
        )


def test_mixed_symmetries_are_each_row_s_own(observations: np.ndarray) -> None:
    network = DQN(SPEC, small())
    symmetry = np.arange(len(observations), dtype=np.int32) % 8
    mixed = network(observations, symmetry).numpy()
    for index in range(8):
        alone = network(observations, tf.fill([len(observations)], index)).numpy()
        np.testing.assert_allclose(mixed[symmetry == index], alone[symmetry == index], atol=1e-5)


def test_the_symmetries_are_the_eight_of_the_square() -> None:
    assert len({matrix.tobytes() for matrix in SYMMETRIES}) == len(SYMMETRIES) == 8
    for matrix in SYMMETRIES:
        np.testing.assert_array_equal(matrix @ matrix.T, np.eye(2))
    # The settings 1 and 4 take the first ones: nothing, and the flips.
    np.testing.assert_array_equal(SYMMETRIES[0], np.eye(2))
    assert all(matrix[0, 1] == matrix[1, 0] == 0 for matrix in SYMMETRIES[:4])


def test_action_permutations_are_a_group_action_that_moves_as_the_board_does() -> None:
    table = action_permutations(SPEC.actions)
    assert table.shape == (8, len(SPEC.actions))
    places = {matrix.tobytes(): index for index, matrix in enumerate(SYMMETRIES)}
    for first, matrix in enumerate(SYMMETRIES):
        assert sorted(table[first]) == list(range(len(SPEC.actions)))
        for name in ("wait", "bomb"):
            assert table[first, SPEC.actions.index(name)] == SPEC.actions.index(name)
        for name, step in MOVES.items():
            turned = SPEC.actions[table[first, SPEC.actions.index(name)]]
            assert MOVES[turned] == tuple(matrix @ np.array(step))
        for second, other in enumerate(SYMMETRIES):
            both = places[np.ascontiguousarray(other @ matrix).tobytes()]
            np.testing.assert_array_equal(table[both], table[second][table[first]])
