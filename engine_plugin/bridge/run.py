"""A game file in a process of its own: `python -m engine_plugin.bridge.run JOB`, JOB as JSON.

The game runs as if started by `python game.py`, in its own folder. Three jobs:

    act     the learner decides, over standard input and output (wire.py), in virtual time
    record  a person plays in the window, or a script or model in virtual time; decisions go into a
            demonstration file
    play    a model plays, in the window or, headless, in virtual time

Rounds that need a fresh process: where processes can be forked, this one loads the libraries once
and forks one for each round, the next while the present one is still played.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from engine_plugin.bridge import seat as seats
from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.job import OWN_PLAYER, Job
from engine_plugin.bridge.remote import RemotePlayer
from engine_plugin.bridge.seat import Hands, Seat, Sitter
from engine_plugin.bridge.wire import ERROR, HELLO, GameEnd
from engine_plugin.errors import ConfigError, EnginePluginError, GameLoopError

if TYPE_CHECKING:
    # Not loaded by the processes that play for a learner.
    from engine_plugin.bridge.driven import Driver
    from engine_plugin.bridge.players import LocalPlayer
    from engine_plugin.bridge.recording import RecordingPlayer
    from engine_plugin.runtime.recorder import DemonstrationRecorder

# How a game's process ends: nobody plays on, an error was told, the next round may begin.
STOPPED, FAILED, NEXT_ROUND = 0, 1, 17
FRESH_PROCESS = b"F"
FRAMES_A_SECOND = 60
MOST_FRAMES_WITHOUT = 3_600  # of a game without a window, until somebody sits down in it


def load_game(job: Job) -> None:
    """Run the game's file as if it had been started by hand; returns where it ends."""
    path = Path(job.game)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    os.chdir(path.parent)
    runpy.run_path(str(path), run_name="__main__")


def told(error: BaseException, game: str) -> str:
    """An error in the game's code on a few lines: what it was, and where in its own files."""
    if isinstance(error, EnginePluginError):
        return str(error)
    folder = str(Path(game).parent)
    own = [
        entry
        for entry in traceback.extract_tb(error.__traceback__)
        if entry.filename.startswith(folder)
    ]
    places = "".join(
        f"\n  {Path(entry.filename).name}:{entry.lineno} in {entry.name}: {entry.line}"
        for entry in own[-5:]
    )
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"the game has crashed: {what}{places}"


# ------------------------------------------------------------------------------------------- act


class Round:
    """One process of the game, from the first round it plays on, on behalf of the learner."""

    def __init__(self, job: Job, wire: GameEnd, number: int, wants_next: Callable[[], None]):
        """number: of the round; wants_next: called where a fresh process has to play the next."""
        from engine_plugin.bridge.machine import VirtualMachine, seed_randomness

        self.job, self.wire, self.number = job, wire, number
        self._wants_next, self._seed = wants_next, seed_randomness
        self._frame = 0
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
        from engine_plugin.bridge.machine import Pressed, expect_known_keys

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
            self._wants_next()

    def _declared(self, seat: Seat) -> Any:
        return zip(seat.actions.names, seat.actions.keys, strict=True)

    @property
    def _restarts(self) -> bool:
        return self._learning is not None and self._learning.restart is not None

    def _next_round(self) -> None:
        if self._learning is None or self._learning.restart is None:
            os._exit(NEXT_ROUND)
        self.number += 1
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
        Round(job, wire, int(os.environ["BRIDGE_ROUND"]), lambda: None).play()
    play_spawned(job, wire)


def play_forked(job: Job, wire: GameEnd) -> NoReturn:
    """Fork a process a round; the next one waits, loaded, until the present one ends."""
    from engine_plugin.bridge.machine import find_fonts

    # Loaded once for all: the library, and what takes long to find.
    if b"SysFont" in Path(job.game).read_bytes():
        find_fonts()
    number = job.first_round
    child: ForkedRound | None = ForkedRound(job, wire, number)
    while child is not None:
        child.begin()
        spare = ForkedRound(job, wire, number + 1) if child.wants_next() else None
        code = child.wait()
        if code < 0:
            name = signal.Signals(-code).name
            wire.say(ERROR, {"text": f"the game was killed by {name}", "frame": None})
        number += 1
        child = spare if code == NEXT_ROUND else None
    os._exit(STOPPED)


class ForkedRound:
    """A forked process that loads the game and waits for its turn before it says anything."""

    def __init__(self, job: Job, wire: GameEnd, number: int) -> None:
        turn, self._turn = os.pipe()
        self._notes, notes = os.pipe()
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
        Round(job, wire, number, lambda: _write_note(notes)).play()

    def begin(self) -> None:
        os.write(self._turn, b"!")

    def wants_next(self) -> bool:
        """Whether a fresh process has to play the next round; waits until that is known."""
        return os.read(self._notes, 1) == FRESH_PROCESS

    def wait(self) -> int:
        """How it ended: its exit status, or minus the signal that killed it."""
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._turn)
        os.close(self._notes)
        return code


def _write_note(notes: int) -> None:
    os.write(notes, FRESH_PROCESS)


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
    if code not in (STOPPED, FAILED):
        wire.say(ERROR, {"text": f"the game ended with the exit status {code}", "frame": None})
    os._exit(STOPPED)


# ------------------------------------------------------------------------------- record and play


class Sitting:
    """A game that is recorded or played here, and not for a learner."""

    def __init__(self, job: Job) -> None:
        from engine_plugin.bridge.machine import (
            Keyboard,
            KeyWatch,
            Pressed,
            VirtualMachine,
            seed_randomness,
            share_keyboard,
        )

        self.job = job
        self._pressed, self._seed, self._share = Pressed, seed_randomness, share_keyboard
        self.hands = Keyboard()
        self.rounds = 0
        self.recording: RecordingPlayer | None = None
        self.player: LocalPlayer | None = None
        self.seat: Seat | None = None
        self._names: list[str] = []
        self._frames = 0
        if job.headless:
            machine = VirtualMachine(job.drawing)
            machine.install()
            machine.on_frame = self._expect_seat
            self.hands = machine.keyboard
            self._seed(job.seed_of(job.first_round))
        self.watch = KeyWatch(self._discard) if job.what == "record" else None
        seats.usher = self._seat

    def run(self) -> dict[str, Any]:
        """Run the game to its end; what came of it."""
        try:
            load_game(self.job)
        except (SystemExit, KeyboardInterrupt):
            pass
        finally:
            result = self._close()
        return result

    def _expect_seat(self, frame: FrameType) -> None:
        """Nobody closes the window of a game in which nobody sits."""
        self._frames += 1
        if self._frames > MOST_FRAMES_WITHOUT and (self.seat is None or not self.seat.frame):
            raise GameLoopError(
                f"nothing happens in the seat {self.job.seat!r} for {MOST_FRAMES_WITHOUT} frames; "
                f"the game has the seats {self._names}: choose with --seat, and call tick once a "
                "frame",
                self._frames,
            )

    def _close(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "rounds": self.rounds,
            "seat": self.seat.name if self.seat is not None else None,
            "restarts": self.seat is not None and self.seat.restart is not None,
        }
        if self.player is not None:
            result["failed_decisions"] = self.player.errors
        recorder = self.recording.recorder if self.recording is not None else None
        if recorder is not None:
            recorder.close()
        return result

    def _seat(self, seat: Seat) -> Sitter | None:
        from engine_plugin.bridge.machine import expect_known_keys

        expect_known_keys(seat.actions.all_keys)
        self._names.append(seat.name)
        if self.seat is None and self.job.seat in ("", seat.name):
            self.seat = seat
            return self._take_place(seat)
        if seat.script is None and seat.model is None:
            return None
        from engine_plugin.bridge.players import local_player

        seat.overlay(self._pressed)
        return local_player(seat, self.hands)

    def _take_place(self, seat: Seat) -> Sitter:
        """Seat whoever the job is about."""
        if self.job.player:
            seat.overlay(self._pressed)
            self.player = player_named(self.job.player, seat, self.hands)
            self.player.strict = self.job.headless
            if not self.job.headless:
                self._share(self.hands, seat.actions.all_keys)
            if self.job.headless and self.watch is None:
                self.player.max_frames = self.job.max_frames
        if self.watch is not None:
            from engine_plugin.bridge.recording import RecordingPlayer

            self.recording = RecordingPlayer(
                seat,
                self.watch,
                self.player,
                self._open_recorder,
                self._next_round,
                self.job.max_frames if self.job.headless else 0,
            )
            return self.recording
        assert self.player is not None
        self.player.on_over = self._next_round
        return self.player

    def _open_recorder(self, seat: Seat, actions: Actions) -> DemonstrationRecorder:
        from engine_plugin.runtime.recorder import DemonstrationRecorder
        from engine_plugin.trajectory import TrajectoryHeader

        facts = seat.facts(actions)
        header = TrajectoryHeader(
            game=facts.name,
            game_version=facts.version,
            layout_hash=facts.layout_hash,
            players=(self._who(),),
            demonstrated=(0,),
            actions=len(facts.actions),
            tick_rate=max(round(FRAMES_A_SECOND / seat.every), 1),
            # Tells sittings apart that are otherwise the same.
            seed=self.job.seed_of(self.job.first_round) if self.job.headless else time.time_ns(),
            observation_type=facts.dtype,
            observation_size=facts.observation_shape[0],
        )
        _say(f"recording the rounds of {seat.name!r}; F9 discards the last one")
        return DemonstrationRecorder(self.job.out, header, append=True)

    def _who(self) -> str:
        if not self.job.player:
            return "keyboard"
        if self.job.player == OWN_PLAYER:
            return "script" if self.seat is not None and self.seat.script else "model"
        path, _, function = self.job.player.rpartition(":")
        return f"script {function}" if path.endswith(".py") else Path(self.job.player).stem

    def _next_round(self) -> None:
        self.rounds += 1
        if 0 < self.job.rounds <= self.rounds:
            raise SystemExit
        if not self.job.headless:
            return
        assert self.seat is not None
        if self.seat.restart is None:
            raise SystemExit
        self._seed(self.job.seed_of(self.job.first_round + self.rounds))
        self.seat.restart()

    def _discard(self) -> None:
        if self.recording is not None and self.recording.discard_last():
            self.rounds -= 1
            _say("the last round is discarded")


def player_named(name: str, seat: Seat, hands: Hands) -> LocalPlayer:
    """Who `player` of a job means. Raises ConfigError, ModelError kinds."""
    from engine_plugin.bridge.players import LocalPlayer, ModelMind, ScriptMind, local_player
    from engine_plugin.runtime.policy import load_policy

    path, _, function = name.rpartition(":")
    if path.endswith(".py"):
        return LocalPlayer(seat, hands, ScriptMind(seat, load_script(path, function)))
    if name != OWN_PLAYER:
        return LocalPlayer(seat, hands, ModelMind(seat, load_policy(name, seed=seat.seed)))
    if seat.script is None and seat.model is None:
        raise ConfigError(
            f"the seat {seat.name!r} has no model and no script of its own; name a model"
        )
    return local_player(seat, hands)


def load_script(path: str, function: str) -> Any:
    """A function of a file. Raises ConfigError."""
    try:
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = getattr(module, function)
    except (OSError, AttributeError, AssertionError) as error:
        raise ConfigError(f"no function {function!r} in {path}: {error}") from error
    return found


def _say(text: str) -> None:
    print(f"engine-plugin: {text}", file=sys.stderr, flush=True)


def sit(job: Job) -> NoReturn:
    """Record or play, and print one line of JSON: what came of it, or the error."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what the game prints
    try:
        result: dict[str, Any] = Sitting(job).run()
    except EnginePluginError as error:
        result = {"error": str(error)}
    except Exception as error:
        result = {"error": told(error, job.game)}
    os.write(answers, json.dumps(result).encode() + b"\n")
    os._exit(STOPPED)


def main() -> NoReturn:
    job = Job.from_json(sys.argv[1])
    if job.what == "act":
        act(job)
    sit(job)


if __name__ == "__main__":
    main()
