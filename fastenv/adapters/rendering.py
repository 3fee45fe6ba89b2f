"""Pictures and text of one env without pygame: flat colours, 16 pixels a tile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TILE_PIXELS = 16

# By content id of a snapshot: character and colour (red, green, blue).
CONTENTS = (
    (".", (58, 94, 60)),     # floor
    ("#", (44, 44, 52)),     # wall
    ("+", (150, 106, 62)),   # crate
    ("r", (226, 124, 44)),   # range item
    ("b", (92, 140, 226)),   # bomb item
    ("o", (16, 16, 20)),     # bomb
)
PLAYERS = (("1", (236, 236, 230)), ("2", (206, 66, 74)))
DEAD = "x"
FLAMES = ("*", (250, 200, 60))

# Where in a tile the small things are painted, so that the ground shows around them.
INSET = slice(3, TILE_PIXELS - 3)
SMALL_CONTENTS = (3, 4, 5)


def board_text(snapshot: dict[str, Any]) -> str:
    """The board, a line a row: content, over it flames, over them the players (dead ones "x")."""
    rows = [[CONTENTS[content][0] for content in row] for row in snapshot["tiles"]]
    for row, column in np.argwhere(snapshot["flames"]):
        rows[row][column] = FLAMES[0]
    for player, (character, _) in zip(snapshot["players"], PLAYERS, strict=True):
        rows[player["row"]][player["column"]] = character if player["alive"] else DEAD
    return "\n".join("".join(row) for row in rows) + "\n"


def board_picture(snapshot: dict[str, Any]) -> NDArray[np.uint8]:
    """The board as uint8 [height * 16, width * 16, 3]."""
    tiles = snapshot["tiles"]
    height, width = tiles.shape
    colours = np.array([colour for _, colour in CONTENTS], np.uint8)
    grounds = np.where(np.isin(tiles, SMALL_CONTENTS), 0, tiles)
    # [row, pixel row, column, pixel column, colour]
    picture = np.empty((height, TILE_PIXELS, width, TILE_PIXELS, 3), np.uint8)
    picture[...] = colours[grounds][:, None, :, None, :]
    for row, column in np.argwhere(snapshot["flames"]):
        picture[row, :, column] = FLAMES[1]
    for row, column in np.argwhere(np.isin(tiles, SMALL_CONTENTS)):
        picture[row, INSET, column, INSET] = colours[tiles[row, column]]
    for player, (_, colour) in zip(snapshot["players"], PLAYERS, strict=True):
        if player["alive"]:
            picture[player["row"], INSET, player["column"], INSET] = colour
    return picture.reshape(height * TILE_PIXELS, width * TILE_PIXELS, 3)
