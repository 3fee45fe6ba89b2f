"""Draws the board between two ticks. Reads snapshots only; decides nothing.

One picture is WIDTH × HEIGHT small pixels, the board left, the panel right; windows scale it by
whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pygame

from engine_plugin.host.match import Scene, Snapshot
from fastenv import GameSpec

WIDTH, HEIGHT = 320, 180
TILE = 16
BOARD_LEFT, BOARD_TOP = 2, 2
LIFT = 3
"""Pixels by which characters stand above their cell's lower edge, for depth."""

TALL = ("wall", "crate")
"""Contents that throw a shade on the floor below them."""

DRAWN_OTHERWISE = ("floor", "bomb")
"""Floor lies under everything; bombs tick, and come from the snapshot's list."""

BOMB_STAGES = ((3, 2), (5, 1), (255, 0))
"""(highest fuse, sprite): the last ticks before the burst have a shape of their own."""

CLOSING_NOTICE = 8
"""Ticks ahead that the danger map shows closing cells."""

STEPS_A_CELL = 2
OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}


class BoardRenderer:
    """Draws the board of a match with one tileset."""

    def __init__(self, sprites: Mapping[str, pygame.Surface], spec: GameSpec) -> None:
        self._sprites = sprites
        self._names = [content.name for content in spec.contents]
        self._wall = spec.content_id("wall")

    def draw(self, canvas: pygame.Surface, scene: Scene, fraction: float) -> None:
        """fraction: how far the picture is from the tick before (0) to the last one (1)."""
        after = scene.after
        self._draw_ground(canvas, scene)
        if "closing_tick" in after:
            self._draw_closing(canvas, after, fraction)
        for bomb in after.get("bombs", ()):
            stage = next(stage for fuse, stage in BOMB_STAGES if bomb["fuse"] <= fuse)
            self._blit(canvas, "shadow", bomb["row"], bomb["column"])
            self._blit(canvas, f"bomb_{stage}", bomb["row"], bomb["column"])
        if "flames" in after:
            self._draw_flames(canvas, scene, fraction)
        order = sorted(range(len(after["players"])), key=lambda p: after["players"][p]["row"])
        for player in order:
            self._draw_player(canvas, scene, player, fraction)

    def _draw_ground(self, canvas: pygame.Surface, scene: Scene) -> None:
        tiles = scene.after["tiles"]
        height, width = tiles.shape
        for row in range(height):
            for column in range(width):
                name = self._names[tiles[row, column]]
                if name != "wall":
                    self._blit(canvas, f"floor_{(row + column) % 2}", row, column)
                    if row and self._names[tiles[row - 1, column]] in TALL:
                        self._blit(canvas, "shade", row, column)
                if name == "wall" and scene.start_tiles[row, column] != self._wall:
                    self._blit(canvas, "closed_wall", row, column)
                elif name not in DRAWN_OTHERWISE:
                    self._blit(canvas, name, row, column)

    def _draw_closing(self, canvas: pygame.Surface, after: Snapshot, fraction: float) -> None:
        if after["tick"] < after["closing_tick"] - CLOSING_NOTICE:
            return
        frame = int(fraction * 2) % 2
        for row, column in np.argwhere((after["danger"] > 0) & (after["tiles"] != self._wall)):
            self._blit(canvas, f"closing_{frame}", int(row), int(column))

    def _draw_flames(self, canvas: pygame.Surface, scene: Scene, fraction: float) -> None:
        for row, column in np.argwhere(scene.before["flames"] & ~scene.after["flames"]):
            if scene.before is not scene.after:
                self._blit(canvas, "smoke", int(row), int(column))
        frame = min(1, int(fraction * 2))
        flames = scene.after["flames"]
        for row, column in np.argwhere(flames):
            for part in flame_parts(flames, int(row), int(column)):
                self._blit(canvas, f"flame_{part}_{frame}", int(row), int(column))

    def _draw_player(
        self, canvas: pygame.Surface, scene: Scene, player: int, fraction: float
    ) -> None:
        old, new = scene.before["players"][player], scene.after["players"][player]
        if not new["alive"]:
            self._blit(canvas, f"player_{player + 1}_defeated", new["row"], new["column"], LIFT)
            return
        moving = (old["row"], old["column"]) != (new["row"], new["column"])
        row = old["row"] + (new["row"] - old["row"]) * fraction
        column = old["column"] + (new["column"] - old["column"]) * fraction
        step = int(fraction * STEPS_A_CELL + 1) % 2 if moving else 0
        self._blit(canvas, "shadow", row, column)
        name = f"player_{player + 1}_{scene.facing[player]}_{step}"
        self._blit(canvas, name, row, column, LIFT)

    def _blit(
        self, canvas: pygame.Surface, name: str, row: float, column: float, lift: int = 0
    ) -> None:
        left = BOARD_LEFT + round(column * TILE)
        top = BOARD_TOP + round(row * TILE) - lift
        canvas.blit(self._sprites[name], (left, top))


def flame_parts(flames: np.ndarray, row: int, column: int) -> list[str]:
    """Which flame sprites join the neighbours that burn too.

    A straight arm, the end that points away from its one neighbour, half arms under a core where
    both axes burn, or a ball where nothing around does.
    """
    neighbours = {
        "up": flames[row - 1, column],
        "down": flames[row + 1, column],
        "left": flames[row, column - 1],
        "right": flames[row, column + 1],
    }
    burning = [name for name, burns in neighbours.items() if burns]
    if not burning:
        return ["ball"]
    if burning == ["up", "down"]:
        return ["vertical"]
    if burning == ["left", "right"]:
        return ["horizontal"]
    if len(burning) == 1:
        return [OPPOSITE[burning[0]]]
    return [*(f"half_{name}" for name in burning), "core"]


def liveliness(snapshot: Snapshot) -> int:
    """How much there is to see: for choosing the moment of a picture; without bombs, the latest."""
    if "bombs" not in snapshot:
        return int(snapshot["tick"])
    moment = 3 * len(snapshot["bombs"]) + int(snapshot["flames"].sum())
    return moment if all(player["alive"] for player in snapshot["players"]) else moment // 2
