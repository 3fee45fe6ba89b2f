"""The commands for a game file of one's own: `engine-plugin record|clone|ghost|train|evaluate|
play GAME.py`. Imports stand inside the commands, as in cli.py.

`train` and `clone` are `train policy` with the file, its recording and a folder filled in; all
options of that can follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from engine_plugin.bridge.job import ROUND_FRAMES
from engine_plugin.errors import ConfigError

GAME_SUFFIX = ".py"
UNSEEN_ROUNDS = 20


@dataclass(frozen=True)
class RecordLoop:
    """Record how you play a game of your own: play it in its window, F9 discards the last round.

    Several sittings add up in one file; at most a second is lost, however a sitting ends.
    """

    game_file: Annotated[str, tyro.conf.Positional]
    """The game's file, such as pong.py; its loop has a seat (engine_plugin.Seat)."""
    out: str = ""
    """File to write or add to (.npz); without it GAME.demos.npz, here."""
    seat: str = ""
    """Name of the seat to record, where there are several; without it the first."""
    player: str = ""
    """Who plays instead of you, in virtual time and without a window: a model's file,
    FILE.py:FUNCTION (a script: what `see` shows -> name of an action), or `own`, the seat's own
    model or script. Its keys reach the game as yours would."""
    rounds: int = 0
    """Stop after this many rounds; 0: when the game is closed, with `player` after 20."""
    max_frames: int = ROUND_FRAMES
    """Frames after which a round of `player` is cut off."""
    seed: int = 0
    """Start of every random stream, with `player`."""
    force: bool = False
    """Replace what was recorded before."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class PlayLoop:
    """Play a game of your own with a model in a seat of it."""

    game_file: Annotated[str, tyro.conf.Positional]
    """The game's file."""
    model: str = ""
    """The model's file; without it the seat's own model or script."""
    seat: str = ""
    """Name of the seat that it takes; without it the first."""
    headless: bool = False
    """In virtual time and without a window."""
    rounds: int = 0
    """Stop after this many rounds; 0: when the game is closed, headless after one."""
    max_frames: int = ROUND_FRAMES
    """Frames after which a headless round is cut off."""
    seed: int = 0
    """Start of every random stream, headless."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class GhostLoop:
    """Raise a ghost of whoever was recorded in a game of your own: a small clone, in seconds and
    without TensorFlow. A draft; `train GAME.py` makes more of the same recording."""

    game_file: Annotated[str, tyro.conf.Positional]
    """The game's file."""
    out: str = ""
    """File to write (.onnx); without it GAME.ghost.onnx, here."""
    demos: str = ""
    """Demonstrations; without it GAME.demos.npz, here."""
    seat: str = ""
    """Name of the seat that was recorded; without it the first."""
    seed: int = 0
    """Start of every random stream."""
    force: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class EvaluateLoop:
    """Play unseen rounds of a game of your own: their scores, and how like a demonstrator."""

    game_file: Annotated[str, tyro.conf.Positional]
    """The game's file."""
    model: Annotated[str, tyro.conf.Positional]
    """The model's file, or bot:random."""
    style: str | None = None
    """Demonstrations to hold it against; without it GAME.demos.npz, if that is here."""
    seat: str = ""
    """Name of the seat that it takes; without it the first."""
    opponent: str = ""
    """Who takes the other seats, if they have no model or script of their own: a model's file, or
    bot:random. Without it nobody."""
    episodes: int = UNSEEN_ROUNDS
    """Rounds to play."""
    max_frames: int = ROUND_FRAMES
    """Frames after which a round is cut off."""
    drawing: bool = False
    """Let the game draw, although nobody sees it."""
    seed: int = 1
    """Start of every random stream."""
    json: bool = False
    """Print the result as one line of JSON."""


def names_game(arguments: Sequence[str]) -> bool:
    """Whether these arguments are a command about a game file."""
    return len(arguments) > 1 and arguments[1].endswith(GAME_SUFFIX)


def asks_for_help(arguments: Sequence[str]) -> bool:
    return "-h" in arguments or "--help" in arguments


def expand(arguments: Sequence[str]) -> list[str]:
    """`train GAME.py ...` and `clone GAME.py ...` as `train policy ...`, with what they leave out.

    Raises ConfigError.
    """
    what, game, *given = arguments
    stem = Path(game).stem
    filled = ["train", "policy", "--loop", game]
    if what == "clone":
        filled += ["--reward", "none"]
    if not _is_given("out", given):
        filled += ["--out", str(Path("runs") / (f"{stem}-clone" if what == "clone" else stem))]
    demos = recorded(game)
    if not _is_given("demos", given):
        if demos is not None:
            filled += ["--demos", str(demos)]
        elif what == "clone" and not asks_for_help(given):
            raise _nothing_recorded("a clone", game)
    return [*filled, *given]


def _is_given(option: str, given: Sequence[str]) -> bool:
    return any(word == f"--{option}" or word.startswith(f"--{option}=") for word in given)


def demonstrations_of(game: str) -> Path:
    """Where a game's recordings go if nothing else is said."""
    return Path(f"{Path(game).stem}.demos.npz")


def recorded(game: str) -> Path | None:
    """A game's recordings, if there are any; those of a sitting that was killed among them."""
    path = demonstrations_of(game)
    if not path.exists() and not path.with_name(f"{path.name}.journal").exists():
        return None
    from engine_plugin.runtime.recorder import recover_recording

    recover_recording(path)
    return path if path.exists() else None


def record(command: RecordLoop) -> dict[str, Any]:
    from engine_plugin.bridge.job import Job
    from engine_plugin.bridge.sitting import record as record_sitting

    out = Path(command.out or demonstrations_of(command.game_file)).resolve()
    job = Job(
        "record",
        _game(command.game_file),
        seat=command.seat,
        streams=(command.seed,),
        rounds=command.rounds or (UNSEEN_ROUNDS if command.player else 0),
        max_frames=command.max_frames,
        out=str(out),
        player=_player(command.player),
        headless=bool(command.player),
    )
    return record_sitting(job, force=command.force)


def play(command: PlayLoop) -> dict[str, Any]:
    from engine_plugin.bridge.job import OWN_PLAYER, Job
    from engine_plugin.bridge.sitting import sit

    job = Job(
        "play",
        _game(command.game_file),
        seat=command.seat,
        streams=(command.seed,),
        rounds=command.rounds or int(command.headless),
        max_frames=command.max_frames,
        player=_player(command.model or OWN_PLAYER),
        headless=command.headless,
    )
    return sit(job)


def evaluate(command: EvaluateLoop) -> dict[str, Any]:
    from engine_plugin.learn.config import PolicyConfig
    from engine_plugin.learn.worlds.loops import judge_loop

    config = PolicyConfig(
        out="",
        loop=command.game_file,
        seat=command.seat,
        max_frames=command.max_frames,
        drawing=command.drawing,
    )
    shown = command.style
    demos = recorded(command.game_file)
    if shown is None and demos is not None:
        shown = str(demos)
    return judge_loop(
        command.model, config, command.episodes, command.seed, shown, command.opponent
    )


def ghost(command: GhostLoop) -> dict[str, Any]:
    from engine_plugin.learn.config import PolicyConfig
    from engine_plugin.learn.ghost_file import ghost_of_game
    from engine_plugin.learn.worlds.loops import job_of, probe, read_demonstrations

    demos = command.demos or recorded(command.game_file)
    if demos is None:
        raise _nothing_recorded("a ghost", command.game_file)
    job = job_of(PolicyConfig(out="", loop=command.game_file, seat=command.seat))
    facts, file = read_demonstrations(str(demos), probe(job))
    out = Path(command.out or f"{Path(command.game_file).stem}.ghost.onnx")
    return ghost_of_game(facts, file, out, seed=command.seed, force=command.force)


def _nothing_recorded(what: str, game: str) -> ConfigError:
    return ConfigError(
        f"{what} needs recorded play, and {demonstrations_of(game)} is not here: "
        f"`engine-plugin record {game}`, or name a file with --demos"
    )


def _game(file: str) -> str:
    path = Path(file).resolve()
    if not path.is_file():
        raise ConfigError(f"expected a game file, got {file}")
    return str(path)


def _player(name: str) -> str:
    """A player's name, for a process that runs in another folder."""
    path, colon, function = name.rpartition(":")
    if path.endswith(GAME_SUFFIX):
        return f"{Path(path).resolve()}{colon}{function}"
    return str(Path(name).resolve()) if name.endswith(".onnx") else name


PARSED: dict[str, type] = {
    "record": RecordLoop,
    "play": PlayLoop,
    "evaluate": EvaluateLoop,
    "ghost": GhostLoop,
}
EXPANDED = ("train", "clone")
HANDLERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    RecordLoop: record,
    PlayLoop: play,
    EvaluateLoop: evaluate,
    GhostLoop: ghost,
}
