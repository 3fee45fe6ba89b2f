"""Checks and repair, on Blast's constraints and on those of a game that is not ours."""

import time
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastenv
from engine_plugin.errors import ConfigError, GenerationError
from engine_plugin.runtime.constraints import SYMMETRIES, partner_cells, repair, violations

SPEC = fastenv.game_spec("blast")
NAMES = [tile.name for tile in SPEC.tiles]
CONSTRAINTS = asdict(SPEC.level_constraints)
CHARACTERS = [tile.character for tile in SPEC.tiles]

# A dungeon: one hero, one key, three coins; no border, no two seats, water blocks.
DUNGEON_NAMES = ["grass", "water", "hero", "key", "coin"]
DUNGEON = {
    "exactly": [["hero", 1], ["key", 1], ["coin", 3]],
    "connected": ["hero"],
    "blocks_paths": ["water"],
    "reachable": ["key", "coin"],
}

VALID = """
#############
#1..+...+..b#
#.#########.#
#.#r..+...#.#
#+#.#####.#+#
#...+.+.+...#
#+#.#####.#+#
#.#...+..r#.#
#.#########.#
#b..+...+..2#
#############
"""


def read(text: str) -> np.ndarray:
    return np.array([[CHARACTERS.index(c) for c in line] for line in text.split()], np.uint8)


def test_a_valid_level_has_no_violations():
    assert violations(read(VALID), NAMES, CONSTRAINTS) == []
    assert violations(read(VALID), NAMES, CONSTRAINTS, "rotate") == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("#1..+", "#...+", "expected 1 × spawn_1, got 0"),
        ("#.#...+..r#.#", "#.#...+..r#2#", "expected 1 × spawn_2, got 2"),
        ("#1..+", ".1..+", "1 border cells are not wall"),
        ("#1..+", "#1+.+", "spawn_1 has no open horizontal neighbour"),
    ],
)
def test_each_violation_is_named(old, new, words):
    assert words in violations(read(VALID.replace(old, new, 1)), NAMES, CONSTRAINTS)


def test_spawns_that_walls_part_are_named():
    tiles = read(VALID)
    tiles[4] = NAMES.index("wall")
    assert violations(tiles, NAMES, CONSTRAINTS)[0] == "no way between spawn_1 and spawn_2"


def test_items_behind_walls_are_out_of_reach():
    text = VALID.replace("#.#r..+...#.#", "#.#r#.+...#.#").replace(
        "#+#.#####.#+#", "#+#######.#+#", 1
    )
    assert violations(read(text), NAMES, CONSTRAINTS) == ["1 × crate_range out of reach"]


def test_too_many_items_and_broken_symmetry_are_named():
    tiles = read(VALID)
    tiles[5, 1:10] = NAMES.index("crate_bomb")
    assert violations(tiles, NAMES, CONSTRAINTS) == ["expected at most 8 × crate_bomb, got 11"]
    assert "not symmetric by rotate" in violations(tiles, NAMES, CONSTRAINTS, "rotate")


def test_unusable_input_is_said_to_be():
    assert violations(np.zeros((2, 2)), NAMES, CONSTRAINTS)
    assert violations(np.full((2, 2), 9), NAMES, CONSTRAINTS)
    with pytest.raises(ConfigError, match="lava"):
        violations(read(VALID), NAMES, {"border": "lava"})
    with pytest.raises(ConfigError, match="symmetry"):
        partner_cells(3, 3, "diagonal")
    with pytest.raises(ConfigError, match="scores"):
        repair(np.zeros((11, 13, 3)), NAMES, CONSTRAINTS)
    with pytest.raises(GenerationError, match="finite"):
        repair(np.full((11, 13, 7), np.nan), NAMES, CONSTRAINTS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(SYMMETRIES), st.floats(-3, 6))
def test_repair_of_any_scores_is_valid(seed, symmetry, walls):
    scores = np.random.default_rng(seed).gumbel(size=(11, 13, len(NAMES)))
    scores[..., NAMES.index("wall")] += walls
    tiles, edits = repair(scores, NAMES, CONSTRAINTS, symmetry)
    assert tiles.dtype == np.uint8
    assert violations(tiles, NAMES, CONSTRAINTS, symmetry) == []
    assert edits == (tiles != scores.argmax(-1)).sum()


def test_a_valid_level_is_left_alone():
    scores = np.eye(len(NAMES))[read(VALID)]
    tiles, edits = repair(scores, NAMES, CONSTRAINTS, "rotate")
    assert edits == 0
    assert np.array_equal(tiles, read(VALID))


def test_a_way_is_opened_where_the_generator_minds_least():
    text = VALID.replace("#...+.+.+...#", "#####.+.#####", 1)
    cut = read(text.replace("#+#.#####.#+#", "#############"))
    scores = 10.0 * np.eye(len(NAMES))[cut]
    scores[4, 11, NAMES.index("crate")] = scores[5, 11, NAMES.index("crate")] = 9.5
    scores[6, 11, NAMES.index("crate")] = 9.5
    tiles, edits = repair(scores, NAMES, CONSTRAINTS)
    assert violations(tiles, NAMES, CONSTRAINTS) == []
    assert [NAMES[tile] for tile in tiles[4:7, 11]] == ["crate"] * 3
    assert (tiles[4:7, 1:11] == cut[4:7, 1:11]).all()
    assert edits < 8


def test_a_foreign_game_uses_the_same_functions():
    for seed in range(40):
        scores = np.random.default_rng(seed).gumbel(size=(8, 9, len(DUNGEON_NAMES)))
        scores[..., 1] += 1.5
        tiles, _ = repair(scores, DUNGEON_NAMES, DUNGEON)
        assert violations(tiles, DUNGEON_NAMES, DUNGEON) == []


def test_players_start_apart_where_the_constraints_say_so():
    constraints = {**CONSTRAINTS, "apart": 9}
    tiles = read(VALID)
    assert violations(tiles, NAMES, constraints) == []
    tiles[9, 11], tiles[1, 9] = 0, NAMES.index("spawn_2")
    tiles[2, 9] = 0
    expected = ["expected spawn_1 and spawn_2 9 steps apart, got 8"]
    assert violations(tiles, NAMES, constraints) == expected
    for symmetry in SYMMETRIES:
        scores = 5 * np.eye(len(NAMES))[tiles]
        repaired, _ = repair(scores, NAMES, constraints, symmetry)
        assert violations(repaired, NAMES, constraints, symmetry) == []


def test_what_cannot_be_repaired_is_rejected():
    with pytest.raises(GenerationError):
        repair(np.zeros((3, 3, len(NAMES))), NAMES, CONSTRAINTS)
    impossible = {**DUNGEON, "exactly": [["hero", 100]]}
    with pytest.raises(GenerationError):
        repair(np.zeros((4, 4, len(DUNGEON_NAMES))), DUNGEON_NAMES, impossible)


def test_repair_is_quick():
    scores = np.random.default_rng(0).gumbel(size=(20, 11, 13, len(NAMES)))
    repair(scores[0], NAMES, CONSTRAINTS)
    started = time.process_time()
    for sample in scores:
        repair(sample, NAMES, CONSTRAINTS)
    assert (time.process_time() - started) / len(scores) < 0.02
