"""The measures, against counts made by hand and against brute force."""

import numpy as np
import pytest

import fastenv
from engine_plugin.levels.corpus import grammar_tiles
from engine_plugin.levels.metrics import (
    all_views,
    crate_ids,
    crate_shares,
    diversity,
    duplicate_share,
    near_copy_distance,
    nearest_distances,
    pattern_divergence,
    playable,
)

SPEC = fastenv.game_spec("blast")
LEVELS = grammar_tiles(SPEC, 60, seed=1)


def test_crate_share_counts_crates_among_cells_without_walls():
    tiles = np.full((1, 11, 13), SPEC.tile_id("wall"), np.uint8)
    tiles[0, 5, 1:9] = SPEC.tile_id("floor")
    tiles[0, 5, 1] = SPEC.tile_id("crate")
    tiles[0, 5, 2] = SPEC.tile_id("crate_bomb")
    assert crate_shares(tiles, SPEC).tolist() == [0.25]
    assert crate_ids(["crate", "create", "crate_x", "floor"]) == [0, 2]


def test_diversity_is_the_mean_pairwise_hamming_distance():
    inside = LEVELS[:12, 1:-1, 1:-1]
    pairs = [(inside[i] != inside[j]).mean() for i in range(12) for j in range(i)]
    assert diversity(LEVELS[:12], SPEC) == pytest.approx(np.mean(pairs))
    assert diversity(LEVELS[:1], SPEC) == 0


def test_duplicates_are_those_beyond_the_first():
    assert duplicate_share(np.concatenate([LEVELS[:3], LEVELS[:1]])) == 0.25
    assert duplicate_share(LEVELS[:0]) == 0


def test_every_view_of_a_corpus_level_is_a_copy():
    assert nearest_distances(all_views(LEVELS[:4], SPEC), LEVELS, SPEC).max() < 1e-6
    changed = LEVELS[:1].copy()
    changed[0, 5, 5] = (changed[0, 5, 5] + 1) % 5
    assert nearest_distances(changed, LEVELS, SPEC)[0] == pytest.approx(1 / 99)


def test_near_copies_are_rarer_in_the_corpus_than_levels():
    distance = near_copy_distance(LEVELS, SPEC)
    assert 0 < distance < 0.5
    assert (nearest_distances(LEVELS[:20], LEVELS[20:], SPEC) >= distance).mean() > 0.7


def test_pattern_divergence_tells_levels_from_noise():
    noise = np.random.default_rng(0).permuted(LEVELS, axis=2)
    others = grammar_tiles(SPEC, 60, seed=2)
    for size in (2, 3):
        assert pattern_divergence(LEVELS, LEVELS, size) == 0
        alike = pattern_divergence(LEVELS, others, size)
        assert 0 < alike < pattern_divergence(noise, others, size) <= 1
    assert pattern_divergence(LEVELS * 0, LEVELS * 0 + 1, 2) == 1
    with pytest.raises(ValueError, match="windows"):
        pattern_divergence(LEVELS, LEVELS, 9)


def test_playable_judges_by_the_games_constraints():
    broken = LEVELS[:2].copy()
    broken[1, 1:-1, 1:-1] = 0
    assert playable(broken, SPEC).tolist() == [True, False]
