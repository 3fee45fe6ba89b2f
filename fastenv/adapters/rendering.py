"""Pictures and text of one env without pygame: flat colours, 16 pixels a tile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastenv.spec import Content

TILE_PIXELS = 16

PLAYERS = (
    ("1", (236, 236, 230)),
    ("2", (206, 66, 74)),
    ("3", (84, 140, 226)),
    ("4", (120, 196, 92)),
)
DEAD = "x"
FLAMES = ("*", (250, 200, 60))

# Where in a tile the small things are painted, so that the ground shows around them.
INSET = slice(3, TILE_PIXELS - 3)


def board_text(snapshot: dict[str, Any], contents: tuple[Content, ...]) -> str:
    """The board, a line a row: content, over it flames, over them the players (dead ones "x")."""
    rows = [[contents[content].character for content in row] for row in snapshot["tiles"]]
    for row, column in _flames(snapshot):
        rows[row][column] = FLAMES[0]
    for player, (character, _) in zip(snapshot["players"], PLAYERS, strict=False):
        rows[player["row"]][player["column"]] = character if player["alive"] else DEAD
    return "\n".join("".join(row) for row in rows) + "\n"


def board_picture(snapshot: dict[str, Any], contents: tuple[Content, ...]) -> NDArray[np.uint8]:
    """The board as uint8 [height * 16, width * 16, 3]."""
    tiles = snapshot["tiles"]
    height, width = tiles.shape
    colours = np.array([content.colour for content in contents], np.uint8)
    is_small = np.array([content.small for content in contents])[tiles]
    grounds = np.where(is_small, 0, tiles)
    # [row, pixel row, column, pixel column, colour]
    picture = np.empty((height, TILE_PIXELS, width, TILE_PIXELS, 3), np.uint8)
    picture[...] = colours[grounds][:, None, :, None, :]
    for row, column in _flames(snapshot):
        picture[row, :, column] = FLAMES[1]
    for row, column in np.argwhere(is_small):
        picture[row, INSET, column, INSET] = colours[tiles[row, column]]
    for player, (_, colour) in zip(snapshot["players"], PLAYERS, strict=False):
        if player["alive"]:
            picture[player["row"], INSET, player["column"], INSET] = colour
    return picture.reshape(height * TILE_PIXELS, width * TILE_PIXELS, 3)


def _flames(snapshot: dict[str, Any]) -> NDArray[np.intp]:
    """(row, column) of the cells that burn, in games in which something does."""
    return np.argwhere(snapshot.get("flames", np.zeros((1, 1), bool)))
