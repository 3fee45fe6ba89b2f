"""The ways against a breadth-first search, cell by cell, and against boards turned by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

import fastenv
from engine_plugin.grid import (
    LINE,
    LONGEST,
    PROBE_NAMES,
    PROBES,
    SYMMETRIES,
    GridLayout,
    action_permutations,
)
from engine_plugin.learn.ways import FoundWays, Ways
from fastenv.ways import WaysFinder

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))
Cell = tuple[int, int]


def ways_of(game: str) -> Ways:
    return Ways(GridLayout.of(fastenv.game_spec(game)), action_permutations(PROBE_NAMES))


def seen_in_play(game: str) -> np.ndarray:
    """What both seats see in matches of all scripted players: int32 [n, obs_size]."""
    seen = []
    for name in fastenv.scripted_player_names(game):
        batch, bot = fastenv.make_batch(game, 4, 5), fastenv.make_bot(name, game)
        for tick in range(150):
            batch.step(np.stack([bot.act(batch, 0), bot.act(batch, 1)], axis=1))
            if tick % 25 == 0:
                seen.append(batch.observations.reshape(-1, batch.spec.observation_size).copy())
    return np.concatenate(seen).astype(np.int32)


def steps_to(targets: set[Cell], free: set[Cell]) -> dict[Cell, int]:
    """Steps from every cell, over free ones, to the nearest target."""
    steps = dict.fromkeys(targets, 0)
    edge = list(targets)
    while edge:
        ahead = []
        for row, column in edge:
            for down, right in STEPS:
                cell = (row + down, column + right)
                if cell in free and cell not in steps:
                    steps[cell] = steps[row, column] + 1
                    ahead.append(cell)
        edge = ahead
    return steps


def lined_up(sources: set[Cell], clear: set[Cell], reach: int) -> set[Cell]:
    result = set(sources)
    for row, column in sources:
        for down, right in STEPS:
            for distance in range(1, reach + 1):
                cell = (row + down * distance, column + right * distance)
                if cell not in clear:
                    break
                result.add(cell)
    return result


def reference(game: str, observation: np.ndarray) -> np.ndarray:
    """float [5, targets, 2]: nearness and whether it is the nearest."""
    spec = fastenv.game_spec(game)

    def scalar(name: str) -> int:
        return int(observation[spec.offset(name)])

    start = spec.offset("cells")
    cells = observation[start : start + spec.height * spec.width].reshape(spec.height, spec.width)
    everywhere = list(np.ndindex(*cells.shape))
    names = {cell: spec.contents[cells[cell] & 15].name for cell in everywhere}
    solid = {"wall", "crate", "bomb"}
    free = {cell for cell in everywhere if names[cell] not in solid}
    clear = {cell for cell in everywhere if names[cell] not in {"wall", "crate"}}
    calm = {cell for cell in everywhere if cells[cell] < 16}
    foe = {(scalar("foe_row"), scalar("foe_column"))}
    reach = scalar("own_range") if game == "blast" else LINE
    blocks = {cell for cell in calm - free if names[cell] != "wall"}
    targets = [foe, free & calm]
    targets += [
        {cell for cell in everywhere if names[cell] == content.name}
        for content in spec.contents if content.name not in ("floor", "wall")
    ]
    targets += [lined_up(foe, clear, reach), lined_up(blocks, clear, reach)]
    own = (scalar("own_row"), scalar("own_column"))
    result = np.zeros((len(PROBES), len(targets), 2))
    for index, target in enumerate(targets):
        steps = steps_to(target, free)
        for probe, (down, right) in enumerate(PROBES):
            distance = steps.get((own[0] + down, own[1] + right), LONGEST + 1)
            result[probe, index, 0] = max(0, LONGEST + 1 - distance) / (LONGEST + 1)
        best = result[:, index, 0].max()
        result[:, index, 1] = (result[:, index, 0] == best) & (best > 0)
    return result


@pytest.mark.parametrize("game", ("blast", "race"))
def test_ways_are_those_of_a_breadth_first_search(game: str) -> None:
    ways, observations = ways_of(game), seen_in_play(game)
    found = ways(tf.constant(observations)).numpy()
    assert found.shape == (len(observations), ways.size)
    for row, observation in zip(found, observations, strict=True):
        near, nearest = np.split(row.reshape(len(PROBES), -1), 2, axis=1)
        expected = reference(game, observation)
        np.testing.assert_allclose(near, expected[..., 0], atol=1e-6)
        np.testing.assert_array_equal(nearest, expected[..., 1])


@pytest.mark.parametrize("game", ("blast", "race"))
def test_what_the_compiled_finder_finds_are_the_same_features(game: str) -> None:
    ways, observations = ways_of(game), seen_in_play(game)
    beforehand = FoundWays(ways.layout)
    found = beforehand(observations.astype(np.uint8))
    assert found.shape == (len(observations), *beforehand.shape)
    np.testing.assert_array_equal(found[:, : ways.layout.size], observations)
    symmetry = np.arange(len(observations), dtype=np.int32) % 8
    np.testing.assert_array_equal(
        ways(tf.constant(found.astype(np.int32)), symmetry), ways(observations, symmetry)
    )


@pytest.mark.parametrize("wrong", [
    {"height": 2}, {"width": 33}, {"cells": 100}, {"wall": 16}, {"longest": 255},
    {"things": range(1, 14)},
])  # fmt: skip
def test_a_board_that_the_finder_cannot_hold_is_refused(wrong: dict[str, Any]) -> None:
    fits = {
        "size": 156, "height": 11, "width": 13, "cells": 0, "own_row": 143, "own_column": 144,
        "foe_row": 145, "foe_column": 146, "reach": -1, "wall": 1, "solid": [1], "opaque": [1],
        "things": [2], "longest": LONGEST, "line": LINE,
    }  # fmt: skip
    WaysFinder(**fits)
    with pytest.raises(ValueError, match="expected"):
        WaysFinder(**fits | wrong)


def test_the_finder_takes_arrays_that_fit_alone() -> None:
    finder = FoundWays(ways_of("blast").layout).finder
    seen = np.zeros((2, 156), np.uint8)
    finder.find(seen, np.zeros((2, len(PROBES), finder.targets), np.uint8))
    for wrong, out in ((seen[:, :-1].copy(), (2, 5, finder.targets)), (seen, (2, 5, 1))):
        with pytest.raises(ValueError, match="expected"):
            finder.find(wrong, np.zeros(out, np.uint8))


@pytest.mark.parametrize("symmetry", range(8))
def test_a_symmetry_shows_each_way_at_the_turned_place(symmetry: int) -> None:
    ways, observations = ways_of("blast"), seen_in_play("blast")[:40]
    count = len(observations)
    plain = ways(tf.constant(observations)).numpy().reshape(count, len(PROBES), -1)
    turned = ways(tf.constant(observations), tf.fill([count], symmetry)).numpy()
    turned = turned.reshape(count, len(PROBES), -1)
    for probe, step in enumerate(PROBES):
        there = tuple(int(part) for part in SYMMETRIES[symmetry] @ np.array(step))
        np.testing.assert_array_equal(turned[:, PROBES.index(there)], plain[:, probe])


def test_a_player_in_the_corner_of_an_empty_observation_does_no_harm() -> None:
    """Networks are built with zeros, which no game shows."""
    ways = ways_of("blast")
    assert np.isfinite(ways(tf.zeros([2, 156], tf.int32)).numpy()).all()
