"""The pictures: complete, made by the scripts in the repository, joined in the right way."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pygame
import pytest

import fastenv
from engine_plugin.host import renderer
from engine_plugin.host.match import Match
from engine_plugin.host.renderer import BoardRenderer, flame_parts
from engine_plugin.host.seats import make_seat
from engine_plugin.host.sound import Sounds, audible
from engine_plugin.host.tileset import PixelFont, load_sheet

TILESETS = Path(__file__).parents[2] / "assets" / "tilesets"


@pytest.mark.parametrize(("script", "sheet"), [("make_blast", "tiles"), ("make_font", "font")])
def test_the_scripts_make_the_shipped_sheets(script: str, sheet: str, tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location(script, TILESETS / f"{script}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.main(tmp_path)
    shipped = TILESETS / "blast"
    table = f"{sheet}.json"
    assert (tmp_path / table).read_text() == (shipped / table).read_text()
    made, kept = (pygame.image.load(folder / f"{sheet}.png") for folder in (tmp_path, shipped))
    assert pygame.image.tobytes(made, "RGBA") == pygame.image.tobytes(kept, "RGBA")


def test_the_two_characters_differ_in_shape_not_only_in_colour() -> None:
    sprites = load_sheet("blast", "tiles")
    for direction in ("up", "down", "left", "right"):
        shapes = [
            pygame.mask.from_surface(sprites[f"player_{player}_{direction}_0"]) for player in (1, 2)
        ]
        shared = shapes[0].overlap_area(shapes[1], (0, 0))
        assert sum(shape.count() for shape in shapes) - 2 * shared >= 24


def flames(*cells: tuple[int, int]) -> np.ndarray:
    grid = np.zeros((5, 5), bool)
    for cell in cells:
        grid[cell] = True
    return grid


def test_flames_join_their_neighbours() -> None:
    cross = flames((2, 2), (1, 2), (3, 2), (2, 1), (2, 3))
    assert flame_parts(cross, 2, 2)[-1] == "core"
    assert flame_parts(cross, 1, 2) == ["up"]
    assert flame_parts(cross, 2, 3) == ["right"]
    line = flames((2, 1), (2, 2), (2, 3))
    assert flame_parts(line, 2, 2) == ["horizontal"]
    assert flame_parts(flames((2, 2)), 2, 2) == ["ball"]


def test_every_tick_of_whole_matches_can_be_drawn_and_heard() -> None:
    board = BoardRenderer(load_sheet("blast", "tiles"), fastenv.game_spec("blast"))
    canvas = pygame.Surface((renderer.WIDTH, renderer.HEIGHT))
    match = Match("blast", [make_seat("bot:miner", "blast"), make_seat("bot:survivor", "blast")])
    heard = set()
    for seed in range(3):
        match.start_round(None, seed)
        while match.result is None:
            match.choose()
            match.tick()
            heard |= set(audible(match.before, match.after))
            for fraction in (0.0, 0.6, 1.0):
                board.draw(canvas, match, fraction)
    assert heard == {"place", "blast", "item"}


def test_players_are_drawn_between_their_cells() -> None:
    sprites = load_sheet("blast", "tiles")
    board = BoardRenderer(sprites, fastenv.game_spec("blast"))
    match = Match("blast", [make_seat("bot:idle", "blast"), make_seat("bot:idle", "blast")])
    match.start_round(None, 0)
    match.after = {**match.after, "players": [dict(p) for p in match.after["players"]]}
    match.after["players"][0]["column"] += 1

    def leftmost(fraction: float) -> int:
        """First column where the diver's outline, drawn nowhere else, shows up in the top row."""
        canvas = pygame.Surface((renderer.WIDTH, renderer.HEIGHT))
        board.draw(canvas, match, fraction)
        outline = (16, 30, 58)
        top = renderer.BOARD_TOP + renderer.TILE - renderer.LIFT
        cells = ((x, y) for x in range(200) for y in range(top, top + renderer.TILE))
        return next(cell[0] for cell in cells if canvas.get_at(cell)[:3] == outline)

    start, middle, end = leftmost(0.0), leftmost(0.5), leftmost(1.0)
    assert end - start == renderer.TILE
    assert start < middle < end


def test_text_is_wrapped_and_shortened_to_its_room() -> None:
    font = PixelFont(load_sheet("blast", "font"))
    text = "A long message with averyveryverylongwordindeed at its end"
    lines = font.wrap(text, 60)
    assert all(font.width(line) <= 60 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert font.width(font.shorten(text, 50)) <= 50
    assert font.shorten("short", 50) == "short"


def test_sounds_play_and_can_be_muted() -> None:
    sounds = Sounds(muted=False)
    for name in ("place", "blast", "item", "end"):
        sounds.play(name)
    sounds.muted = True
    sounds.play("blast")
    sounds.close()
    sounds.play("blast")
