"""A game that plays for a learner, at the other end of a pipe.

Rounds that need a fresh process: where processes can be forked, one loads the libraries once and
forks one for each round, the next while the present one is still played.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from engine_plugin.bridge import seat as seats
from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.game_file import load_game, told
from engine_plugin.bridge.job import Job
from engine_plugin.bridge.remote import RemotePlayer
from engine_plugin.bridge.seat import Seat, Sitter
from engine_plugin.bridge.wire import ERROR, HELLO, GameEnd
from engine_plugin.errors import ConfigError, GameLoopError

if TYPE_CHECKING:
    from engine_plugin.bridge.driven import Driver

# How a game's process ends: nobody plays on, an error was told, the next round may begin.
STOPPED, FAILED, NEXT_ROUND = 0, 1, 17
# What a round's process notes for the one that forks: who plays the next one.
FRESH_PROCESS, SAME_PROCESS = b"F", b"S"
TO_NOTICE = 5.0  # seconds in which a game has to notice that its learner is gone


class Round:
    """One process of the game, from the first round it plays on, on behalf of the learner."""

    def __init__(self, job: Job, wire: GameEnd, number: int, note: Callable[[bytes], None]):
        """number: of the round; note: told FRESH_PROCESS where one has to play the next, and
        SAME_PROCESS for each further round that begins here."""
        from engine_plugin.bridge.machine.randomness import seed_randomness
        from engine_plugin.bridge.machine.virtual import VirtualMachine

        self.job, self.wire, self.number = job, wire, number
        self._note, self._seed = note, seed_randomness
        self._seats: list[Seat] = []
        self._remote: list[RemotePlayer] = []
        self._learning: Seat | None = None
        self._driver: Driver | None = None
        self.machine = VirtualMachine(job.drawing)
        self.machine.install()
        self._seed(job.seed_of(number))
        seats.usher = self._seat

    def play(self) -> NoReturn:
        """Run the game to its end; does not return."""
        try:
            if self.job.drive is not None:
                from engine_plugin.bridge.driven import install_driver

                self._driver = install_driver(self.machine, self.job.drive)
            load_game(self.job)
            self._end_by_itself()
        except SystemExit:
            self._end_by_itself()
        except BaseException as error:
            frame = error.frame if isinstance(error, GameLoopError) else self.frame
            self._tell(told(error, self.job.game), frame)
        os._exit(FAILED)

    def _end_by_itself(self) -> None:
        """The game has ended; one that cannot be edited has no other way to say so."""
        if self.job.drive is not None and self._remote and self._remote[0].end_by_exit():
            os._exit(NEXT_ROUND)
        self._tell(self._ended_by_itself(), self.frame)

    @property
    def frame(self) -> int | None:
        return max((seat.frame for seat in self._seats), default=None)

    def _ended_by_itself(self) -> str:
        if self._driver is not None and self._driver.missing:
            return f"the game ended and never had what is to be seen: {self._driver.missing}"
        if not self._seats:
            return (
                "the game ended without a seat: make one, rival = engine_plugin.Seat(...), and "
                "call rival.tick(...) once a frame"
            )
        if self._learning is None:
            return f"the game has no seat {self.job.seat!r}; it has {self._names()}"
        return (
            "the game ended by itself before a round was over; call tick(over=True) in the frame "
            "in which a round ends"
        )

    def _names(self) -> list[str]:
        return [seat.name for seat in self._seats]

    def _tell(self, text: str, frame: int | None) -> None:
        text = text.removeprefix(f"frame {frame:,}: ") if frame is not None else text
        self.wire.say(ERROR, {"text": text, "frame": frame})

    def _seat(self, seat: Seat) -> Sitter | None:
        """Somebody for a seat that the game has just made."""
        from engine_plugin.bridge.machine.keyboard import Pressed, expect_known_keys

        expect_known_keys(seat.actions.all_keys)
        if seat.name in self._names():
            raise ConfigError(f"two seats are called {seat.name!r}; give each its own name")
        self._seats.append(seat)
        learns = self._learning is None and self.job.seat in ("", seat.name)
        if learns:
            self._learning = seat
        elif seat.script is not None or seat.model is not None:
            from engine_plugin.bridge.players import local_player

            seat.overlay(Pressed)
            player = local_player(seat, self.machine.keyboard)
            player.strict = True
            return Company(player, self)
        elif not self.job.asks:
            return Company(None, self)
        seat.overlay(Pressed)
        actions = seat.actions.named(self.job.actions) if self.job.actions else seat.actions
        remote = RemotePlayer(
            seat,
            self.machine.keyboard,
            self.wire,
            actions,
            0 if learns else len(self._seats),
            self.job.max_frames,
            self._next_round,
            lambda seen: self._introduce(seen, actions, learns),
        )
        self._remote.append(remote)
        return remote if learns else Company(remote, self)

    def expect_learner(self) -> None:
        """Raise ConfigError where the game runs without the seat that is to learn."""
        if self._learning is None:
            raise ConfigError(
                f"the game has no seat {self.job.seat!r}; it has {self._names()}: choose with "
                "--seat"
            )

    def _introduce(self, seat: Seat, actions: Actions, learns: bool) -> None:
        """Say hello for a seat that has seen something for the first time."""
        facts = seat.facts(actions)
        self.wire.say(
            HELLO,
            {
                "learns": learns,
                "layout": facts.layout(),
                "every": seat.every,
                "declared": [[name, sorted(keys)] for name, keys in self._declared(seat)],
                "restarts": self._restarts,
            },
        )
        if learns and not self._restarts:
            self._note(FRESH_PROCESS)

    def _declared(self, seat: Seat) -> Any:
        return zip(seat.actions.names, seat.actions.keys, strict=True)

    @property
    def _restarts(self) -> bool:
        return self._learning is not None and self._learning.restart is not None

    def _next_round(self) -> None:
        if self._learning is None or self._learning.restart is None:
            os._exit(NEXT_ROUND)
        self.number += 1
        self._note(SAME_PROCESS)
        self._seed(self.job.seed_of(self.number))
        for remote in self._remote:
            remote.forget()
        self._learning.restart()


class Company:
    """Whoever sits in a seat that does not learn, as soon as the one that learns is there."""

    def __init__(self, player: Sitter | None, played: Round) -> None:
        self._player, self._played = player, played
        self._is_checked = False

    def tick(self, score: float, over: bool) -> None:
        if not self._is_checked:
            self._played.expect_learner()
            self._is_checked = True
        if self._player is not None:
            self._player.tick(score, over)


def act(job: Job) -> NoReturn:
    """Play for the learner until it is gone."""
    wire = GameEnd(os.dup(0), os.dup(1))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # what the game prints
    faulthandler.enable()
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)
    if job.forks and hasattr(os, "fork"):
        play_forked(job, wire)
    elif "BRIDGE_ROUND" in os.environ:
        Round(job, wire, int(os.environ["BRIDGE_ROUND"]), lambda note: None).play()
    play_spawned(job, wire)


def play_forked(job: Job, wire: GameEnd) -> NoReturn:
    """Fork a process a round; the next one waits, loaded, until the present one ends."""
    from engine_plugin.bridge.machine.undrawn import find_fonts

    # Loaded once for all: the library, and what takes long to find.
    if b"SysFont" in Path(job.game).read_bytes():
        find_fonts()
    number = job.first_round
    child: ForkedRound | None = ForkedRound(job, wire, number)
    while child is not None:
        child.begin()
        spare = ForkedRound(job, wire, number + 1) if child.wants_next() else None
        code = child.wait()
        tell_end(wire, code)
        number += child.rounds
        if code == NEXT_ROUND:
            # Also a game that restarts itself may have ended itself.
            child = spare or ForkedRound(job, wire, number)
        else:
            child = None
            if spare is not None:
                spare.kill()
    os._exit(STOPPED)


class ForkedRound:
    """A forked process that loads the game and waits for its turn before it says anything.

    rounds: how many it has begun
    """

    def __init__(self, job: Job, wire: GameEnd, number: int) -> None:
        self.rounds = 1
        turn, self._turn = os.pipe()
        self._notes, notes = os.pipe()
        self._learner = wire.pipes[0]
        self._pid = os.fork()
        if self._pid:
            os.close(turn)
            os.close(notes)
            return
        os.close(self._turn)
        os.close(self._notes)

        def wait_for_turn() -> None:
            if not os.read(turn, 1):
                os._exit(STOPPED)

        wire.before_first = wait_for_turn
        Round(job, wire, number, lambda note: _write_note(notes, note)).play()

    def begin(self) -> None:
        try:
            os.write(self._turn, b"!")
        except BrokenPipeError:
            return  # it has died while it loaded; `wait` tells of what

    def kill(self) -> None:
        """End one that is not needed, also where it still loads."""
        os.kill(self._pid, signal.SIGKILL)

    def wants_next(self) -> bool:
        """Whether a fresh process has to play the next round; waits until that is known."""
        note = self._note()
        self.rounds += note == SAME_PROCESS
        return note == FRESH_PROCESS

    def wait(self) -> int:
        """How it ended: its exit status, or minus the signal that killed it."""
        while note := self._note():
            self.rounds += note == SAME_PROCESS
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._turn)
        os.close(self._notes)
        return code

    def _note(self) -> bytes:
        """The next that it notes, nothing once it has ended. A game that hangs, and whose learner
        was killed meanwhile, would run on for ever: all of it is ended."""
        waiting = select.poll()
        waiting.register(self._notes, select.POLLIN)
        waiting.register(self._learner, 0)  # for its closing only
        if self._notes not in dict(waiting.poll()):
            waiting.unregister(self._learner)
            if not waiting.poll(1_000 * TO_NOTICE):
                os.killpg(0, signal.SIGKILL)
        return os.read(self._notes, 1)


def _write_note(notes: int, note: bytes) -> None:
    os.write(notes, note)


def play_spawned(job: Job, wire: GameEnd) -> NoReturn:
    """Where nothing can be forked: a new interpreter for each round."""
    number = job.first_round
    code = NEXT_ROUND
    while code == NEXT_ROUND:
        reader, writer = wire.pipes
        code = subprocess.run(
            [sys.executable, "-m", "engine_plugin.bridge.run", sys.argv[1]],
            stdin=reader,
            stdout=writer,
            env={**os.environ, "BRIDGE_ROUND": str(number)},
            check=False,
        ).returncode
        number += 1
    tell_end(wire, code)
    os._exit(STOPPED)


def tell_end(wire: GameEnd, code: int) -> None:
    """Tell of a process that could not do so itself, by its exit status or minus its signal."""
    if code < 0:
        text = f"the game was killed by {signal.Signals(-code).name}"
    elif code not in (STOPPED, FAILED, NEXT_ROUND):
        text = f"the game ended itself with the exit status {code}"
    else:
        return
    wire.say(ERROR, {"text": text, "frame": None})
