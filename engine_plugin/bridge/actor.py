"""The learner's end of a game's process: start it, hear what it sees, tell it what to do.

Whatever goes wrong in the game arrives here as one typed error with the frame's number: a crash,
with the game's own lines, an exit, a process that was killed, a loop that hangs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine_plugin.bridge.job import Job
from engine_plugin.bridge.wire import STOP, LearnerEnd, Seen
from engine_plugin.errors import GameLoopError
from engine_plugin.facts import ForeignGame, game_of_layout

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds that a game may take from one decision to the next
LOOK_EVERY = 0.2
TO_STOP = 0.5  # seconds that a game has to stop when it is told to
LAST_WORDS = 5.0  # seconds in which a process that has closed its pipe has to end


@dataclass(frozen=True)
class Hello:
    """What a seat said when it first saw something.

    facts: of the game as it sees it; declared: its actions' names and keys as the game declares
    them; restarts: whether one process plays all rounds
    """

    facts: ForeignGame
    declared: tuple[tuple[str, tuple[int, ...]], ...]
    restarts: bool


class Actor:
    """One running game.

    job: as `run.py` reads it; patience: seconds until a game that says nothing counts as hanging
    frame: of the last message; hello: of the seat that learns, once it has spoken
    """

    def __init__(self, job: Job, patience: float = PATIENCE) -> None:
        self.job, self.patience = job, patience
        self.frame = 0
        self.hello: Hello | None = None
        self.deadline: float | None = None
        self._hangs = self._is_closed = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine_plugin.bridge.run", job.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            bufsize=0,
            env=game_environment(),
            start_new_session=os.name == "posix",
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._wire = LearnerEnd(self._process.stdout.fileno(), self._process.stdin.fileno())
        _watchdog.watch(self)
        weakref.finalize(self, end_process, self._process)

    def receive(self) -> Seen:
        """The next observation. Raises GameLoopError for whatever the game does instead."""
        if self._is_closed:
            raise self._of_game("its process was ended before", self.frame)
        self.deadline = time.monotonic() + self.patience
        try:
            message = self._wire.receive()
            while not isinstance(message, Seen):
                self._meet(message)
                message = self._wire.receive()
        except EOFError as error:
            raise self._ended() from error
        except GameLoopError as error:
            # One without a frame comes from outside the game, which had no time to say more.
            after = self.frame if error.frame is None else None
            said = self._said() if error.frame is None else ""
            self.close()
            raise self._of_game(f"{error}{said}", after, error.frame) from error
        finally:
            self.deadline = None
        self.frame = message.frame
        return message

    def answer(self, action: int) -> None:
        """Tell what to do. A game that is gone is noticed by `receive`."""
        if self._is_closed:
            return  # its pipes' numbers may be other files' by now
        try:
            self._wire.answer(action)
        except BrokenPipeError:
            return

    def close(self) -> None:
        """End the game's processes."""
        if self._is_closed:
            return
        self.deadline = None
        if self._process.poll() is None:
            self.answer(STOP)
            self._wait_or_kill(TO_STOP)
        self._is_closed = True
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._complaints.close()

    def hang(self) -> None:
        """The watchdog gives up: have the game say where it is, and end it."""
        self._hangs, self.deadline = True, None
        if os.name == "posix":
            signal_group(self._process, signal.SIGUSR1)
            time.sleep(LOOK_EVERY)
        self._kill()

    def _wait_or_kill(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        end_process(self._process)

    def _meet(self, facts: dict[str, Any]) -> None:
        """Take in a hello. Raises GameLoopError where it contradicts an earlier one, or another
        seat's, who could then not be played by the same policy."""
        hello = Hello(
            game_of_layout(facts["layout"]),
            tuple((name, tuple(keys)) for name, keys in facts["declared"]),
            facts["restarts"],
        )
        known = self.hello
        if facts["learns"]:
            if known is not None and known.facts != hello.facts:
                raise GameLoopError(
                    f"see: a later round shows other fields than the first one, "
                    f"{hello.facts.fields} in place of {known.facts.fields}"
                )
            self.hello = hello
        elif known is not None and replace(hello.facts, name=known.facts.name) != known.facts:
            raise GameLoopError(
                f"the seats {known.facts.name!r} and {hello.facts.name!r} show different fields or "
                "actions, and cannot be played by the same policy; give one of them a model or a "
                "script"
            )

    def _ended(self) -> GameLoopError:
        """Why the pipe was closed."""
        self._wait_or_kill(LAST_WORDS)
        said = self._said()
        code = self._process.returncode
        self.close()
        if self._hangs:
            return self._of_game(
                f"the game hangs: nothing for {self.patience:g} s{said}", self.frame
            )
        return self._of_game(f"the game's process ended with status {code}{said}", self.frame)

    def _said(self) -> str:
        """The end of what the processes wrote to standard error."""
        self._complaints.seek(0, os.SEEK_END)
        size = self._complaints.tell()
        self._complaints.seek(max(size - 3_000, 0))
        text = self._complaints.read().decode(errors="replace").strip()
        return f"; it said:\n{text}" if text else ""

    def _of_game(self, text: str, after: int | None, frame: int | None = None) -> GameLoopError:
        where = f"after frame {after:,}: " if after is not None else ""
        error = GameLoopError(f"{Path(self.job.game).name}: {where}{text}")
        error.frame = frame if after is None else after
        return error


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has forked."""
    if process.poll() is not None:
        return
    if os.name == "posix":
        signal_group(process, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def game_environment() -> dict[str, str]:
    """The environment that games are started in."""
    # Installed packages are found anyway, and come after the standard library.
    is_installed = str(ROOT) == sysconfig.get_paths()["purelib"]
    paths = ["" if is_installed else str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        # The order of sets is a random stream too.
        "PYTHONHASHSEED": "0",
        "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    }


class Watchdog:
    """One thread that ends the games that take too long to say anything."""

    def __init__(self) -> None:
        self._actors: weakref.WeakSet[Actor] = weakref.WeakSet()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def watch(self, actor: Actor) -> None:
        with self._lock:
            self._actors.add(actor)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            self._look_once()

    def _look_once(self) -> None:
        """Whoever is looked at is held on to no longer than that, or would never end."""
        with self._lock:
            actors = list(self._actors)
        now = time.monotonic()
        for actor in actors:
            deadline = actor.deadline
            if deadline is not None and now > deadline:
                actor.hang()


_watchdog = Watchdog()
