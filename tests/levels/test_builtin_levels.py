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


@pytest.mark.parametrize("game", ["blast", "race"])
@pytest.mark.parametrize("seed", range(4))
def test_they_are_fair_and_differ(game: str, seed: int) -> None:
    """A half turn changes nothing but whose spawn is whose."""
    spec = fastenv.game_spec(game)
    levels = np.stack([level.tiles for level in fastenv.builtin_levels(spec, seed, 64)])
    assert len({tiles.tobytes() for tiles in levels}) == 64
    for index, tile in enumerate(spec.tiles):
        if not tile.name.startswith("spawn_"):
            masks = levels == index
            assert np.array_equal(masks, masks[:, ::-1, ::-1]) and masks.any(), tile.name


@pytest.mark.parametrize("most", [0, 1, 3, 8])
def test_items_that_are_too_many_are_left_out_in_pairs(most: int) -> None:
    spec = fastenv.game_spec("blast")
    constraints = replace(
        spec.level_constraints, at_most=(("crate_range", most), ("crate_bomb", 8))
    )
    capped = replace(spec, level_constraints=constraints)
    masks = np.stack(
        [level.tiles == spec.tile_id("crate_range") for level in fastenv.builtin_levels(capped, 1)]
    )
    assert masks.sum(axis=(1, 2)).max() == most
    assert np.array_equal(masks, masks[:, ::-1, ::-1])


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
