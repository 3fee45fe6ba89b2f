"""The rules of Race once more, in plain Python, written from the prose that opens race.pyx.

Nothing here is fast or clever; it exists so that the compiled game can be compared with it, tick by
tick. It shares no code with the compiled game.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Cell = tuple[int, int]

HEIGHT, WIDTH = 11, 13
COINS_TO_WIN = 5
TICK_LIMIT = 240

WAIT, UP, DOWN, LEFT, RIGHT = range(5)
STEPS: dict[int, Cell] = {WAIT: (0, 0), UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}

# What an observer sees in a cell; a level tile beyond them is a spawn.
FLOOR, WALL, CRATE, ICE, COIN = range(5)
SPAWNS = (5, 6)


@dataclass
class Player:
    cell: Cell
    coins: int = 0
    sliding: int = WAIT     # the action that a slide goes on with in the next tick


@dataclass(frozen=True)
class Move:
    """What a player sets out to do: where she then stands, where the crate that she pushes."""

    target: Cell
    crate: Cell | None = None


@dataclass
class Reference:
    """One game. `happened` names what the last tick brought: tests ask whether they met it all."""

    content: dict[Cell, int]
    players: list[Player]
    tick: int = 0
    terminated: bool = False
    truncated: bool = False
    illegal_actions: int = 0
    happened: set[str] = field(default_factory=set)

    @classmethod
    def from_tiles(cls, tiles: np.ndarray) -> Reference:
        cells = {
            (row, column): int(tiles[row, column])
            for row in range(HEIGHT)
            for column in range(WIDTH)
        }
        spawns = {tile: cell for cell, tile in cells.items() if tile in SPAWNS}
        return cls(
            content={cell: FLOOR if tile in SPAWNS else tile for cell, tile in cells.items()},
            players=[Player(spawns[tile]) for tile in SPAWNS],
        )

    def copy(self) -> Reference:
        other = copy.copy(self)
        other.content = dict(self.content)
        other.players = [copy.copy(player) for player in self.players]
        other.happened = set(self.happened)
        return other

    def possibilities(self) -> list[Reference]:
        """Race hides nothing and draws nothing."""
        return [self]

    # ------------------------------------------------------------------------------ the rules

    def is_legal(self, seat: int, action: int) -> bool:
        player, other = self.players[seat], self.players[1 - seat]
        if action == WAIT:
            return True
        if player.sliding != WAIT:
            return False
        target = _beside(player.cell, action)
        if self.content[target] == CRATE:
            behind = _beside(target, action)
            return self.content[behind] == FLOOR and other.cell != behind
        return self.content[target] != WALL

    def step(self, actions: tuple[int, int]) -> tuple[int, int]:
        """One tick; the rewards."""
        if self.terminated or self.truncated:
            return (0, 0)
        self.tick += 1
        self.happened = set()
        chosen = []
        for seat, action in enumerate(actions):
            if not self.is_legal(seat, action):
                self.illegal_actions += 1
                action = WAIT
            chosen.append(self.players[seat].sliding or action)
        moves = [
            self._move(player, action)
            for player, action in zip(self.players, chosen, strict=True)
        ]
        if self._collide(*moves):
            self._tell_a_collision(moves)
            chosen = [WAIT, WAIT]
            moves = [Move(player.cell) for player in self.players]
        for player, move in zip(self.players, moves, strict=True):
            if move.crate is not None:
                self.content[move.target], self.content[move.crate] = FLOOR, CRATE
                self.happened.add("push")
            if player.sliding and move.target != player.cell:
                self.happened.add("slide")
            player.cell = move.target
        for player, action in zip(self.players, chosen, strict=True):
            slides = action != WAIT and self.content[player.cell] == ICE
            if slides and self.content[_beside(player.cell, action)] in (WALL, CRATE):
                slides = False
            player.sliding = action if slides else WAIT
        for player in self.players:
            if self.content[player.cell] == COIN:
                self.content[player.cell] = FLOOR
                player.coins += 1
        return self._result()

    def _move(self, player: Player, action: int) -> Move:
        target = _beside(player.cell, action)
        pushes = action != WAIT and self.content[target] == CRATE
        return Move(target, _beside(target, action) if pushes else None)

    def _collide(self, first: Move, second: Move) -> bool:
        swap = [first.target, second.target] == [self.players[1].cell, self.players[0].cell]
        if first.target == second.target or swap:
            return True
        return any(
            one.crate is not None and one.crate in (other.target, other.crate)
            for one, other in ((first, second), (second, first))
        )

    def _tell_a_collision(self, moves: list[Move]) -> None:
        targets = [move.target for move in moves]
        self.happened.add("same cell" if targets[0] == targets[1] else "other collision")
        if targets == [self.players[1].cell, self.players[0].cell]:
            self.happened.add("swap")
        if any(move.crate for move in moves):
            self.happened.add("contested push")
        if any(player.sliding for player in self.players):
            self.happened.add("blocked slide")

    def _result(self) -> tuple[int, int]:
        won = [player.coins >= COINS_TO_WIN for player in self.players]
        self.terminated = any(won)
        self.truncated = not self.terminated and self.tick == TICK_LIMIT
        if won == [True, False]:
            return (1, -1)
        if won == [False, True]:
            return (-1, 1)
        return (0, 0)

    # -------------------------------------------------------------------------- what is seen

    def cells(self) -> np.ndarray:
        """uint8 [height, width]: the content."""
        return np.array(
            [[self.content[row, column] for column in range(WIDTH)] for row in range(HEIGHT)],
            np.uint8,
        )

    def observations(self) -> np.ndarray:
        """uint8 [players, observation size], by the field names of the spec."""
        cells = self.cells().reshape(-1)
        coins_left = sum(content == COIN for content in self.content.values())
        rows = []
        for seat, own in enumerate(self.players):
            foe = self.players[1 - seat]
            scalars = [
                own.cell[1], own.cell[0], foe.cell[1], foe.cell[0],
                own.coins, foe.coins, coins_left,
                own.sliding != WAIT, foe.sliding != WAIT,
                TICK_LIMIT - self.tick, seat,
            ]  # fmt: skip
            rows.append(np.concatenate([cells, np.array(scalars, np.uint8)]))
        return np.stack(rows)

    def legal_mask(self) -> np.ndarray:
        return np.array(
            [[self.is_legal(seat, action) for action in STEPS] for seat in range(2)], np.uint8
        )

    def survivable_mask(self, seat: int, caution: int = 0) -> np.ndarray:
        """uint8 [actions]: nobody dies in Race, so whatever is legal."""
        return np.array(self.legal_mask()[seat])

    def snapshot(self) -> dict[str, Any]:
        """What a host draws."""
        return {
            "tiles": self.cells(),
            "players": [
                {
                    "row": player.cell[0], "column": player.cell[1], "alive": True,
                    "coins": player.coins,
                }
                for player in self.players
            ],
            "tick": self.tick,
            "tick_limit": TICK_LIMIT,
        }  # fmt: skip


def _beside(cell: Cell, action: int) -> Cell:
    step = STEPS[action]
    return cell[0] + step[0], cell[1] + step[1]
