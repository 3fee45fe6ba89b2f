"""The rules of Blast once more, in plain Python, written from the prose that opens blast.pyx.

Nothing here is fast or clever; it exists so that the compiled game can be compared with it, tick by
tick. It shares no code and no algorithm with the compiled game: danger is found by relaxing burst
times until nothing changes, the closing spiral by walking and turning, what can be survived by
playing every way out.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Cell = tuple[int, int]

HEIGHT, WIDTH = 11, 13
FUSE = 8
CLOSING_TICK = 200
VARIANTS = 8
# The closing can be seen coming this early: the danger of a closing cell, a tick in advance.
FORK_TICK = CLOSING_TICK - FUSE - 1

WAIT, UP, DOWN, LEFT, RIGHT, BOMB = range(6)
STEPS: dict[int, Cell] = {WAIT: (0, 0), UP: (-1, 0), DOWN: (1, 0), LEFT: (0, -1), RIGHT: (0, 1)}
DIRECTIONS = (STEPS[UP], STEPS[DOWN], STEPS[LEFT], STEPS[RIGHT])

# What an observer sees in a cell.
FLOOR, WALL, CRATE, RANGE_ITEM, BOMB_ITEM, BOMB_HERE = range(6)
# level tile -> (what is seen, what it hides)
TILES = {
    0: (FLOOR, FLOOR),
    1: (WALL, FLOOR),
    2: (CRATE, FLOOR),
    3: (CRATE, RANGE_ITEM),
    4: (CRATE, BOMB_ITEM),
    5: (FLOOR, FLOOR),
    6: (FLOOR, FLOOR),
}


@dataclass
class Bomb:
    cell: Cell
    fuse: int
    range: int
    owner: int


@dataclass
class Player:
    cell: Cell
    alive: bool = True
    bombs: int = 1
    capacity: int = 1
    range: int = 2


@dataclass
class Reference:
    """One game. `variant` is the closing spiral, 0 to 7, in an order of this file's own."""

    content: dict[Cell, int]
    hidden: dict[Cell, int]
    players: list[Player]
    variant: int = 0
    bombs: list[Bomb] = field(default_factory=list)
    flames: set[Cell] = field(default_factory=set)
    tick: int = 0
    terminated: bool = False
    illegal_actions: int = 0

    truncated = False       # never: the arena closes

    @classmethod
    def from_tiles(cls, tiles: np.ndarray) -> Reference:
        cells = {
            (row, column): int(tiles[row, column])
            for row in range(HEIGHT)
            for column in range(WIDTH)
        }
        spawns = {tile: cell for cell, tile in cells.items() if tile in (5, 6)}
        return cls(
            content={cell: TILES[tile][0] for cell, tile in cells.items()},
            hidden={cell: TILES[tile][1] for cell, tile in cells.items()},
            players=[Player(spawns[5]), Player(spawns[6])],
        )

    def copy(self, variant: int | None = None) -> Reference:
        other = copy.copy(self)
        other.content, other.hidden = dict(self.content), dict(self.hidden)
        other.players = [copy.copy(player) for player in self.players]
        other.bombs = [copy.copy(bomb) for bomb in self.bombs]
        other.flames = set(self.flames)
        other.variant = self.variant if variant is None else variant
        return other

    def possibilities(self) -> list[Reference]:
        """Before the closing shows which spiral was drawn: all."""
        if self.tick != FORK_TICK or self.terminated:
            return [self]
        return [self.copy(variant) for variant in range(VARIANTS)]

    # ------------------------------------------------------------------------------ the rules

    def is_legal(self, seat: int, action: int) -> bool:
        player = self.players[seat]
        if action == WAIT:
            return True
        if action == BOMB:
            return player.bombs > 0 and self.content[player.cell] != BOMB_HERE
        target = _beside(player.cell, STEPS[action])
        return self.content[target] not in (WALL, CRATE, BOMB_HERE)

    def step(self, actions: tuple[int, int], spared: tuple[int, ...] = ()) -> tuple[int, int]:
        """One tick; the rewards. Who is `spared` cannot die (for what can be survived)."""
        if self.terminated:
            return (0, 0)
        self.tick += 1
        self.flames = set()
        earlier = list(self.bombs)
        self._act(actions)
        self._take_items()
        for bomb in earlier:
            bomb.fuse -= 1
        self._burst()
        dead = {seat for seat, player in enumerate(self.players) if player.cell in self.flames}
        dead |= self._close()
        for seat in dead - set(spared):
            self.players[seat].alive = False
        return self._result()

    def _act(self, actions: tuple[int, int]) -> None:
        chosen = []
        for seat, action in enumerate(actions):
            if not self.is_legal(seat, action):
                self.illegal_actions += 1
                action = WAIT
            chosen.append(action)
        targets = [
            _beside(player.cell, STEPS.get(action, (0, 0)))
            for player, action in zip(self.players, chosen, strict=True)
        ]
        for seat, action in enumerate(chosen):
            if action == BOMB:
                player = self.players[seat]
                self.content[player.cell] = BOMB_HERE
                self.bombs.append(Bomb(player.cell, FUSE, player.range, seat))
                player.bombs -= 1
        first, second = (player.cell for player in self.players)
        if targets[0] == targets[1] or targets == [second, first]:
            return
        for player, target in zip(self.players, targets, strict=True):
            player.cell = target

    def _take_items(self) -> None:
        for player in self.players:
            item = self.content[player.cell]
            if item in (RANGE_ITEM, BOMB_ITEM):
                self.content[player.cell] = FLOOR
            if item == RANGE_ITEM:
                player.range = min(player.range + 1, 6)
            elif item == BOMB_ITEM and player.capacity < 4:
                player.capacity += 1
                player.bombs += 1

    def reach(self, bomb: Bomb) -> set[Cell]:
        """The cells that this bomb's flames cover, as the board stands now."""
        cells = {bomb.cell}
        for direction in DIRECTIONS:
            cell = bomb.cell
            for _ in range(bomb.range):
                cell = _beside(cell, direction)
                if self.content[cell] == WALL:
                    break
                cells.add(cell)
                if self.content[cell] == CRATE:
                    break
        return cells

    def _burst(self) -> None:
        bursting = [bomb for bomb in self.bombs if bomb.fuse == 0]
        for bomb in bursting:      # grows while it is walked: the chain
            reached = self.reach(bomb)
            self.flames |= reached
            bursting += [
                other for other in self.bombs if other not in bursting and other.cell in reached
            ]
        for bomb in bursting:
            self._take_back(bomb)
        for cell in self.flames:
            if self.content[cell] == CRATE:
                self.content[cell] = self.hidden.pop(cell)
            elif self.content[cell] in (RANGE_ITEM, BOMB_ITEM):
                self.content[cell] = FLOOR

    def _take_back(self, bomb: Bomb) -> None:
        self.bombs = [other for other in self.bombs if other is not bomb]
        self.content[bomb.cell] = FLOOR
        self.players[bomb.owner].bombs += 1

    def _close(self) -> set[int]:
        """Seats of the players whom the closing arena catches."""
        cell = self.closing_cell(self.tick)
        if cell is None:
            return set()
        for bomb in self.bombs:
            if bomb.cell == cell:
                self._take_back(bomb)
        self.content[cell] = WALL
        return {seat for seat, player in enumerate(self.players) if player.cell == cell}

    def closing_cell(self, tick: int) -> Cell | None:
        step = tick - CLOSING_TICK
        path = SPIRALS[self.variant]
        return path[step] if 0 <= step < len(path) else None

    def _result(self) -> tuple[int, int]:
        alive = [player.alive for player in self.players]
        self.terminated = not all(alive)
        if alive == [True, False]:
            return (1, -1)
        if alive == [False, True]:
            return (-1, 1)
        return (0, 0)

    # -------------------------------------------------------------------------- what is seen

    def danger(self) -> dict[Cell, int]:
        """Ticks until a cell burns or closes as the board stands now; safe cells are left out."""
        reaches = [self.reach(bomb) for bomb in self.bombs]
        due = [bomb.fuse for bomb in self.bombs]
        changed = True
        while changed:
            changed = False
            for first, reached in enumerate(reaches):
                for second, bomb in enumerate(self.bombs):
                    if bomb.cell in reached and due[second] > due[first]:
                        due[second], changed = due[first], True
        result: dict[Cell, int] = {}
        for ticks, reached in zip(due, reaches, strict=True):
            for cell in reached:
                result[cell] = min(ticks, result.get(cell, ticks))
        for ticks in range(1, FUSE + 1):
            closing = self.closing_cell(self.tick + ticks)
            if closing is not None and self.content[closing] != WALL:
                result[closing] = min(ticks, result.get(closing, ticks))
        return result

    def cells(self) -> np.ndarray:
        """uint8 [height, width]: content, and danger in the high four bits."""
        danger = self.danger()
        return np.array(
            [
                [
                    self.content[row, column] | danger.get((row, column), 0) << 4
                    for column in range(WIDTH)
                ]
                for row in range(HEIGHT)
            ],
            np.uint8,
        )

    def observations(self) -> np.ndarray:
        """uint8 [players, observation size], by the field names of the spec."""
        cells = self.cells().reshape(-1)
        rows = []
        for seat, own in enumerate(self.players):
            foe = self.players[1 - seat]
            scalars = [
                own.cell[1], own.cell[0], foe.cell[1], foe.cell[0],
                own.bombs, own.capacity, own.range,
                foe.bombs, foe.capacity, foe.range,
                max(CLOSING_TICK - self.tick, 0), max(self.tick - CLOSING_TICK, 0), seat,
            ]  # fmt: skip
            rows.append(np.concatenate([cells, np.array(scalars, np.uint8)]))
        return np.stack(rows)

    def legal_mask(self) -> np.ndarray:
        return np.array(
            [[self.is_legal(seat, action) for action in range(6)] for seat in range(2)], np.uint8
        )

    def snapshot(self) -> dict[str, Any]:
        """What a host draws."""
        cells = self.cells()
        flames = np.zeros((HEIGHT, WIDTH), bool)
        for cell in self.flames:
            flames[cell] = True
        return {
            "tiles": cells & 15,
            "danger": cells >> 4,
            "flames": flames,
            "players": [
                {
                    "row": player.cell[0], "column": player.cell[1], "alive": player.alive,
                    "bombs": player.bombs, "capacity": player.capacity, "range": player.range,
                }
                for player in self.players
            ],
            "bombs": [
                {
                    "row": bomb.cell[0], "column": bomb.cell[1], "fuse": bomb.fuse,
                    "range": bomb.range, "owner": bomb.owner,
                }
                for bomb in self.bombs
            ],
            "tick": self.tick,
            "closing_tick": CLOSING_TICK,
        }  # fmt: skip

    # ---------------------------------------------------------------- what can be survived

    def survivable_mask(self, seat: int, caution: int = 0) -> np.ndarray:
        """uint8 [actions], by trying every way of moving and waiting after each legal action: with
        the greatest caution up to this one that leaves an action."""
        mask = np.zeros(6, np.uint8)
        for action in range(6):
            if self.is_legal(seat, action):
                mask[action] = Outlook(self, seat, action, caution).is_survived()
        return mask if mask.any() or not caution else self.survivable_mask(seat, caution - 1)


class Outlook:
    """What the next ticks bring to the player in `seat` who plays `action` now, if nobody lays
    another bomb and the other player walks anywhere for `caution` ticks and then stands still."""

    def __init__(self, game: Reference, seat: int, action: int, caution: int) -> None:
        self.here = game.players[seat].cell
        self.target = _beside(self.here, STEPS.get(action, (0, 0)))
        self.laid = {self.here} if action == BOMB else set()
        last = max([bomb.fuse for bomb in game.bombs] + [FUSE])
        self.ticks = FUSE + 1 if action == BOMB else last
        # The board goes the same way wherever the two walk.
        now = action if action == BOMB else WAIT
        self.boards = [game]
        for tick in range(self.ticks):
            board = self.boards[-1].copy()
            board.step((now if tick == 0 else WAIT, WAIT)[:: -1 if seat else 1], spared=(0, 1))
            self.boards.append(board)
        # Where the other player may be, tick by tick.
        self.taken = [{game.players[1 - seat].cell}]
        for tick in range(1, self.ticks + 1):
            walked = {
                _beside(cell, step)
                for cell in self.taken[-1] for step in DIRECTIONS
                if tick <= caution and self._is_free(_beside(cell, step), tick)
            }  # fmt: skip
            self.taken.append(self.taken[-1] | walked)
        self.caution = caution

    def is_survived(self) -> bool:
        if self.target not in self.taken[1] or self.target == self.here:
            return self._outlives(1, self.target, set())
        # The step may be refused; where the other stands still it is.
        places = [self.here, self.target] if self.caution else [self.here]
        return all(self._outlives(1, cell, set()) for cell in places)

    def _is_free(self, cell: Cell, tick: int) -> bool:
        """Whether a step in this tick, 1 being the next, may lead there."""
        board = self.boards[tick - 1]
        return board.content[cell] not in (WALL, CRATE, BOMB_HERE) and cell not in self.laid

    def _outlives(self, tick: int, cell: Cell, tried: set[tuple[int, Cell]]) -> bool:
        """Whether who stands on `cell` after this tick gets through all that comes."""
        board = self.boards[tick]
        if (tick, cell) in tried or cell in board.flames or board.content[cell] == WALL:
            return False
        tried.add((tick, cell))
        return tick == self.ticks or any(
            self._outlives(tick + 1, to, tried)
            for to in [cell, *(_beside(cell, step) for step in DIRECTIONS)]
            if to == cell or (self._is_free(to, tick + 1) and to not in self.taken[tick + 1])
        )


def _beside(cell: Cell, step: Cell) -> Cell:
    return cell[0] + step[0], cell[1] + step[1]


def spiral(start: Cell, heading: Cell, turn: int) -> list[Cell]:
    """Walk straight on over the cells inside the border, turning (1 right, -1 left) where it ends.
    """
    free = {(row, column) for row in range(1, HEIGHT - 1) for column in range(1, WIDTH - 1)}
    cell, path = start, []
    while True:
        path.append(cell)
        free.discard(cell)
        if not free:
            return path
        if _beside(cell, heading) not in free:
            heading = (turn * heading[1], -turn * heading[0])
        cell = _beside(cell, heading)


def _spirals() -> list[list[Cell]]:
    """From each corner, in both directions."""
    top, bottom, left, right = 1, HEIGHT - 2, 1, WIDTH - 2
    east, west, south, north = (0, 1), (0, -1), (1, 0), (-1, 0)
    return [
        spiral((top, left), east, 1), spiral((top, left), south, -1),
        spiral((top, right), south, 1), spiral((top, right), west, -1),
        spiral((bottom, right), west, 1), spiral((bottom, right), north, -1),
        spiral((bottom, left), north, 1), spiral((bottom, left), east, -1),
    ]  # fmt: skip


SPIRALS = _spirals()
