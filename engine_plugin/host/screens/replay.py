"""The screen on which recorded matches are shown."""

from __future__ import annotations

import pygame

from engine_plugin.host import palette
from engine_plugin.host.box import draw_box, headline_room
from engine_plugin.host.clock import TickClock
from engine_plugin.host.input import Command
from engine_plugin.host.renderer import BoardRenderer, liveliness
from engine_plugin.host.replay import Playlist, Replay
from engine_plugin.host.replay_hud import ReplayPanel, ReplayStatus, result_text, tick_at
from engine_plugin.host.screens import Screen
from engine_plugin.host.sitting import NOTICE_SECONDS
from engine_plugin.host.sound import audible
from engine_plugin.host.stage import Stage

STEPS = {Command.LEFT: -1, Command.RIGHT: 1}
"""Ticks that a key goes on; held down it goes on going."""

REPEAT_AFTER_SECONDS = 0.35
REPEATS_A_SECOND = 20


class ReplayScreen:
    """Plays, stops, goes back and forth; Escape ends the run. With nobody to look, the match is
    played to its end once."""

    def __init__(self, stage: Stage, playlist: Playlist) -> None:
        self._stage = stage
        self._playlist = playlist
        self._board = BoardRenderer(stage.sprites, playlist.spec)
        self._panel = ReplayPanel(stage.sprites, stage.font)
        self._clock = TickClock(playlist.spec.tick_rate, stage.options.speed)
        self._playing = True
        self._left = False
        self._held_seconds = 0.0
        self._notice = playlist.problems
        self._notice_seconds = NOTICE_SECONDS

    @property
    def playing(self) -> bool:
        return self._playing

    @property
    def replay(self) -> Replay:
        """The match that is shown."""
        return self._playlist.replay

    def handle(self, command: Command) -> None:
        if command is Command.BACK:
            self._left = True
        elif command in (Command.BOMB, Command.PAUSE):
            self._play(not self._playing or self.replay.over)
        elif command in STEPS:
            self._held_seconds = 0.0
            self._go_to(self.replay.tick + STEPS[command])
        elif command in (Command.UP, Command.DOWN):
            second = self._playlist.spec.tick_rate
            self._go_to(self.replay.tick + (second if command is Command.UP else -second))
        elif command in (Command.FIRST, Command.RESTART):
            self._go_to(0)
        elif command is Command.LAST:
            self._go_to(self.replay.ticks)
        elif command in (Command.NEXT, Command.PREVIOUS):
            self._change_match(1 if command is Command.NEXT else -1)
        elif command in (Command.FASTER, Command.SLOWER):
            self._clock.change_speed(1 if command is Command.FASTER else -1)

    def update(self, seconds: float) -> Screen | None:
        self._notice_seconds -= seconds
        if self._left or (self.replay.over and not self._stage.realtime):
            return None
        self._follow_mouse()
        self._follow_held_key(seconds)
        if self._playing:
            self._let_pass(seconds)
        return self

    def draw(self, canvas: pygame.Surface) -> None:
        replay = self.replay
        canvas.fill(palette.BACKGROUND)
        moving = self._stage.realtime and self._playing and not replay.over
        self._board.draw(canvas, replay, self._clock.fraction if moving else 1.0)
        self._panel.draw(canvas, replay, self._status())
        # A picture shows the board, and the box at the end only where there is nothing else.
        self._stage.picture.offer(canvas, 0 if replay.over else liveliness(replay.after))
        if self._playing and replay.over:
            self._draw_end(canvas)

    def _let_pass(self, seconds: float) -> None:
        for _ in range(self._clock.due_ticks(seconds)):
            if self.replay.over:
                break
            self.replay.seek(self.replay.tick + 1)
            for name in audible(self.replay.before, self.replay.after):
                self._stage.play_sound(name)
            if self.replay.over:
                self._stage.play_sound("end")

    def _play(self, playing: bool) -> None:
        if playing and self.replay.over:
            self.replay.seek(0)
        self._playing = playing
        self._clock.restart()

    def _go_to(self, tick: int) -> None:
        """Stop there."""
        self._play(False)
        self.replay.seek(tick)

    def _change_match(self, step: int) -> None:
        problems = self._playlist.go(step)
        if problems:
            self._notice, self._notice_seconds = problems, NOTICE_SECONDS
        self.replay.seek(0)
        self._play(True)

    def _follow_mouse(self) -> None:
        pointed = self._stage.state.take_pointed()
        tick = None if pointed is None else tick_at(*pointed, self.replay.ticks)
        if tick is not None:
            self._go_to(tick)

    def _follow_held_key(self, seconds: float) -> None:
        held = self._stage.state.held
        if held not in STEPS:
            return
        before = self._held_seconds - REPEAT_AFTER_SECONDS
        self._held_seconds += seconds
        due = int(max(0.0, before + seconds) * REPEATS_A_SECOND)
        done = int(max(0.0, before) * REPEATS_A_SECOND)
        if due > done:
            self._go_to(self.replay.tick + STEPS[held] * (due - done))

    def _status(self) -> ReplayStatus:
        return ReplayStatus(
            number=self._playlist.number,
            count=len(self._playlist),
            notice=self._notice if self._notice_seconds > 0 else "",
            playing=self._playing and not self.replay.over,
            speed=self._clock.speed,
        )

    def _draw_end(self, canvas: pygame.Surface) -> None:
        replay = self.replay
        seconds = replay.after["tick"] / replay.spec.tick_rate
        result = replay.result
        winner = None if result is None else result.winner
        ended = result_text(replay, self._stage.font, headline_room(replay.spec))
        lines = [ended, f"after {seconds:g} s", "Space: once more"]
        if self._playlist.number < len(self._playlist):
            lines.append("PgDn: next match")
        colour = palette.TEXT if winner is None else palette.PLAYERS[winner]
        draw_box(canvas, self._stage.font, replay.spec, lines, colour)
