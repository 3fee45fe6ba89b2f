"""Draws the pixel art of Blast: writes blast/tiles.png and blast/tiles.json.

    python assets/tilesets/make_blast.py

Sprites are 16×16. Characters and icons are drawn below letter by letter (one letter a pixel, a
palette per drawing); stone, wood, bombs and flames are drawn by code. The result is the same bytes
every time: no randomness but the fixed speckle table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pygame

SIZE = 16
COLUMNS = 8
Colour = tuple[int, int, int]

INK: Colour = (22, 24, 38)
FLOOR: tuple[Colour, Colour] = ((73, 98, 102), (67, 91, 96))
FLOOR_LIGHT: Colour = (84, 111, 114)
FLOOR_DARK: Colour = (58, 80, 86)
STONE_TOP: Colour = (176, 182, 196)
STONE: Colour = (134, 140, 160)
STONE_DARK: Colour = (88, 93, 116)
STONE_EDGE: Colour = (48, 52, 72)
WOOD: Colour = (186, 124, 66)
WOOD_LIGHT: Colour = (224, 168, 100)
WOOD_DARK: Colour = (132, 80, 42)
WOOD_EDGE: Colour = (70, 40, 30)
IRON: Colour = (108, 112, 126)
HAZARD: Colour = (246, 196, 54)
CARD: Colour = (240, 236, 214)
CARD_SHADE: Colour = (190, 182, 156)
FLAME: tuple[Colour, Colour, Colour, Colour] = (
    (206, 52, 32),
    (250, 128, 28),
    (255, 208, 66),
    (255, 250, 216),
)
SMOKE: Colour = (196, 190, 184)
SPECKLES = ((3, 4), (11, 2), (7, 9), (13, 12), (2, 13), (9, 14))

DIVER_PALETTE: dict[str, Colour] = {
    "o": (16, 30, 58),
    "y": (255, 220, 84),
    "b": (84, 196, 250),
    "l": (206, 242, 255),
    "c": (236, 250, 255),
    "k": (16, 30, 58),
    "d": (44, 108, 198),
    "s": (255, 220, 84),
    "t": (176, 182, 196),
}
FOX_PALETTE: dict[str, Colour] = {
    "o": (56, 14, 32),
    "r": (238, 82, 110),
    "l": (255, 160, 170),
    "p": (255, 206, 190),
    "w": (255, 255, 255),
    "k": (56, 14, 32),
    "m": (255, 238, 218),
    "d": (178, 44, 84),
    "g": (120, 52, 148),
    "t": (255, 238, 218),
}

DIVER_HELMET = """
.......oyyo.....
....oooooooo....
...obblbbbbbo...
..obblbbbbbbbo..
"""
DIVER_DOWN = (
    DIVER_HELMET
    + """
..obboooooobbo..
..obockcckcobo..
..obockcckcobo..
..oboccccccobo..
..obboooooobbo..
...obbbbbbbbo...
..obodssssdobo..
..oboddddddobo..
...ooddddddoo...
"""
)
DIVER_UP = (
    DIVER_HELMET
    + """
..obbbbbbbbbbo..
..obbbbbbbbbbo..
..obbbbbbbbbbo..
..odbbbbbbbbdo..
..oddbbbbbbddo..
...oddddddddo...
..obodttttdobo..
..obodtootdobo..
...oodttttdoo...
"""
)
DIVER_RIGHT = (
    DIVER_HELMET
    + """
..obbbbooooooo..
..obbbbocckcko..
..obbbbocckcko..
..obbbboccccco..
..obbbbooooooo..
...obbbbbbbbo...
...otoddsssdo...
...otodobbodo...
...ooodooooo....
"""
)
DIVER_LEGS = """
....oddooddo....
....okkookko....
.....oo..oo.....
"""
DIVER_LEGS_STEP = """
....oddooddo....
....okko.oo.....
.....oo.........
"""
DIVER_SIDE_LEGS = """
....oddddddo....
.....okkkko.....
.....oooooo.....
"""
DIVER_SIDE_LEGS_STEP = """
....oddooddo....
...okko..okko...
...ooo....ooo...
"""

FOX_EARS = """
..oo........oo..
..oro......oro..
..orro....orro..
..orpoooooopro..
..orrrrrrrrrro..
"""
FOX_DOWN = (
    FOX_EARS
    + """
..orrlrrrrlrro..
..orwkrrrrkwro..
..orwkrrrrkwro..
...orrmmmmrro...
....ommkkmmo....
...oorrmmrroo...
..oroggggggoro..
...ooggggggoo...
"""
)
FOX_UP = (
    FOX_EARS
    + """
..orrrrrrrrrro..
..orrrrddrrrro..
..orrrrddrrrro..
...orrrddrrro...
....orrddrro....
...oorrrrrroo...
..oroggttggoro..
...ooggrrggoo...
"""
)
FOX_RIGHT = """
....oo...oo.....
....oro..oro....
....orro.orro...
...oorpoooorpo..
...orrrrrrrrro..
...orrrrrrlrro..
...orrrrrrwkro..
...orrrrrrwkmmo.
....orrrrrmmmko.
.....orrrmmmoo..
.oo..orrrrro....
otto.ogrrggo....
otrroogggggo....
"""
FOX_LEGS = """
....oggooggo....
....okkookko....
.....oo..oo.....
"""
FOX_LEGS_STEP = """
....oggooggo....
....okko.oo.....
.....oo.........
"""
FOX_SIDE_LEGS = """
.orrooggggo.....
..oo.okkkko.....
.....oooooo.....
"""
FOX_SIDE_LEGS_STEP = """
.orrooggoggo....
..oookko.okko...
....ooo...ooo...
"""

RANGE_ICON = """
................
................
.......r........
.......rr.......
......rror......
.....rrror......
....rroorrr.....
....roooorr.....
...rrooyorrr....
...rroyyyorr....
...rroyyyorr....
....rroyorr.....
.....rrrrr......
................
................
................
"""
BOMB_ICON = """
................
................
.........yy.....
........b.y.....
.......b........
......kkkk......
.....kklkkk.....
....kklkkkkk....
....kkkkkkkk....
....kkkkkkkk....
....kkkkkkkk....
.....kkkkkk.....
......kkkk......
................
................
................
"""
ICON_PALETTE: dict[str, Colour] = {
    "r": (214, 60, 40),
    "o": (250, 140, 36),
    "y": (255, 214, 80),
    "k": (44, 48, 72),
    "l": (226, 232, 244),
    "b": (132, 80, 42),
}


def blank() -> pygame.Surface:
    return pygame.Surface((SIZE, SIZE), pygame.SRCALPHA)


def drawing(letters: str, palette: dict[str, Colour]) -> pygame.Surface:
    """A sprite from rows of letters; '.' is transparent."""
    rows = letters.split()
    if len(rows) != SIZE or any(len(row) != SIZE for row in rows):
        raise ValueError(f"expected {SIZE} rows of {SIZE} letters, got:\n{letters}")
    surface = blank()
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter != ".":
                surface.set_at((x, y), palette[letter])
    return surface


def floor(shade: int) -> pygame.Surface:
    """Paving: a flat stone, a lit upper edge, a few speckles."""
    surface = blank()
    surface.fill(FLOOR[shade])
    pygame.draw.line(surface, FLOOR_LIGHT, (0, 0), (SIZE - 2, 0))
    pygame.draw.line(surface, FLOOR_LIGHT, (0, 0), (0, SIZE - 2))
    pygame.draw.line(surface, FLOOR_DARK, (0, SIZE - 1), (SIZE - 1, SIZE - 1))
    pygame.draw.line(surface, FLOOR_DARK, (SIZE - 1, 0), (SIZE - 1, SIZE - 1))
    for x, y in SPECKLES[shade::2]:
        surface.set_at((x, y), FLOOR_DARK)
    return surface


def wall() -> pygame.Surface:
    """A stone block seen from slightly above: a bright top and a dark front."""
    surface = blank()
    surface.fill(STONE_EDGE)
    pygame.draw.rect(surface, STONE, (1, 1, 14, 10))
    pygame.draw.line(surface, STONE_TOP, (1, 1), (14, 1))
    pygame.draw.line(surface, STONE_TOP, (1, 1), (1, 10))
    pygame.draw.rect(surface, STONE_DARK, (1, 12, 14, 3))
    pygame.draw.rect(surface, STONE_TOP, (4, 4, 3, 1))
    pygame.draw.rect(surface, STONE_DARK, (9, 7, 4, 1))
    surface.set_at((12, 6), STONE_DARK)
    pygame.draw.line(surface, STONE_EDGE, (7, 12), (7, 14))
    return surface


def closed_wall() -> pygame.Surface:
    """What the closing arena leaves: an iron plate with hazard stripes, unlike any other wall."""
    surface = blank()
    surface.fill(INK)
    pygame.draw.rect(surface, IRON, (1, 1, 14, 14))
    for x in range(1, 15):
        for y in range(4, 12):
            surface.set_at((x, y), HAZARD if (x + y) // 3 % 2 else INK)
    pygame.draw.line(surface, STONE_TOP, (1, 1), (14, 1))
    pygame.draw.line(surface, STONE_EDGE, (1, 14), (14, 14))
    for corner in ((2, 2), (13, 2), (2, 13), (13, 13)):
        surface.set_at(corner, INK)
    return surface


def crate() -> pygame.Surface:
    """Planks in a frame with a diagonal brace."""
    surface = blank()
    surface.fill(WOOD_EDGE)
    pygame.draw.rect(surface, WOOD, (1, 1, 14, 13))
    pygame.draw.line(surface, WOOD_LIGHT, (1, 1), (14, 1))
    pygame.draw.rect(surface, WOOD_DARK, (3, 4, 10, 8))
    for y in (6, 9):
        pygame.draw.line(surface, WOOD_EDGE, (3, y), (12, y))
    for step in range(8):
        x = 4 + step
        pygame.draw.line(surface, WOOD_LIGHT, (x, 11 - step), (x + 1, 11 - step))
        surface.set_at((x, min(11, 12 - step)), WOOD)
    pygame.draw.rect(surface, WOOD_EDGE, (3, 3, 10, 1))
    pygame.draw.rect(surface, WOOD_DARK, (1, 13, 14, 1))
    for corner in ((2, 2), (13, 2), (2, 12), (13, 12)):
        surface.set_at(corner, WOOD_EDGE)
    return surface


def item(icon: str, round_card: bool) -> pygame.Surface:
    """A pick-up: the icon on a bright card; the two kinds have cards of different outline."""
    surface = blank()
    corner = 7 if round_card else 2
    pygame.draw.rect(surface, INK, (1, 1, 14, 14), border_radius=corner)
    pygame.draw.rect(surface, CARD_SHADE, (2, 2, 12, 12), border_radius=corner - 1)
    pygame.draw.rect(surface, CARD, (2, 2, 12, 11), border_radius=corner - 1)
    surface.blit(drawing(icon, ICON_PALETTE), (0, 0))
    return surface


def bomb(stage: int) -> pygame.Surface:
    """Three stages: calm, swelling, and about to burst with spikes and a white-hot face."""
    surface = blank()
    radius = (5, 6, 6)[stage]
    if stage == 2:
        for x, y in ((8, 0), (1, 3), (14, 3), (0, 9), (15, 9), (2, 15), (13, 15)):
            pygame.draw.line(surface, FLAME[3], (x, y), (x + (8 - x) // 4, y + (9 - y) // 4))
    body: Colour = ((36, 38, 58), (52, 44, 66), (206, 52, 32))[stage]
    rim: Colour = (INK, INK, FLAME[3])[stage]
    pygame.draw.circle(surface, rim, (8, 9), radius)
    pygame.draw.circle(surface, body, (8, 9), radius - 1)
    pygame.draw.rect(surface, IRON, (6, 9 - radius - 1, 4, 2))
    pygame.draw.rect(surface, (226, 232, 244), (5, 6, 2, 2))
    if stage == 2:
        pygame.draw.rect(surface, FLAME[3], (7, 6, 2, 4))
        pygame.draw.rect(surface, FLAME[3], (7, 11, 2, 2))
    fuse = ((10, 3), (12, 2), (13, 3)) if stage == 0 else ((10, 2), (11, 1))
    if stage < 2:
        for point in fuse:
            surface.set_at(point, WOOD_LIGHT)
        spark = fuse[-1]
        for offset in ((0, 0), (1, 0), (0, -1), (1, -1)):
            x, y = spark[0] + offset[0], spark[1] + offset[1]
            surface.set_at((x, y), FLAME[2 + (offset[0] + offset[1]) % 2])
    return surface


WOBBLE = ((0, 1, 0, -1, 0, 1, 1, 0, -1, 0, 0, 1, 0, -1, 0, 1), (1, 0, -1, 0, 1, 0, 0, -1) * 2)


def flame_arm(frame: int) -> pygame.Surface:
    """A horizontal arm: nested bands of heat whose edges wobble."""
    surface = blank()
    for band, half in enumerate((7, 6, 4, 2)):
        half -= frame
        for x in range(SIZE):
            reach = max(1, half + (WOBBLE[frame][x] if band < 3 else 0))
            pygame.draw.line(surface, FLAME[band], (x, 8 - reach), (x, 7 + reach))
    return surface


def flame_end(frame: int) -> pygame.Surface:
    """The right end of a horizontal arm, narrowing to a tongue."""
    surface = blank()
    for band, (half, length) in enumerate(((7, 15), (6, 13), (4, 10), (2, 7))):
        half -= frame
        for x in range(length):
            taper = 1.0 - (x / length) ** 2
            reach = max(1, round((half + WOBBLE[frame][x] * (band < 3)) * taper))
            pygame.draw.line(surface, FLAME[band], (x, 8 - reach), (x, 7 + reach))
    return surface


def flame_ball(frame: int) -> pygame.Surface:
    """A burst with no room around it: every band of heat as a ring."""
    surface = blank()
    for band, radius in enumerate((8, 7, 6, 5)):
        pygame.draw.circle(surface, FLAME[band], (8, 8), radius - frame)
    return surface


def flame_core(frame: int) -> pygame.Surface:
    """Laid over the half arms where they meet: the hot bands only, so that no seam shows."""
    surface = blank()
    for band, radius in ((2, 6), (3, 5)):
        pygame.draw.circle(surface, FLAME[band], (8, 8), radius - frame)
    return surface


def right_half(arm: pygame.Surface) -> pygame.Surface:
    """What a core has towards one neighbour."""
    surface = blank()
    surface.blit(arm, (SIZE // 2, 0), (SIZE // 2, 0, SIZE // 2, SIZE))
    return surface


def smoke() -> pygame.Surface:
    """What flames leave for a moment."""
    surface = blank()
    for centre, radius in (((5, 6), 2), ((10, 5), 1), ((9, 10), 2), ((4, 12), 1), ((13, 11), 1)):
        pygame.draw.circle(surface, (*SMOKE, 150), centre, radius)
    return surface


def shadow() -> pygame.Surface:
    """Under bombs and characters."""
    surface = blank()
    pygame.draw.ellipse(surface, (*INK, 90), (3, 11, 10, 4))
    return surface


def shade() -> pygame.Surface:
    """What a wall or crate above casts on the floor."""
    surface = blank()
    pygame.draw.rect(surface, (*INK, 84), (0, 0, SIZE, 3))
    return surface


def closing_warning(frame: int) -> pygame.Surface:
    """Cracks and corner brackets on a cell that is about to close; the two frames blink."""
    surface = blank()
    colour = HAZARD if frame == 0 else FLAME[1]
    reach = 4 if frame == 0 else 6
    for x, y, dx, dy in ((0, 0, 1, 1), (15, 0, -1, 1), (0, 15, 1, -1), (15, 15, -1, -1)):
        pygame.draw.line(surface, colour, (x, y), (x + dx * reach, y))
        pygame.draw.line(surface, colour, (x, y), (x, y + dy * reach))
    cracks = ((8, 3), (7, 5), (9, 7), (6, 9), (8, 11), (7, 13))
    pygame.draw.lines(surface, INK, False, cracks)
    pygame.draw.lines(surface, INK, False, ((9, 7), (12, 8), (13, 10)))
    pygame.draw.lines(surface, INK, False, ((6, 9), (3, 8), (2, 6)))
    return surface


def defeated(down: str, palette: dict[str, Colour]) -> pygame.Surface:
    """The head alone, drained of colour, sunk to the ground."""
    rows = down.split()[:10]
    grey = {letter: _drained(colour) for letter, colour in palette.items()}
    empty = "." * SIZE
    return drawing("\n".join([empty] * 5 + rows + [empty]), grey)


def _drained(colour: Colour) -> Colour:
    level = (colour[0] * 3 + colour[1] * 6 + colour[2]) // 10
    return (level * 3 // 4, level * 3 // 4, min(255, level * 3 // 4 + 18))


def characters() -> dict[str, pygame.Surface]:
    """`player_1_down_0` and so on: two characters, four directions, two steps."""
    sprites: dict[str, pygame.Surface] = {}
    parts = (
        (
            1,
            DIVER_PALETTE,
            (DIVER_DOWN, DIVER_UP, DIVER_RIGHT),
            (DIVER_LEGS, DIVER_LEGS_STEP, DIVER_SIDE_LEGS, DIVER_SIDE_LEGS_STEP),
        ),
        (
            2,
            FOX_PALETTE,
            (FOX_DOWN, FOX_UP, FOX_RIGHT),
            (FOX_LEGS, FOX_LEGS_STEP, FOX_SIDE_LEGS, FOX_SIDE_LEGS_STEP),
        ),
    )
    for player, palette, (down, up, right), legs in parts:
        for step in (0, 1):
            name = f"player_{player}_{{}}_{step}"
            sprites[name.format("down")] = drawing(down + legs[step], palette)
            sprites[name.format("up")] = drawing(up + legs[step], palette)
            side = drawing(right + legs[2 + step], palette)
            sprites[name.format("right")] = side
            sprites[name.format("left")] = pygame.transform.flip(side, True, False)
        sprites[f"player_{player}_defeated"] = defeated(down, palette)
    return sprites


def flames() -> dict[str, pygame.Surface]:
    """Ball, core, arms, the four ends and the four half arms in two frames."""
    sprites: dict[str, pygame.Surface] = {}
    turn: Callable[[pygame.Surface, float], pygame.Surface] = pygame.transform.rotate
    for frame in (0, 1):
        arm, end = flame_arm(frame), flame_end(frame)
        half = right_half(arm)
        sprites[f"flame_ball_{frame}"] = flame_ball(frame)
        sprites[f"flame_core_{frame}"] = flame_core(frame)
        sprites[f"flame_horizontal_{frame}"] = arm
        sprites[f"flame_vertical_{frame}"] = turn(arm, 90)
        for name, angle in (("right", 0), ("up", 90), ("left", 180), ("down", 270)):
            sprites[f"flame_{name}_{frame}"] = turn(end, angle)
            sprites[f"flame_half_{name}_{frame}"] = turn(half, angle)
    return sprites


def main(folder: Path = Path(__file__).parent / "blast") -> None:
    """Write the sheet and the table {sprite: [x, y, width, height]}."""
    sprites: dict[str, pygame.Surface] = {
        "floor_0": floor(0),
        "floor_1": floor(1),
        "wall": wall(),
        "closed_wall": closed_wall(),
        "crate": crate(),
        "range_item": item(RANGE_ICON, round_card=False),
        "bomb_item": item(BOMB_ICON, round_card=True),
        "smoke": smoke(),
        "shadow": shadow(),
        "shade": shade(),
        **{f"bomb_{stage}": bomb(stage) for stage in range(3)},
        **{f"closing_{frame}": closing_warning(frame) for frame in (0, 1)},
        "range_icon": drawing(RANGE_ICON, ICON_PALETTE),
        "bomb_icon": drawing(BOMB_ICON, {**ICON_PALETTE, "k": (104, 112, 150)}),
        **flames(),
        **characters(),
    }
    lines = -(-len(sprites) // COLUMNS)
    sheet = pygame.Surface((COLUMNS * SIZE, lines * SIZE), pygame.SRCALPHA)
    table: dict[str, list[int]] = {}
    for index, (name, sprite) in enumerate(sprites.items()):
        left, top = index % COLUMNS * SIZE, index // COLUMNS * SIZE
        sheet.blit(sprite, (left, top))
        table[name] = [left, top, SIZE, SIZE]
    pygame.image.save(sheet, folder / "tiles.png")
    (folder / "tiles.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
