"""The screen on which a match is played."""

from __future__ import annotations

import pygame

import fastenv
from engine_plugin.errors import EnginePluginError
from engine_plugin.host import palette
from engine_plugin.host.box import draw_box
from engine_plugin.host.hud import Panel, Status
from engine_plugin.host.input import Command
from engine_plugin.host.renderer import BoardRenderer, liveliness
from engine_plugin.host.screens import Screen
from engine_plugin.host.screens.message import MessageScreen
from engine_plugin.host.sitting import FOE_SEAT, Phase, Sitting
from engine_plugin.host.sound import audible
from engine_plugin.host.stage import Stage

CONFIRM_AFTER_SECONDS = 0.6
"""Enter is also a bomb: right after the end it is not yet taken for "next round"."""

WATCHED_END_SECONDS = 2.0


class MatchScreen:
    """Plays a sitting; Escape pauses, and from the pause goes back to `behind`."""

    def __init__(self, stage: Stage, sitting: Sitting, behind: Screen | None) -> None:
        self._stage = stage
        self._sitting = sitting
        self._behind = behind
        self._board = BoardRenderer(stage.sprites, sitting.match.spec)
        self._panel = Panel(stage.sprites, stage.font)
        self._paused = False
        self._left = False
        self._following: Screen | None = None

    @property
    def paused(self) -> bool:
        return self._paused

    def handle(self, command: Command) -> None:
        sitting = self._sitting
        if command in (Command.PAUSE, Command.BACK):
            self._toggle_pause(leave=command is Command.BACK)
        elif command is Command.FOCUS_LOST:
            self._paused = sitting.phase is Phase.PLAYING
        elif command is Command.CONFIRM:
            self._confirm()
        elif command is Command.RESTART:
            self._paused = False
            sitting.restart_round()
        elif command is Command.RECORD:
            sitting.toggle_recording()
        elif command is Command.DISCARD:
            sitting.discard_recorded_round()
        elif command is Command.WATCH:
            sitting.toggle_watch()
        elif command is Command.GHOST:
            self._raise_or_play_ghost()
        elif command in (Command.FASTER, Command.SLOWER):
            speed = sitting.clock.change_speed(1 if command is Command.FASTER else -1)
            sitting.tell(f"Speed ×{speed:g}")

    def update(self, seconds: float) -> Screen | None:
        if self._left:
            self._stage.close_sitting()
            return self._behind
        if self._following is not None:
            following, self._following = self._following, None
            return following
        told = self._stage.ghosts.update()
        if told:
            self._sitting.tell(told)
        if not self._paused:
            self._sitting.update(seconds)
            self._play_sounds()
        if self._sitting.complete and self._ends_by_itself():
            return None
        return self

    def draw(self, canvas: pygame.Surface) -> None:
        sitting = self._sitting
        canvas.fill(palette.BACKGROUND)
        if not sitting.match.after:
            self._draw_box(canvas, ["Making a level..."], palette.TEXT)
            return
        self._board.draw(canvas, sitting.match, sitting.fraction)
        self._panel.draw(canvas, sitting.match, self._status())
        if sitting.phase is Phase.PLAYING:
            self._stage.picture.offer(canvas, liveliness(sitting.match.after))
        if self._paused:
            self._draw_box(
                canvas, ["PAUSED", "P: go on", "F5: restart", "Esc: leave"], palette.WARNING
            )
        elif sitting.phase is Phase.OVER and sitting.fraction >= 1.0:
            self._draw_result(canvas)
            self._stage.picture.offer(canvas, 0)
        elif sitting.phase is Phase.PREPARING:
            self._draw_box(canvas, ["Making a level..."], palette.TEXT)

    def _toggle_pause(self, leave: bool) -> None:
        can_leave = self._paused or self._sitting.phase is Phase.OVER
        if leave and can_leave:
            self._left = True
        elif self._paused:
            self._paused = False
            self._stage.state.release_all()
        elif self._sitting.phase is Phase.PLAYING:
            self._paused = True

    def _confirm(self) -> None:
        sitting = self._sitting
        if sitting.phase is Phase.OVER and sitting.seconds_over >= CONFIRM_AFTER_SECONDS:
            if sitting.complete:
                self._left, self._behind = True, None
            else:
                sitting.next_round()

    def _raise_or_play_ghost(self) -> None:
        """Between two rounds: play the newest ghost, or raise one where it sits there already."""
        sitting, ghosts = self._sitting, self._stage.ghosts
        if sitting.phase is not Phase.OVER or sitting.watching:
            return
        if ghosts.learning or self._new_ghost is None:
            sitting.tell(ghosts.learn())
            return
        try:
            following = self._stage.new_sitting(self._new_ghost)
        except (EnginePluginError, fastenv.FastenvError) as error:
            behind = self._behind or self
            self._following = MessageScreen(self._stage, "Cannot start", error, behind)
        else:
            self._following = MatchScreen(self._stage, following, self._behind)

    @property
    def _new_ghost(self) -> str | None:
        """File of a ghost raised in this run that is not the opponent yet."""
        path = self._stage.ghosts.path
        if path is None or path.as_posix() == self._sitting.match.seats[FOE_SEAT].name:
            return None
        return path.as_posix()

    @property
    def _ghost_line(self) -> str:
        """What the result says about one's ghost; "" while there is nothing to say."""
        ghosts = self._stage.ghosts
        if ghosts.learning:
            return f"Your ghost learns: {ghosts.progress:.0%}"
        if self._new_ghost is not None:
            return "G: play your ghost"
        return "G: raise a ghost of you" if ghosts.has_enough else ""

    def _ends_by_itself(self) -> bool:
        """With nobody at the keys the last result is shown for a moment, if anybody looks."""
        sitting = self._sitting
        return sitting.watching and (
            not self._stage.realtime or sitting.seconds_over >= WATCHED_END_SECONDS
        )

    def _play_sounds(self) -> None:
        for before, after in self._sitting.ticks:
            for name in audible(before, after):
                self._stage.play_sound(name)
        if self._sitting.ticks and self._sitting.phase is Phase.OVER:
            self._stage.play_sound("end")

    def _status(self) -> Status:
        sitting, sounds = self._sitting, self._stage.sounds
        return Status(
            notice=sitting.notice,
            recording=sitting.recording.on,
            paused=sitting.phase is Phase.PLAYING and not sitting.recording.writing,
            kept_rounds=sitting.recording.kept_rounds,
            speed=sitting.clock.speed,
            watching=sitting.watching,
            muted=sounds is not None and sounds.muted,
        )

    def _draw_result(self, canvas: pygame.Surface) -> None:
        sitting = self._sitting
        result = sitting.match.result
        assert result is not None
        seconds = result.ticks / sitting.match.spec.tick_rate
        lines = [result.text.capitalize(), f"after {seconds:g} s"]
        if not sitting.watching:
            lines.append("Enter: finish" if sitting.complete else "Enter: next level")
            lines.append("F5: this level again")
            lines += [self._ghost_line] if self._ghost_line else []
        winner = result.winner
        self._draw_box(canvas, lines, palette.TEXT if winner is None else palette.PLAYERS[winner])

    def _draw_box(
        self, canvas: pygame.Surface, lines: list[str], colour: tuple[int, int, int]
    ) -> None:
        draw_box(canvas, self._stage.font, self._sitting.match.spec, lines, colour)
