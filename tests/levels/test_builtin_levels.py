"""The built-in levels of every game keep the constraints that the game declares."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

import fastenv
from engine_plugin.runtime.constraints import violations
from fastenv.spec import Tile


@pytest.mark.parametrize("game", ["blast", "race"])
def test_they_keep_the_games_constraints(game: str) -> None:
    spec = fastenv.game_spec(game)
    names = [tile.name for tile in spec.tiles]
    for level in fastenv.builtin_levels(spec, 5, 64):
        found = violations(level.tiles, names, asdict(spec.level_constraints))
        assert not found, level.to_text(spec)


def test_those_of_race_are_fair_and_differ() -> None:
    spec = fastenv.game_spec("race")
    levels = [level.tiles for level in fastenv.builtin_levels(spec, 5, 64)]
    assert len({tiles.tobytes() for tiles in levels}) == 64
    for name in ("coin", "ice", "crate", "wall"):
        masks = np.stack([tiles == spec.tile_id(name) for tiles in levels])
        assert np.array_equal(masks, masks[:, ::-1, ::-1]) and masks.any(), name


def test_a_game_whose_constraints_cannot_be_met_says_so() -> None:
    spec = fastenv.game_spec("race")
    full = replace(spec.level_constraints, exactly=(("coin", 99),))
    with pytest.raises(fastenv.LevelError, match="levels of your own"):
        fastenv.builtin_levels(replace(spec, level_constraints=full), 1)
    bare = replace(
        spec,
        tiles=(Tile("floor", "."), Tile("wall", "#"), Tile("spawn_1", "1"), Tile("spawn_2", "2")),
        level_constraints=replace(
            spec.level_constraints, exactly=(), at_most=(), reachable=(), blocks_paths=("wall",)
        ),
    )
    assert fastenv.builtin_levels(bare, 1, 2)[0].tiles.shape == (11, 13)
