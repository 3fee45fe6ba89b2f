"""A grid game's observation: where its parts are, what a cell byte says, and its symmetries.

What every encoder of a grid shares, as data and NumPy: the one that trains in TensorFlow
(learn/encoding.py, learn/ways.py) and the one that ghosts carry in their files (ghost/grid.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fastenv import GameSpec

# ------------------------------------------------------------------------- ways, see learn/ways.py

LONGEST = 20
LINE = 6  # cells that a line is long at most
# (row, column) of the five cells from the player's own, and what a symmetry calls them.
PROBES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
PROBE_NAMES = ("here", "up", "down", "left", "right")

# ----------------------------------------------------------------------------------------- cells

DANGER_TICKS = 8  # values of the high four bits of a cell, 0 excluded
DANGER_FEATURES = 3


def cell_table(contents: int) -> np.ndarray:
    """float32 [256, contents - 1 + 3]: the features of every cell byte, of whose low four bits
    there are `contents` values: one-hot content (floor is none of them), threatened, how soon, next
    tick."""
    table = np.zeros((256, contents - 1 + DANGER_FEATURES), np.float32)
    for value in range(256):
        content, danger = value & 15, value >> 4
        if 0 < content < contents:
            table[value, content - 1] = 1
        if danger:
            table[value, contents - 1 :] = (
                1,
                (DANGER_TICKS + 1 - danger) / DANGER_TICKS,
                danger == 1,
            )
    return table


# ------------------------------------------------------------------------------------ symmetries

# The eight symmetries as integer matrices on (row, column) offsets: flips first, then transposed.
SYMMETRIES = np.array(
    [[[r, 0], [0, c]] for r in (1, -1) for c in (1, -1)]
    + [[[0, r], [c, 0]] for r in (1, -1) for c in (1, -1)],
    np.int32,
)
STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def action_permutations(actions: tuple[str, ...]) -> np.ndarray:
    """int32 [8, actions]: the place of each action after each symmetry; others stay themselves."""
    table = np.tile(np.arange(len(actions), dtype=np.int32), (len(SYMMETRIES), 1))
    names = {step: name for name, step in STEPS.items()}
    for index, matrix in enumerate(SYMMETRIES):
        for name, step in STEPS.items():
            row, column = (int(value) for value in matrix @ np.array(step))
            table[index, actions.index(name)] = actions.index(names[(row, column)])
    return table


def window_offsets(side: int) -> np.ndarray:
    """int32 [8, side * side, 2]: the (row, column) from the player of what each place of a window
    shows under each symmetry."""
    reach = range(-(side // 2), side // 2 + 1)
    offsets = np.array([(row, column) for row in reach for column in reach], np.int32)
    # Place i of the transformed window shows what lies at matrix^-1 @ offset_i.
    return np.stack([offsets @ matrix for matrix in SYMMETRIES])


@dataclass(frozen=True)
class GridLayout:
    """Where the parts of a grid game's observation are, read from its spec."""

    size: int
    height: int
    width: int
    cells: int
    own_column: int
    own_row: int
    foe_column: int
    foe_row: int
    contents: int
    wall: int
    solid: tuple[int, ...]
    opaque: tuple[int, ...]
    reach: int | None
    scalars: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, spec: GameSpec) -> GridLayout:
        """Bytes of the flat observation and offsets in it; how many kinds of content a cell can
        have, which is the wall that lies around the board, which are solid and opaque. `reach`:
        offset of how far the player's bombs reach, None in games without; `scalars`: (offset,
        scale) of what is neither the grid nor a position nor the seat."""
        positions = ("cells", "own_column", "own_row", "foe_column", "foe_row", "seat")
        return cls(
            size=spec.observation_size,
            height=spec.height,
            width=spec.width,
            cells=spec.offset("cells"),
            own_column=spec.offset("own_column"),
            own_row=spec.offset("own_row"),
            foe_column=spec.offset("foe_column"),
            foe_row=spec.offset("foe_row"),
            contents=len(spec.contents),
            wall=spec.content_id("wall"),
            solid=spec.contents_that_are("solid"),
            opaque=spec.contents_that_are("opaque"),
            reach=spec.offset("own_range") if spec.has_field("own_range") else None,
            scalars=tuple(
                (spec.offset(field.name), 1 / max(field.high, 1))
                for field in spec.observation
                if field.name not in positions
            ),
        )

    @property
    def things(self) -> tuple[int, ...]:
        """Contents that the ways lead to: all but floor and wall."""
        return tuple(content for content in range(1, self.contents) if content != self.wall)
