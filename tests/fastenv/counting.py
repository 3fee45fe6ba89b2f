"""Counting what a compiled game allows, to be held against numbers known without playing."""

from __future__ import annotations

from itertools import product

import numpy as np

import fastenv

Cell = tuple[int, int]

OPEN = "." * 11
SOLID = "#" * 11
# In every game the first five actions are these: wait, up, down, left, right.
STEPS: tuple[Cell, ...] = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
# action -> the action that goes back
BACK = np.array([0, 2, 1, 4, 3])
ENVS, WALKS, TICKS = 64, 6, 150


def board(game: str, rows: list[str]) -> fastenv.Level:
    """A level from the nine rows inside its border."""
    text = "\n".join(["#" * 13, *(f"#{row}#" for row in rows), "#" * 13])
    return fastenv.Level.from_text(text, fastenv.game_spec(game))


def walked(game: str, level: fastenv.Level, seed: int) -> list[set[Cell]]:
    """By seat, all cells stood on in many walks that seldom turn back but in dead ends."""
    random = np.random.default_rng(seed)
    batch = fastenv.make_batch(game, ENVS, seed, levels=[level], autoreset=False)
    column, row = (batch.spec.offset(name) for name in ("own_column", "own_row"))
    visited: list[set[Cell]] = [set(), set()]
    for _ in range(WALKS):
        batch.reset()
        last = np.zeros((ENVS, 2), np.uint8)
        for _ in range(TICKS):
            score = random.random((ENVS, 2, 5)) + 2.0 * batch.legal_mask[:, :, :5]
            back = np.where(random.random((ENVS, 2)) < 0.9, BACK[last], 0)
            np.put_along_axis(score, back[..., None], 1.5, axis=2)
            score[:, :, 0] = 1.2
            last = score.argmax(axis=2).astype(np.uint8)
            batch.step(last)
            for seat in range(2):
                places = batch.observations[:, seat, [row, column]].tolist()
                visited[seat] |= {(place[0], place[1]) for place in places}
        assert not (batch.terminated | batch.truncated).any()
    return visited


def numbers_of_positions(game: str, level: fastenv.Level, ticks: int) -> list[int]:
    """After 0, 1, … ticks: how many different observations all joint steps and waits lead to."""
    joint = np.array(list(product(range(5), repeat=2)), np.uint8)
    batch = fastenv.make_batch(game, len(joint), levels=[level], autoreset=False)
    found = {batch.observations[0].tobytes(): batch.save_state(0)}
    numbers = [1]
    for _ in range(ticks):
        following: dict[bytes, bytes] = {}
        for state in found.values():
            for index in range(len(joint)):
                batch.load_state(index, state)
            batch.step(joint)
            for index in range(len(joint)):
                seen = batch.observations[index].tobytes()
                if seen not in following:
                    following[seen] = batch.save_state(index)
        found = following
        numbers.append(len(found))
    return numbers
