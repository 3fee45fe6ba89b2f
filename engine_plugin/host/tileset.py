"""The pictures: sprites and letters cut from the sheets in assets/tilesets."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import pygame

from engine_plugin.runtime.loading import assets_folder
from fastenv import Content, GameSpec

Colour = tuple[int, int, int]
LETTER_GAP = 1
CACHED_TEXTS = 256
SHARED = "blast"
"""Whose sheets draw the games that bring none: walls, crates, players and letters are all alike."""

TILE = 16
SMALL_RADIUS = 4
SHADE = 0.6


def load_sheet(game: str, name: str) -> dict[str, pygame.Surface]:
    """The named parts of `assets/tilesets/GAME/NAME.png`, by its table NAME.json."""
    tilesets = assets_folder() / "tilesets"
    folder = tilesets / game
    if not (folder / f"{name}.png").is_file():
        folder = tilesets / SHARED
    sheet = pygame.image.load(io.BytesIO((folder / f"{name}.png").read_bytes()), f"{name}.png")
    table: dict[str, list[int]] = json.loads((folder / f"{name}.json").read_text("utf-8"))
    if pygame.display.get_init() and pygame.display.get_surface() is not None:
        sheet = sheet.convert_alpha()
    return {part: sheet.subsurface(pygame.Rect(*box)).copy() for part, box in table.items()}


def load_sprites(spec: GameSpec) -> dict[str, pygame.Surface]:
    """The sprites of a game; contents that its sheet does not draw become plain ones."""
    plain = {content.name: _plain_tile(content) for content in spec.contents}
    return {**plain, **load_sheet(spec.name, "tiles")}


def _plain_tile(content: Content) -> pygame.Surface:
    """A square of the content's colour, or a disc where it is small, with a darker edge."""
    tile = pygame.Surface((TILE, TILE), pygame.SRCALPHA)
    edge = tuple(int(value * SHADE) for value in content.colour)
    if content.small:
        middle = (TILE // 2, TILE // 2)
        pygame.draw.circle(tile, edge, middle, SMALL_RADIUS + 1)
        pygame.draw.circle(tile, content.colour, middle, SMALL_RADIUS)
    else:
        tile.fill(content.colour)
        pygame.draw.rect(tile, edge, tile.get_rect(), 1)
    return tile


class PixelFont:
    """Draws text in the sheet's letters; a character it lacks is drawn as '?'."""

    def __init__(self, letters: Mapping[str, pygame.Surface]) -> None:
        self._letters = letters
        self._texts: dict[tuple[str, Colour, int], pygame.Surface] = {}

    def width(self, text: str, scale: int = 1) -> int:
        """Pixels that the text takes in a line."""
        widths = (self._letter(character).get_width() + LETTER_GAP for character in text)
        return max(0, sum(widths) - LETTER_GAP) * scale

    def draw(
        self,
        canvas: pygame.Surface,
        text: str,
        position: tuple[int, int],
        colour: Colour,
        scale: int = 1,
    ) -> None:
        """Draw one line with its upper left corner at `position`."""
        key = (text, colour, scale)
        if key not in self._texts:
            if len(self._texts) > CACHED_TEXTS:
                self._texts.clear()
            self._texts[key] = self._render(text, colour, scale)
        canvas.blit(self._texts[key], position)

    def draw_centred(
        self,
        canvas: pygame.Surface,
        text: str,
        centre: tuple[int, int],
        colour: Colour,
        scale: int = 1,
    ) -> None:
        """Draw one line centred on x, with its top at y."""
        left = centre[0] - self.width(text, scale) // 2
        self.draw(canvas, text, (left, centre[1]), colour, scale)

    def wrap(self, text: str, width: int) -> list[str]:
        """The text in lines of at most `width` pixels; words too long for a line are cut."""
        lines: list[str] = []
        for paragraph in text.splitlines():
            line = ""
            for word in paragraph.split():
                while self.width(word) > width:
                    fits = self._fitting(word, width)
                    lines += [line, word[:fits]] if line else [word[:fits]]
                    line, word = "", word[fits:]
                candidate = f"{line} {word}".strip()
                if self.width(candidate) <= width:
                    line = candidate
                else:
                    lines.append(line)
                    line = word
            lines.append(line)
        return lines

    def shorten(self, text: str, width: int) -> str:
        """The text, cut to `width` pixels if it must be."""
        if self.width(text) <= width:
            return text
        return text[: self._fitting(text, width - self.width(".."))] + ".."

    def _fitting(self, text: str, width: int) -> int:
        """How many leading characters fit; at least one."""
        count = 1
        while count < len(text) and self.width(text[: count + 1]) <= width:
            count += 1
        return count

    def _letter(self, character: str) -> pygame.Surface:
        return self._letters.get(character, self._letters["?"])

    def _render(self, text: str, colour: Colour, scale: int) -> pygame.Surface:
        height = self._letters["?"].get_height()
        line = pygame.Surface((max(1, self.width(text)), height), pygame.SRCALPHA)
        left = 0
        for character in text:
            letter = self._letter(character)
            line.blit(letter, (left, 0))
            left += letter.get_width() + LETTER_GAP
        line.fill((*colour, 255), special_flags=pygame.BLEND_RGBA_MULT)
        return line if scale == 1 else pygame.transform.scale_by(line, scale)
