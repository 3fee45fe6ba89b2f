"""The panel beside a recorded match: where in it one is, what each player decides, the keys."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from engine_plugin.host import palette
from engine_plugin.host.hud import CARD_HEIGHT, CARDS_TOP, LEFT, RIGHT, PanelParts
from engine_plugin.host.replay import Decision, Replay
from engine_plugin.host.tileset import Colour, PixelFont

KEYS = (
    ("Space", "play / stop"),
    ("Arrows", "tick / second"),
    ("PgUp PgDn", "match"),
)
ACTIONS_HEIGHT = 12
CELL_GAP = 1
SEEK_BAR = pygame.Rect(LEFT, 136, RIGHT - LEFT, 5)
SEEK_REACH = 4
"""Pixels around the bar that still count as a hit."""

# Corners of the triangle that stands for a move, in a square of two by two around its middle.
ARROWS = {
    "up": ((0, -1), (1, 1), (-1, 1)),
    "down": ((0, 1), (1, -1), (-1, -1)),
    "left": ((-1, 0), (1, -1), (1, 1)),
    "right": ((1, 0), (-1, -1), (-1, 1)),
}
ARROW_SIZE = 2


@dataclass(frozen=True)
class ReplayStatus:
    """What the panel shows beside the match itself.

    number, count: of the match in the list; notice: a passing message
    """

    number: int
    count: int
    notice: str
    playing: bool
    speed: float


class ReplayPanel(PanelParts):
    """The panel of a recorded match."""

    def draw(self, canvas: pygame.Surface, replay: Replay, status: ReplayStatus) -> None:
        title = f"{status.number}/{status.count} {replay.recorded.title}"
        room = RIGHT - LEFT - self._font.width("000.0 s")
        title = self._font.shorten(title, room)
        self._draw_time(canvas, title, replay.after, replay.spec)
        height = CARD_HEIGHT + ACTIONS_HEIGHT
        for player, seat in enumerate(replay.seats):
            top = CARDS_TOP + player * (height + 2)
            state = replay.after["players"][player]
            self._draw_card(canvas, state, player, seat.label, "", top, height)
            if replay.decisions is not None:
                actions = replay.spec.actions
                decision = replay.decisions[player]
                self._draw_decision(canvas, actions, decision, player, top + CARD_HEIGHT - 1)
        self._draw_seek_bar(canvas, replay)
        state_word = "Playing" if status.playing else "Stopped"
        speed = "" if status.speed == 1 else f" ×{status.speed:g}"
        top = SEEK_BAR.bottom + 2
        self._font.draw(canvas, f"{state_word}{speed}", (LEFT, top), palette.WARNING)
        ticks = f"{replay.tick}/{replay.ticks}"
        left = RIGHT - self._font.width(ticks)
        self._font.draw(canvas, ticks, (left, top), palette.FAINT)
        if status.notice:
            self._draw_notice(canvas, status.notice, top + 9)
        else:
            self._draw_keys(canvas, KEYS)

    def _draw_decision(
        self,
        canvas: pygame.Surface,
        actions: tuple[str, ...],
        decision: Decision,
        player: int,
        top: int,
    ) -> None:
        """A cell for each action: the one played is filled, what cannot be played is dark, what
        cannot be survived is red, with a yellow edge where it is played all the same."""
        room = RIGHT - LEFT - 6
        pitch = room // len(actions)
        for action, name in enumerate(actions):
            cell = pygame.Rect(LEFT + 3 + action * pitch, top, pitch - CELL_GAP, ACTIONS_HEIGHT - 2)
            survivable = decision.survivable[action]
            colour = palette.TEXT if survivable else palette.ALARM
            if not decision.legal[action]:
                colour = palette.PANEL_EDGE
            if action == decision.action:
                fill = palette.PLAYERS[player] if survivable else palette.ALARM
                pygame.draw.rect(canvas, fill, cell, border_radius=2)
                if not survivable:
                    pygame.draw.rect(canvas, palette.WARNING, cell, 1, 2)
                colour = palette.BACKGROUND
            self._draw_action(canvas, name, cell, colour)

    def _draw_action(
        self, canvas: pygame.Surface, name: str, cell: pygame.Rect, colour: Colour
    ) -> None:
        middle = cell.center
        if name in ARROWS:
            corners = [
                (middle[0] + ARROW_SIZE * x, middle[1] + ARROW_SIZE * y) for x, y in ARROWS[name]
            ]
            pygame.draw.polygon(canvas, colour, corners)
        elif name == "wait":
            pygame.draw.circle(canvas, colour, middle, 1)
        elif name == "bomb":
            pygame.draw.circle(canvas, colour, middle, 3)
        else:
            letter = name[:1].upper()
            self._font.draw_centred(canvas, letter, (middle[0], cell.top), colour)

    def _draw_seek_bar(self, canvas: pygame.Surface, replay: Replay) -> None:
        """How the match ended, and over how much of it one is."""
        winner = None if replay.result is None else replay.result.winner
        colour = palette.TEXT if winner is None else palette.PLAYERS[winner]
        text = result_text(replay, self._font, RIGHT - LEFT)
        self._font.draw(canvas, text, (LEFT, SEEK_BAR.top - 10), colour)
        pygame.draw.rect(canvas, palette.PANEL_EDGE, SEEK_BAR, border_radius=2)
        reached = SEEK_BAR.copy()
        reached.width = SEEK_BAR.width * replay.tick // replay.ticks
        pygame.draw.rect(canvas, palette.GOOD, reached, border_radius=2)
        knob = (SEEK_BAR.left + min(reached.width, SEEK_BAR.width - 1), SEEK_BAR.centery)
        pygame.draw.circle(canvas, palette.TEXT, knob, 3)


def result_text(replay: Replay, font: PixelFont, width: int) -> str:
    """How the match ended, in at most `width` pixels: a long name is cut before the verb is."""
    name, verb = replay.result_words
    return font.shorten(name, width - font.width(verb)) + verb


def tick_at(x: int, y: int, ticks: int) -> int | None:
    """The tick that a place on the seek bar stands for; None beside the bar."""
    if not SEEK_BAR.inflate(2 * SEEK_REACH, 2 * SEEK_REACH).collidepoint(x, y):
        return None
    return max(0, min(ticks, round((x - SEEK_BAR.left) / (SEEK_BAR.width - 1) * ticks)))
