"""The host plays any grid game: one without bombs, drawn plainly where no art is there for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pygame
import pytest
from scripted_window import ScriptedWindow

import fastenv
from engine_plugin.host.app import play
from engine_plugin.host.hud import keys_of
from engine_plugin.host.input import Command, InputState
from engine_plugin.host.options import PlayOptions
from engine_plugin.host.sound import audible
from engine_plugin.host.tileset import load_sheet, load_sprites

SPEC = fastenv.game_spec("race")
OTHERS = [name for name in fastenv.games() if name != "blast"]


@pytest.mark.parametrize("game", OTHERS)
def test_a_person_plays_it_from_the_title_on(game: str) -> None:
    keys = (Command.CONFIRM, Command.RIGHT, Command.BOMB, Command.DOWN)

    def script(frame: int, state: InputState) -> None:
        state.press(keys[frame % len(keys)])
        state.release(keys[(frame - 1) % len(keys)])

    result = play(PlayOptions(game=game, seed=1, rounds=1), ScriptedWindow(script))
    last = fastenv.scripted_player_names(game)[-1]
    assert result["rounds"] == 1 and result["agents"] == ["keyboard", f"bot:{last}"]


def test_the_picture_shows_contents_that_no_sheet_draws(tmp_path: Path) -> None:
    path = tmp_path / "race.png"
    play(PlayOptions(game="race", headless=True, seed=9, screenshot=path))
    picture = pygame.image.load(path)
    board = [(x, y) for x in range(2, 840, 4) for y in range(2, 720, 4)]
    colours = {tuple(picture.get_at(place))[:3] for place in board}
    by_name = {content.name: content.colour for content in SPEC.contents}
    assert {by_name["ice"], by_name["coin"]} <= colours


def test_a_games_own_sheet_goes_before_plain_tiles() -> None:
    sheet, sprites = load_sheet("blast", "tiles"), load_sprites(SPEC)
    assert set(sprites) - set(sheet) == {"floor", "ice", "coin"}
    assert sprites["wall"].get_buffer().raw == sheet["wall"].get_buffer().raw


def test_a_bomb_key_means_nothing_where_there_are_no_bombs() -> None:
    state = InputState()
    state.press(Command.BOMB)
    state.press(Command.LEFT)
    assert state.take_action(SPEC.actions, [1] * 5) == SPEC.actions.index("left")
    assert state.take_action(SPEC.actions, [1] * 5) == SPEC.actions.index("left"), "still held"
    assert "bomb" not in dict(keys_of(SPEC.actions)).values()
    assert "bomb" in dict(keys_of(fastenv.game_spec("blast").actions)).values()


def test_a_coin_is_heard() -> None:
    batch = fastenv.make_batch("race", 1, seed=3)
    bot = fastenv.make_bot("racer", "race")
    heard, coins = 0, 0
    for _ in range(20):
        before = batch.snapshot(0)
        batch.step(np.stack([bot.act(batch, seat) for seat in (0, 1)], axis=1))
        after = batch.snapshot(0)
        if batch.terminated[0]:
            break
        heard += audible(before, after) == ["item"]
        coins += sum(player["coins"] for player in after["players"]) > sum(
            player["coins"] for player in before["players"]
        )
    assert heard == coins > 0
