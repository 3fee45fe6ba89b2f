"""A game that is recorded or played here: by a person in its window, or by a model or a script."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from engine_plugin.bridge import seat as seats
from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.game_file import load_game, told
from engine_plugin.bridge.job import OWN_PLAYER, Job
from engine_plugin.bridge.seat import Hands, Seat, Sitter
from engine_plugin.errors import ConfigError, EnginePluginError, GameLoopError

if TYPE_CHECKING:
    from engine_plugin.bridge.players import LocalPlayer
    from engine_plugin.bridge.recording import RecordingPlayer
    from engine_plugin.runtime.recorder import DemonstrationRecorder

FRAMES_A_SECOND = 60
MOST_FRAMES_WITHOUT = 3_600  # of a game without a window, until somebody sits down in it


class Sitting:
    """A game that is recorded or played here, and not for a learner."""

    def __init__(self, job: Job) -> None:
        from engine_plugin.bridge.machine.keyboard import (
            Keyboard,
            KeyWatch,
            Pressed,
            share_keyboard,
        )
        from engine_plugin.bridge.machine.randomness import seed_randomness
        from engine_plugin.bridge.machine.virtual import VirtualMachine

        self.job = job
        self._pressed, self._seed, self._share = Pressed, seed_randomness, share_keyboard
        self.hands = Keyboard()
        self.rounds = 0
        self.recording: RecordingPlayer | None = None
        self.recorder: DemonstrationRecorder | None = None
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
            "recorded": int(self.recorder is not None),
            "seat": self.seat.name if self.seat is not None else None,
            "restarts": self.seat is not None and self.seat.restart is not None,
        }
        if self.player is not None:
            result["failed_decisions"] = self.player.errors
        if self.recorder is not None:
            self.recorder.close()
        return result

    def _seat(self, seat: Seat) -> Sitter | None:
        from engine_plugin.bridge.machine.keyboard import expect_known_keys

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
            if self.player is not None:
                self.watch.look_at(self.hands, seat.name)
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
        from engine_plugin.journal import journal_path
        from engine_plugin.runtime.recorder import DemonstrationRecorder
        from engine_plugin.trajectory import TrajectoryHeader

        if self.job.anew:
            for path in (Path(self.job.out), journal_path(self.job.out)):
                path.unlink(missing_ok=True)
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
        self.recorder = DemonstrationRecorder(self.job.out, header, append=True)
        return self.recorder

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


def _end_with(answers: int) -> None:
    """End the game when nobody is left who would read its answer: the command was killed."""
    if not hasattr(select, "poll"):
        return
    reader = select.poll()
    reader.register(answers, 0)  # its end is told whatever one asks for
    reader.poll()
    os._exit(1)


def sit(job: Job) -> NoReturn:
    """Record or play, and print one line of JSON: what came of it, or the error."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what the game prints
    threading.Thread(target=_end_with, args=(answers,), daemon=True).start()
    try:
        result: dict[str, Any] = Sitting(job).run()
    except EnginePluginError as error:
        result = {"error": str(error)}
    except Exception as error:
        result = {"error": told(error, job.game)}
    os.write(answers, json.dumps(result).encode() + b"\n")
    os._exit(0)
