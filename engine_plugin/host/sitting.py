"""A sitting: rounds played one after the other, each on the next level. Knows no pygame."""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import Any

import numpy as np

from engine_plugin.errors import EnginePluginError
from engine_plugin.host.clock import TickClock
from engine_plugin.host.ghosts import GhostKeeper
from engine_plugin.host.input import InputState
from engine_plugin.host.level_source import LevelSource, RoundLevel
from engine_plugin.host.match import Match, Snapshot
from engine_plugin.host.options import KEYBOARD, PlayOptions
from engine_plugin.host.recording import RoundRecording
from engine_plugin.host.seats import Seat, make_seat

LOGGER = logging.getLogger("engine_plugin.host")
NOTICE_SECONDS = 4.0
WATCHED_PAUSE_SECONDS = 2.0
OWN_SEAT, FOE_SEAT = 0, 1


class Phase(Enum):
    """Where a round stands."""

    PREPARING = auto()
    PLAYING = auto()
    OVER = auto()


class Sitting:
    """Seats, levels, recording and the clock of one player's sitting.

    options: as given; opponent: name of who sits opposite; state: what the keyboard says
    seed: start of every random stream; patient: wait for levels instead of drawing meanwhile
    ghosts: watch what the person does

    Raises ModelError kinds, ConfigError, LevelError or TrajectoryError before anything starts.
    """

    def __init__(
        self,
        options: PlayOptions,
        opponent: str,
        state: InputState,
        seed: int,
        patient: bool,
        ghosts: GhostKeeper,
    ) -> None:
        self._state = state
        self._seed = seed
        self._patient = patient
        self._ghosts = ghosts
        self._rounds = options.rounds
        own = options.player
        self._stand_in_name = opponent if own == KEYBOARD else own
        if options.headless and own == KEYBOARD:
            own = self._stand_in_name
        seats = [make_seat(own, options.game, state), make_seat(opponent, options.game)]
        self._other_own_seat: Seat | None = None
        self.match = Match(options.game, seats)
        self.clock = TickClock(self.match.spec.tick_rate, options.speed)
        self.recording = RoundRecording(self.match, options.record, seed)
        if options.record is not None:
            self.recording.start()
        self.phase = Phase.PREPARING
        self.level: RoundLevel | None = None
        self.ticks: list[tuple[Snapshot, Snapshot]] = []
        self._round_index = 0
        self._seconds_over = 0.0
        self._notice = ""
        self._notice_seconds = 0.0
        self._failures_told = False
        self._levels_told = False
        self._levels = LevelSource(self.match.spec, seed, options.level)
        self._levels.prepare(0)

    @property
    def watching(self) -> bool:
        """Whether no person plays."""
        return all(seat.automatic for seat in self.match.seats)

    @property
    def complete(self) -> bool:
        """Whether all the rounds asked for are played."""
        played = len(self.match.results)
        return self.phase is Phase.OVER and self._rounds is not None and played >= self._rounds

    @property
    def fraction(self) -> float:
        """How far drawing is from the tick before to the last one, 0 to 1."""
        if self._patient:
            return 1.0
        if self.phase is Phase.OVER:
            rate = self.match.spec.tick_rate * self.clock.speed
            return min(1.0, self._seconds_over * rate)
        return self.clock.fraction

    @property
    def seconds_over(self) -> float:
        """Seconds since the round ended."""
        return self._seconds_over

    @property
    def notice(self) -> str:
        """The passing message to show now; empty for none."""
        return self._notice if self._notice_seconds > 0 else ""

    def tell(self, text: str) -> None:
        """Show a message for a few seconds."""
        self._notice, self._notice_seconds = text, NOTICE_SECONDS

    def update(self, seconds: float) -> None:
        """Let time pass. `ticks` then holds the snapshots (before, after) of each tick played."""
        self.ticks.clear()
        self._notice_seconds -= seconds
        if self.phase is Phase.PREPARING:
            self.level = self._levels.take(self._round_index, wait=self._patient)
            if self.level is not None:
                self._start_round(self.level)
        elif self.phase is Phase.PLAYING:
            for _ in range(self.clock.due_ticks(seconds)):
                self._tick()
                if self.match.result is not None:
                    self._finish_round()
                    break
        else:
            self._seconds_over += seconds
            rested = self._patient or self._seconds_over >= WATCHED_PAUSE_SECONDS
            if self.watching and rested and not self.complete:
                self.next_round()

    def next_round(self) -> None:
        """Go on to the next level."""
        self._round_index += 1
        self.phase = Phase.PREPARING

    def restart_round(self) -> None:
        """Begin the same level again; a round cut short does not count and is not recorded."""
        if self.level is not None and self.phase is not Phase.PREPARING:
            self.recording.abandon()
            self._ghosts.drop_round()
            self._start_round(self.level)

    def toggle_watch(self) -> None:
        """Change between the person and an agent in the first seat."""
        own = self.match.seats[OWN_SEAT]
        if self._other_own_seat is None:
            name = self._stand_in_name if own.name == KEYBOARD else KEYBOARD
            try:
                self._other_own_seat = make_seat(name, self.match.spec.name, self._state)
            except EnginePluginError as error:
                self.tell(str(error))
                return
        self.match.seats[OWN_SEAT], self._other_own_seat = self._other_own_seat, own
        self.match.seats[OWN_SEAT].begin(self.match.seed)
        if self.recording.writing:
            self.recording.abandon()
            self.tell("Somebody else plays now: this round is not recorded")

    def toggle_recording(self) -> None:
        """Start recording with the present tick, or stop and write the file."""
        try:
            if self.recording.on:
                self._stop_recording()
                return
            self.recording.start()
            if self.phase is Phase.PLAYING:
                self.recording.begin()
            self.tell(f"Recording into {self.recording.path}")
        except (EnginePluginError, OSError) as error:
            self.tell(str(error))
            LOGGER.warning("%s", error)

    def discard_recorded_round(self) -> None:
        """Take the last finished round out of the recording."""
        if not self.recording.on:
            self.tell("Nothing is being recorded; R starts")
        elif self.recording.discard():
            self.tell("The last recorded round is discarded")
        else:
            self.tell("No recorded round to discard")

    def close(self) -> None:
        """Stop the worker and write the recording. Raises TrajectoryError if that fails."""
        self._levels.close()
        self._ghosts.drop_round()
        if self.recording.on:
            self._stop_recording()

    def report(self) -> dict[str, Any]:
        """The result of the sitting as JSON-ready data; "result" is that of the last round."""
        match = self.match
        last = match.results[-1] if match.results else None
        return {
            "result": "no round finished" if last is None else last.text,
            "winner": None if last is None or last.winner is None else last.winner + 1,
            "ticks": None if last is None else last.ticks,
            "rounds": len(match.results),
            "score": list(match.score),
            "draws": match.draws,
            "agents": [seat.name for seat in match.seats],
            "decision_latency_ms": match.latency_percentiles(),
            "failed_decisions": sum(seat.failures for seat in match.seats),
            "level": self._level_report(),
        }

    def _level_report(self) -> dict[str, Any] | None:
        """Where the last level came from and how many crates it has; None before any."""
        if self.level is None:
            return None
        spec = self.match.spec
        crate_ids = [i for i, tile in enumerate(spec.tiles) if tile.name.startswith("crate")]
        return {
            "seed": self.level.seed,
            "crates": int(np.isin(self.match.level.tiles, crate_ids).sum()),
            "origin": self.level.origin,
            "conditions": self.level.conditions,
        }

    def _start_round(self, level: RoundLevel) -> None:
        self.match.start_round(level.level, level.seed)
        self.recording.begin()
        self.clock.restart()
        self.phase = Phase.PLAYING
        self._seconds_over = 0.0
        self._levels.prepare(self._round_index + 1)
        if self._levels.notice and not self._levels_told:
            self._levels_told = True
            self.tell(self._levels.notice)

    def _tick(self) -> None:
        actions = self.match.choose()
        self.recording.add(actions[0])
        if not self.match.seats[OWN_SEAT].automatic:
            seen = self.match.batch.observations[0, OWN_SEAT]
            self._ghosts.watch(seen, int(actions[0, OWN_SEAT]))
        self.match.tick()
        self.ticks.append((self.match.before, self.match.after))
        if not self._failures_told and any(seat.failures for seat in self.match.seats):
            self._failures_told = True
            self.tell("An agent's model fails: it waits instead. See the log")

    def _finish_round(self) -> None:
        self.phase = Phase.OVER
        self.recording.end()
        self._ghosts.keep_round()

    def _stop_recording(self) -> None:
        path = self.recording.path
        rounds = self.recording.stop()
        kept = "nothing" if rounds is None else f"{rounds} round{'' if rounds == 1 else 's'}"
        self.tell(f"Recording off: {path} holds {kept}")
        LOGGER.info("%s holds %s", path, kept)
