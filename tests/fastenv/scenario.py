"""Small matches written down move by move, for tests of single rules."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastenv

SPEC = fastenv.game_spec("blast")
ACTIONS = {name: number for number, name in enumerate(SPEC.actions)}
FLOOR, WALL, CRATE, RANGE_ITEM, BOMB_ITEM, BOMB = range(6)


class Scenario:
    """One env on one level; it stays as it ended.

    rows: the inside of the level by row number, 1 to 9; rows left out are floor
    """

    def __init__(self, rows: dict[int, str], seed: int = 0):
        inside = [rows.get(row, "." * 11) for row in range(1, 10)]
        text = "\n".join(["#" * 13, *(f"#{line}#" for line in inside), "#" * 13])
        level = fastenv.Level.from_text(text, SPEC)
        self.batch = fastenv.make_batch("blast", 1, seed, levels=[level], autoreset=False)

    def play(self, first: str, second: str = "") -> Scenario:
        """Both players' actions, a word a tick ("left", "bomb", "wait*7"); who has none waits."""
        moves = [_words(first), _words(second)]
        for tick in range(max(map(len, moves))):
            names = [words[tick] if tick < len(words) else "wait" for words in moves]
            self.batch.step(np.array([[ACTIONS[name] for name in names]], np.uint8))
        return self

    def wait(self, ticks: int) -> Scenario:
        return self.play(f"wait*{ticks}")

    @property
    def now(self) -> dict[str, Any]:
        return self.batch.snapshot(0)

    def content(self, row: int, column: int) -> int:
        return int(self.now["tiles"][row, column])

    def danger(self, row: int, column: int) -> int:
        return int(self.now["danger"][row, column])

    def place(self, seat: int) -> tuple[int, int]:
        player = self.now["players"][seat]
        return player["row"], player["column"]

    def player(self, seat: int) -> dict[str, Any]:
        return dict(self.now["players"][seat])

    def flames(self) -> set[tuple[int, int]]:
        return {(int(row), int(column)) for row, column in np.argwhere(self.now["flames"])}

    def rewards(self) -> tuple[float, float]:
        first, second = self.batch.rewards[0].tolist()
        return first, second

    def ended(self) -> bool:
        return bool(self.batch.terminated[0])


def _words(moves: str) -> list[str]:
    result: list[str] = []
    for word in moves.split():
        name, _, times = word.partition("*")
        result += [name] * int(times or 1)
    return result
