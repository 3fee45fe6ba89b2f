"""Levels: text and tiles round-trip; what no game can start from is refused by its place."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastenv
from fastenv import Level, LevelError

SPEC = fastenv.game_spec("blast")
LINES = ["#" * 13, "#1.........2#", *["#...........#"] * 8, "#" * 13]


def changed(row: int, column: int, character: str) -> str:
    lines = list(LINES)
    lines[row] = lines[row][:column] + character + lines[row][column + 1 :]
    return "\n".join(lines)


inner = st.lists(st.integers(0, 4), min_size=99, max_size=99)


@given(inner, st.integers(0, 98), st.integers(1, 98))
def test_text_round_trips(tiles, first, apart):
    grid = np.ones((11, 13), np.int64)
    cells = np.array(tiles)
    cells[first], cells[(first + apart) % 99] = 5, 6
    grid[1:-1, 1:-1] = cells.reshape(9, 11)
    level = Level.from_tiles(grid, SPEC)
    again = Level.from_text(level.to_text(SPEC), SPEC)
    assert np.array_equal(again.tiles, grid)


def test_a_saved_level_is_read_back_with_its_metadata(tmp_path):
    level = Level.from_text("\n".join(LINES), SPEC, {"seed": 5, "conditions": {"crates": 0.25}})
    level.save(tmp_path / "one.txt", SPEC)
    again = Level.load(tmp_path / "one.txt", SPEC)
    assert np.array_equal(again.tiles, level.tiles)
    assert again.metadata["seed"] == 5 and again.metadata["name"] == "one"
    assert again.metadata["conditions"] == {"crates": 0.25}


def test_tiles_are_a_frozen_copy():
    grid = np.array(Level.from_text("\n".join(LINES), SPEC).tiles)
    level = Level.from_tiles(grid, SPEC)
    grid[5, 5] = 1
    assert level.tiles[5, 5] == 0
    with pytest.raises(ValueError, match="read-only"):
        level.tiles[5, 5] = 1


@pytest.mark.parametrize(
    "text, message",
    [
        ("\n".join(LINES[:-1]), "expected 11 lines, got 10"),
        ("\n".join([*LINES, "#" * 13]), "expected 11 lines, got 12"),
        ("", "expected 11 lines, got 0"),
        ("\n".join([*LINES[:4], "#..#", *LINES[5:]]), "line 5: expected 13 tiles, got 4"),
        (changed(3, 4, "?"), "line 4, column 5: unknown tile '\\?'"),
        (changed(1, 1, "."), "expected 1 × spawn_1, got 0"),
        (changed(1, 11, "."), "expected 1 × spawn_2, got 0"),
        (changed(5, 5, "1"), "expected 1 × spawn_1, got 2"),
        (changed(0, 4, "."), "line 1, column 5: the border must be wall, got floor"),
        (changed(10, 12, "+"), "line 11, column 13: the border must be wall, got crate"),
        (changed(4, 0, "1"), "the border must be wall"),
    ],
)
def test_a_bad_text_is_refused_with_its_place(text, message):
    with pytest.raises(LevelError, match=message):
        Level.from_text(text, SPEC)


@pytest.mark.parametrize(
    "tiles, message",
    [
        (np.zeros((13, 11), np.uint8), r"got shape \(13, 11\)"),
        (np.zeros((11, 13), np.float32), "integer tile ids, got dtype float32"),
        (np.full((11, 13), 7), "tile ids 0 to 6, got 7 to 7"),
        (np.full((11, 13), -1), "got -1 to -1"),
        (np.full((11, 13), 256), "got 256 to 256"),
        ([["wall"]], "shape"),
    ],
)
def test_bad_tiles_are_refused(tiles, message):
    with pytest.raises(LevelError, match=message):
        Level.from_tiles(tiles, SPEC)


@pytest.mark.parametrize(
    "sidecar",
    ["{", "[]", '"text"', json.dumps({"legend": {"x": "wall"}}), "\x00"],
)
def test_a_bad_sidecar_is_refused(tmp_path, sidecar):
    (tmp_path / "one.txt").write_text("\n".join(LINES))
    (tmp_path / "one.json").write_text(sidecar)
    with pytest.raises(LevelError, match=r"one\.(txt|json)"):
        Level.load(tmp_path / "one.txt", SPEC)


def test_a_missing_or_unreadable_file_is_a_level_error(tmp_path):
    with pytest.raises(LevelError, match=r"nothing\.txt"):
        Level.load(tmp_path / "nothing.txt", SPEC)
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(LevelError, match=r"bytes\.txt"):
        Level.load(tmp_path / "bytes.txt", SPEC)


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text):
    with suppress(LevelError):
        Level.from_text(text, SPEC)


def test_builtin_levels_follow_from_the_seed_and_keep_the_constraints():
    first, again, other = (fastenv.builtin_levels(SPEC, seed) for seed in (3, 3, 4))
    assert [level.to_text(SPEC) for level in first] == [level.to_text(SPEC) for level in again]
    assert [level.to_text(SPEC) for level in first] != [level.to_text(SPEC) for level in other]
    for level in first:
        for name, most in SPEC.level_constraints.at_most:
            assert (level.tiles == SPEC.tile_id(name)).sum() <= most
