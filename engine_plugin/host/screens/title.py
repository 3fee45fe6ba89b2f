"""The first screen: choose an opponent and start."""

from __future__ import annotations

import pygame

import fastenv
from engine_plugin.errors import EnginePluginError
from engine_plugin.host import palette
from engine_plugin.host.ghosts import kept_ghosts
from engine_plugin.host.hud import keys_of
from engine_plugin.host.input import Command
from engine_plugin.host.renderer import WIDTH
from engine_plugin.host.screens import Screen
from engine_plugin.host.screens.match import MatchScreen
from engine_plugin.host.screens.message import MessageScreen
from engine_plugin.host.seats import BOT_PREFIX
from engine_plugin.host.stage import Stage
from engine_plugin.runtime.loading import shipped_models

COLUMN_WIDTH = 128
NAME_WIDTH = WIDTH - 40


class TitleScreen:
    """Left and right choose the opponent, Enter starts, Escape ends the run."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._chosen = stage.options.opponent_name
        self._next: Screen | None = self
        self._seconds = 0.0

    def handle(self, command: Command) -> None:
        if command in (Command.LEFT, Command.RIGHT):
            self._choose(1 if command is Command.RIGHT else -1)
        elif command is Command.CONFIRM:
            self._start()
        elif command is Command.BACK:
            self._next = None

    def update(self, seconds: float) -> Screen | None:
        self._seconds += seconds
        following, self._next = self._next, self
        return following

    def draw(self, canvas: pygame.Surface) -> None:
        stage, font, middle = self._stage, self._stage.font, WIDTH // 2
        canvas.fill(palette.BACKGROUND)
        title = stage.options.game.upper()
        font.draw_centred(canvas, title, (middle + 2, 16), palette.ALARM, 5)
        font.draw_centred(canvas, title, (middle, 14), palette.WARNING, 5)
        step = int(self._seconds * 3) % 2
        for sprite, left in ((f"player_1_right_{step}", 18), (f"player_2_left_{step}", 254)):
            canvas.blit(pygame.transform.scale_by(stage.sprites[sprite], 3), (left, 8))
        font.draw_centred(canvas, "Opponent", (middle, 64), palette.FAINT)
        name = f"<  {font.shorten(self._chosen, NAME_WIDTH)}  >"
        font.draw_centred(canvas, name, (middle, 75), palette.TEXT)
        if int(self._seconds * 2) % 2 == 0:
            font.draw_centred(canvas, "Press Enter to play", (middle, 94), palette.GOOD)
        shown = keys_of(fastenv.game_spec(stage.options.game).actions)
        half = (len(shown) + 1) // 2
        for index, (keys, meaning) in enumerate(shown):
            left = 18 + index // half * (COLUMN_WIDTH + 28)
            top = 118 + index % half * 11
            font.draw(canvas, keys, (left, top), palette.TEXT)
            right = left + COLUMN_WIDTH - font.width(meaning)
            font.draw(canvas, meaning, (right, top), palette.FAINT)
        font.draw_centred(canvas, "Left Right: choose   Esc: quit", (middle, 167), palette.FAINT)

    def _choose(self, step: int) -> None:
        """Move along the opponents as they are now: a match may have brought a ghost."""
        options = self._stage.options
        names = opponents(options.game, options.opponent_name)
        place = names.index(self._chosen) if self._chosen in names else 0
        self._chosen = names[(place + step) % len(names)]

    def _start(self) -> None:
        try:
            sitting = self._stage.new_sitting(self._chosen)
        except (EnginePluginError, fastenv.FastenvError) as error:
            self._next = MessageScreen(self._stage, "Cannot start", error, behind=self)
        else:
            self._next = MatchScreen(self._stage, sitting, behind=self)


def opponents(game: str, first: str) -> list[str]:
    """Who can be chosen: the one asked for, the shipped policies, the player's own ghosts, the
    scripted players."""
    shipped = [
        name
        for name in shipped_models()
        if name.startswith(f"{game}/") and not name.endswith("/generator")
    ]
    bots = [BOT_PREFIX + name for name in fastenv.scripted_player_names(game)]
    return list(dict.fromkeys([first, *shipped, *kept_ghosts(game), *bots]))
