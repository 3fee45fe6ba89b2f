"""The panel beside the board: time, players, what is going on, and the keys.

`PanelParts` is what a match and a replay have in common, `Panel` that of a match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pygame

from engine_plugin.host import palette
from engine_plugin.host.match import Match, Snapshot
from engine_plugin.host.renderer import HEIGHT, WIDTH
from engine_plugin.host.tileset import PixelFont
from fastenv import GameSpec

LEFT = 213
RIGHT = WIDTH - 3
CARD_HEIGHT = 36
CARDS_TOP = 27
KEYS = (
    ("Arrows WASD", "move"),
    ("Space Enter", "bomb"),
    ("P / F5", "pause / restart"),
    ("R / Backsp.", "rec / undo"),
    ("V", "watch agents"),
    ("+ / -", "speed"),
    ("F11 / M", "full / mute"),
)


PLACE = ("row", "column", "alive")
"""What every game's snapshot says of a player; all else is shown in words."""


def keys_of(actions: tuple[str, ...]) -> list[tuple[str, str]]:
    """The keys that mean something in a game of these actions."""
    return [(keys, meaning) for keys, meaning in KEYS if meaning != "bomb" or "bomb" in actions]


@dataclass(frozen=True)
class Status:
    """What the panel shows beside the match itself.

    notice: a passing message; recording: whether rounds are recorded; paused: but not this one;
    kept_rounds: recorded so far; speed: factor; watching: an agent plays the first seat
    """

    notice: str
    recording: bool
    paused: bool
    kept_rounds: int
    speed: float
    watching: bool
    muted: bool


class PanelParts:
    """Draws parts of a panel with one tileset and font."""

    def __init__(self, sprites: Mapping[str, pygame.Surface], font: PixelFont) -> None:
        self._sprites = sprites
        self._font = font
        self._portraits = [
            pygame.transform.scale_by(sprites[f"player_{player}_down_0"], 2) for player in (1, 2)
        ]

    def _draw_time(
        self, canvas: pygame.Surface, title: str, after: Snapshot, spec: GameSpec
    ) -> None:
        """What is shown, the time, and what comes with it."""
        rate = spec.tick_rate
        self._font.draw(canvas, title, (LEFT, 3), palette.TEXT)
        clock = f"{after['tick'] / rate:.1f} s"
        left = RIGHT - self._font.width(clock)
        self._font.draw(canvas, clock, (left, 3), palette.FAINT)
        if "closing_tick" in after:
            words = ("Walls close", "The walls close in!")
            self._draw_bar(canvas, after["tick"], after["closing_tick"], rate, *words)
        elif "tick_limit" in after:
            words = ("Ends", "Time is up")
            self._draw_bar(canvas, after["tick"], after["tick_limit"], rate, *words)

    def _draw_bar(
        self, canvas: pygame.Surface, tick: int, last: int, rate: int, coming: str, over: str
    ) -> None:
        """How long until tick `last`, as a bar and in words."""
        bar = pygame.Rect(LEFT, 13, RIGHT - LEFT, 3)
        pygame.draw.rect(canvas, palette.PANEL_EDGE, bar)
        remaining = max(0, last - tick)
        colour = palette.GOOD if remaining > 5 * rate else palette.WARNING
        if remaining:
            bar.width = max(1, bar.width * remaining // last)
            pygame.draw.rect(canvas, colour, bar)
            text = f"{coming} in {remaining / rate:.0f} s"
            shown = palette.FAINT if colour == palette.GOOD else palette.WARNING
            self._font.draw(canvas, text, (LEFT, 17), shown)
        else:
            pygame.draw.rect(canvas, palette.ALARM, bar)
            self._font.draw(canvas, over, (LEFT, 17), palette.ALARM)

    def _draw_card(
        self,
        canvas: pygame.Surface,
        state: Snapshot,
        player: int,
        label: str,
        score: str,
        top: int,
        height: int = CARD_HEIGHT,
    ) -> None:
        """One player: picture, name and score, and what the snapshot says of it."""
        colour = palette.PLAYERS[player]
        card = pygame.Rect(LEFT, top, RIGHT - LEFT, height)
        pygame.draw.rect(canvas, palette.PANEL, card, border_radius=3)
        pygame.draw.rect(canvas, colour if state["alive"] else palette.PANEL_EDGE, card, 1, 3)
        canvas.blit(self._portraits[player], (LEFT + 2, top + 2))
        text_left = LEFT + 37
        score_left = RIGHT - 5 - self._font.width(score, 2)
        self._font.draw(canvas, score, (score_left, top + 3), palette.TEXT, 2)
        room = score_left - text_left - 3
        self._font.draw(canvas, self._font.shorten(label, room), (text_left, top + 5), colour)
        if "capacity" in state:
            canvas.blit(self._sprites["bomb_icon"], (text_left - 4, top + 18))
            bombs = f"{state['bombs']}/{state['capacity']}"
            self._font.draw(canvas, bombs, (text_left + 10, top + 23), palette.TEXT)
            canvas.blit(self._sprites["range_icon"], (text_left + 28, top + 18))
            self._font.draw(canvas, str(state["range"]), (text_left + 43, top + 23), palette.TEXT)
        else:
            own = [f"{value} {name}" for name, value in state.items() if name not in PLACE]
            self._font.draw(canvas, " ".join(own), (text_left, top + 23), palette.TEXT)

    def _draw_notice(self, canvas: pygame.Surface, notice: str, top: int) -> None:
        lines = self._font.wrap(notice, RIGHT - LEFT)
        for index, line in enumerate(lines[: (HEIGHT - top) // 9]):
            self._font.draw(canvas, line, (LEFT, top + 9 * index), palette.WARNING)

    def _draw_keys(self, canvas: pygame.Surface, shown: Sequence[tuple[str, str]]) -> None:
        top = HEIGHT - 9 * len(shown) - 1
        for index, (keys, meaning) in enumerate(shown):
            line = top + 9 * index
            self._font.draw(canvas, keys, (LEFT, line), palette.TEXT)
            left = RIGHT - self._font.width(meaning)
            self._font.draw(canvas, meaning, (left, line), palette.FAINT)


class Panel(PanelParts):
    """The panel of a match that is played."""

    def draw(self, canvas: pygame.Surface, match: Match, status: Status) -> None:
        number = len(match.results) + (match.result is None)
        self._draw_time(canvas, f"Round {number}", match.after, match.spec)
        for player, seat in enumerate(match.seats):
            self._draw_card(
                canvas,
                match.after["players"][player],
                player,
                seat.label,
                str(match.score[player]),
                CARDS_TOP + player * (CARD_HEIGHT + 2),
            )
        top = CARDS_TOP + 2 * (CARD_HEIGHT + 2)
        top = self._draw_status(canvas, status, top)
        if status.notice:
            self._draw_notice(canvas, status.notice, top)
        else:
            self._draw_keys(canvas, keys_of(match.spec.actions))

    def _draw_status(self, canvas: pygame.Surface, status: Status, top: int) -> int:
        """Recording dot, watch mode, speed and mute, as far as they apply; the next free line."""
        left = LEFT
        if status.recording:
            pygame.draw.circle(canvas, palette.ALARM, (left + 3, top + 4), 3)
            text = "REC paused" if status.paused else f"REC {status.kept_rounds}"
            self._font.draw(canvas, text, (left + 9, top + 1), palette.ALARM)
            left += 15 + self._font.width(text)
        words = []
        if status.watching:
            words.append("Watching")
        if status.speed != 1.0:
            words.append(f"×{status.speed:g}")
        if status.muted:
            words.append("Mute")
        self._font.draw(canvas, " ".join(words), (left, top + 1), palette.WARNING)
        return top + 12
