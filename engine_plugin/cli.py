"""The command line. Imports stand inside the commands, so that each loads only what it needs.

`--json` prints one line on stdout; all else goes to stderr. Bad input ends with one clear line and
exit status 1 (2 for options that do not parse), and changes no file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from engine_plugin import cli_loops
from engine_plugin.errors import ConfigError, EnginePluginError, MissingExtraError
from engine_plugin.host.options import PlayOptions
from engine_plugin.learn.config import EPISODE_STEPS, PolicyConfig, no_effect
from engine_plugin.learn.level_config import LevelGanConfig

# Import name -> the extra that installs it.
EXTRAS = {
    "tensorflow": "train",
    "keras": "train",
    "tf2onnx": "train",
    "onnx": "train",
    "rich": "train",
    "matplotlib": "train",
    "pygame": "play",
    "gymnasium": "train",
    "pettingzoo": "train",
}


@dataclass(frozen=True)
class Record:
    """Record demonstrations of a scripted player, or with --env of a model. (Your own play: `play`,
    then R; in a game of your own: `record GAME.py`.)"""

    out: str
    """File to write (.npz)."""
    player: str = "hunter"
    """Scripted player who demonstrates."""
    against: str = "survivor,hunter"
    """Scripted players in the other seat, taking turns."""
    transitions: int = 12_000
    """Transitions to record; whole matches, so a few more."""
    game: str = "blast"
    """Game to play."""
    env: str = ""
    """Gymnasium id to record instead, such as CartPole-v1, or "module:ID"; needs --policy."""
    policy: str = ""
    """Model file that demonstrates in --env, or bot:random."""
    episodes: int = 3
    """Episodes to record in --env."""
    max_frames: int = EPISODE_STEPS
    """Steps after which an episode of --env is cut off, if the env itself does not."""
    seed: int = 0
    """Start of every random stream."""
    levels: str = "generator"
    """Levels: `generator` (the shipped one), `builtin`, or a folder."""
    force: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Ghost:
    """Raise a ghost of a player from a demonstration file: a small clone, in seconds and without
    TensorFlow. A draft that nothing has measured yet: `evaluate` does, and `train policy` while it
    learns."""

    demos: Annotated[Path, tyro.conf.Positional]
    """Demonstration file (.npz), such as `play --record` writes."""
    out: Path
    """File to write (.onnx)."""
    like: str = ""
    """Of a game brought along: a model of it, whose card says what its observations mean."""
    name: str = ""
    """Name in the model's card; without it, "ghost of" and who demonstrated."""
    seed: int = 0
    """Start of every random stream."""
    force: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Train:
    """Train a policy or a level generator. (For a game of your own: `train GAME.py`.)"""

    what: (
        Annotated[PolicyConfig, tyro.conf.subcommand("policy")]
        | Annotated[LevelGanConfig, tyro.conf.subcommand("generator")]
    )


@dataclass(frozen=True)
class Export:
    """Export the model of a training run again, compared with TensorFlow before it is written."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    out: Path | None = None
    """File to write; without it, model.onnx in the run's folder."""
    latest: bool = False
    """Export the latest checkpoint instead of the best."""
    temperature: float = 0.0
    """Temperature that the model plays with; the higher, the oftener it errs. 0: the run's."""
    safety: Literal["run", "cautious", "survivable", "none"] = "run"
    """Safety filter that the model plays with; run: the one it was trained with."""
    force: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Report:
    """Write a training run's report: one page of HTML, also for a run still going or stopped."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    out: Path | None = None
    """File to write (.html); without it, report.html in the run's folder."""
    force: bool = False
    """Replace an existing file."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Generate:
    """Generate levels; only valid ones are written."""

    out: str
    """Folder to write NAME.txt and NAME.json into."""
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 20
    """How many levels."""
    game: str = "blast"
    """Game to generate for."""
    model: str | None = None
    """Generator file; without it, the shipped one."""
    seed: int = 0
    """Start of the random stream; level i depends on (seed, i) alone."""
    crates: float | None = None
    """Share of free cells that hold crates; without it, drawn for each level."""
    symmetry: Literal["none", "rotate", "mirror"] | None = None
    """Symmetry; without it, drawn for each level."""
    force: bool = False
    """Replace an existing folder."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Evaluate:
    """Play a policy against opponents: strength, and with --style likeness. With --env:
    returns of episodes. (In a game of your own: `evaluate GAME.py MODEL`.)"""

    model: Annotated[str, tyro.conf.Positional]
    """Model file, or a shipped model's name such as blast/hard, or bot:NAME (with --env
    bot:random)."""
    against: str = "survivor,hunter,idle"
    """Scripted players or models in the other seat, separated by commas."""
    episodes: int = 400
    """Matches against each, half in each seat; with --env, episodes."""
    env: str = ""
    """Gymnasium id to play instead, such as CartPole-v1, or "module:ID"."""
    max_frames: int = EPISODE_STEPS
    """Steps after which an episode of --env is cut off, if the env itself does not."""
    seed: int = 1
    """Start of every random stream."""
    game: str = "blast"
    """Game to play."""
    levels: str = "generator"
    """Levels: `generator` (the shipped one), `builtin`, or a folder."""
    style: str | None = None
    """Demonstration file: also score how like its demonstrator the model plays."""
    safety: Literal["card", "cautious", "survivable", "none"] = "card"
    """Safety filter, beside playing without it: as the model's card says, or this one."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Tournament:
    """Let policies play each other, everybody against everybody, seats swapped; rate them."""

    contestants: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Two or more: model files, shipped models such as blast/hard, or bot:NAME."""
    matches: int = 200
    """Matches of every pair, half in each seating, all pairs on the same levels and seeds."""
    seed: int = 1
    """Start of every random stream."""
    game: str = "blast"
    """Game to play."""
    levels: str = "generator"
    """Levels: `generator` (the shipped one), `builtin`, or a folder."""
    safety: Literal["card", "cautious", "survivable", "none"] = "card"
    """Safety filter of the models: as their cards say, or one for all of them."""
    anchor: str | None = None
    """Contestant whose Elo is set to 1000; without it the survivor, or else the first."""
    out: Path | None = None
    """Folder for the most instructive matches; `play --replay FOLDER` shows them."""
    keep: int = 3
    """Most matches of each kind that go there."""
    force: bool = False
    """Replace an earlier tournament's matches in `out`."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class EvaluateLevels:
    """Measure a generator's levels: validity, diversity, novelty, control."""

    model: str | None = None
    """Generator file; without it, the shipped one."""
    game: str = "blast"
    """Game to generate for."""
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1_000
    """How many levels."""
    seed: int = 1
    """Start of the random stream."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Bench:
    """Measure speed."""

    what: Annotated[Literal["env"], tyro.conf.Positional]
    """env: env-steps a second on one core."""
    game: str = "blast"
    """Game to step."""
    seconds: float = 1.0
    """Seconds a measurement."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Inspect:
    """Show a model's card and contents without running it."""

    model: Annotated[str, tyro.conf.Positional]
    """Model file, or a shipped model's name."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Doctor:
    """Say what is installed and what is missing for which command."""

    json: bool = False
    """Print the result as one line of JSON."""


Command = (
    Annotated[PlayOptions, tyro.conf.subcommand("play")]
    | Annotated[Record, tyro.conf.subcommand("record")]
    | Annotated[Ghost, tyro.conf.subcommand("ghost")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Generate, tyro.conf.subcommand("generate")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Tournament, tyro.conf.subcommand("tournament")]
    | Annotated[EvaluateLevels, tyro.conf.subcommand("evaluate-levels")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Inspect, tyro.conf.subcommand("inspect")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)


def play(options: PlayOptions) -> dict[str, Any]:
    from engine_plugin.host.app import play as play_in_host

    return play_in_host(options)


def record(command: Record) -> dict[str, Any]:
    if command.env:
        from engine_plugin.learn.worlds.gymnasium import record_env

        if not command.policy:
            raise ConfigError(
                "--env has no scripted players: name a model that demonstrates with --policy FILE"
            )
        _refuse_without_effect(
            command, "with --env", "player", "against", "transitions", "levels", "game"
        )
        return record_env(
            command.policy,
            command.env,
            command.episodes,
            command.seed,
            command.out,
            command.max_frames,
            force=command.force,
        )
    _refuse_without_effect(command, "without --env", "policy", "episodes", "max_frames")
    import fastenv
    from engine_plugin.learn.record import record_scripted
    from engine_plugin.levels.source import levels_from

    spec = fastenv.game_spec(command.game)
    return record_scripted(
        spec,
        command.player,
        _names(command.against),
        command.transitions,
        command.seed,
        levels_from(command.levels, spec, command.seed),
        command.out,
        force=command.force,
    )


def _refuse_without_effect(command: Any, when: str, *names: str) -> None:
    """Raise ConfigError where one of these was chosen: nobody is to believe that it counted."""
    for field in fields(command):
        if field.name in names and getattr(command, field.name) != field.default:
            raise no_effect(field.name, when)


def ghost(command: Ghost) -> dict[str, Any]:
    from engine_plugin.learn.ghost_file import ghost_from_file

    return ghost_from_file(
        command.demos,
        command.out,
        like=command.like,
        name=command.name,
        seed=command.seed,
        force=command.force,
    )


def train(command: Train) -> dict[str, Any]:
    _import_tensorflow_silently()
    if isinstance(command.what, LevelGanConfig):
        from engine_plugin.export.generator import export_generator
        from engine_plugin.learn.levelgan import train_generator

        return {"model": str(train_generator(command.what, export_generator))}
    from engine_plugin.export.run import export_run
    from engine_plugin.learn.train import train_policy

    result = train_policy(command.what, _command_line())
    written = export_run(command.what.out)
    return {**result, **written, "next": _next_commands(command.what, written["model"])}


def _next_commands(config: PolicyConfig, model: str) -> list[str]:
    """What one does with a trained model."""
    if config.loop:
        told = [f"evaluate {config.loop} {model}", f"play {config.loop} --model {model}"]
    elif config.env:
        told = [f"evaluate {model} --env {config.env}"]
    else:
        game = "" if config.game == "blast" else f" --game {config.game}"
        style = f" --style {config.demos}" if config.demos else ""
        told = [f"evaluate {model}{game}{style}", f"play{game} --opponent {model}"]
    return [f"engine-plugin {line}" for line in told]


def export(command: Export) -> dict[str, Any]:
    _import_tensorflow_silently()
    from engine_plugin.export.run import export_run

    return export_run(
        command.run,
        command.out,
        latest=command.latest,
        temperature=command.temperature,
        safety=None if command.safety == "run" else command.safety,
        force=command.force,
    )


def report(command: Report) -> dict[str, Any]:
    from engine_plugin.learn.report import write_report

    return {"report": str(write_report(command.run, command.out, force=command.force))}


def generate(command: Generate) -> dict[str, Any]:
    from engine_plugin.levels.store import generate_to_folder

    asked = {"crates": command.crates, "symmetry": command.symmetry}
    return generate_to_folder(
        command.model or f"{command.game}/generator",
        command.count,
        command.seed,
        {name: value for name, value in asked.items() if value is not None},
        command.out,
        command.force,
        command.game,
    )


def evaluate(command: Evaluate) -> dict[str, Any]:
    if command.env:
        from engine_plugin.learn.worlds.gymnasium import judge_env

        _refuse_without_effect(
            command, "with --env", "against", "levels", "style", "safety", "game"
        )
        return judge_env(
            command.model, command.env, command.episodes, command.seed, command.max_frames
        )
    _refuse_without_effect(command, "without --env", "max_frames")
    from engine_plugin.learn.judge import judge_model

    return judge_model(
        command.model,
        command.game,
        _names(command.against),
        command.episodes,
        command.seed,
        command.levels,
        command.style,
        None if command.safety == "card" else command.safety,
        say=lambda text: print(text, file=sys.stderr),
    )


def tournament(command: Tournament) -> dict[str, Any]:
    from engine_plugin.learn.tournament import play_tournament

    return play_tournament(
        command.contestants,
        command.game,
        command.matches,
        command.seed,
        command.levels,
        safety=None if command.safety == "card" else command.safety,
        anchor=command.anchor,
        keep=command.keep,
        out=command.out,
        force=command.force,
        say=lambda text: print(text, file=sys.stderr),
    )


def evaluate_levels(command: EvaluateLevels) -> dict[str, Any]:
    from engine_plugin.levels.store import evaluate_levels as measure

    model = command.model or f"{command.game}/generator"
    return measure(model, command.count, command.seed, command.game)


def bench(command: Bench) -> dict[str, Any]:
    from engine_plugin.bench import bench_env

    return bench_env(command.game, command.seconds)


def inspect(command: Inspect) -> dict[str, Any]:
    from engine_plugin.runtime.inspection import inspect_model
    from engine_plugin.runtime.loading import read_model

    data, card = read_model(command.model)
    contents = inspect_model(data)
    return {
        "card": json.loads(card.to_json()),
        "bytes": len(data),
        "nodes": contents.nodes,
        "parameters": contents.parameters,
        "operators": sorted(contents.operators),
    }


def doctor(command: Doctor) -> dict[str, Any]:
    from engine_plugin.doctor import examine

    return examine()


HANDLERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    PlayOptions: play,
    Record: record,
    Ghost: ghost,
    Train: train,
    Export: export,
    Report: report,
    Generate: generate,
    Evaluate: evaluate,
    Tournament: tournament,
    EvaluateLevels: evaluate_levels,
    Bench: bench,
    Inspect: inspect,
    Doctor: doctor,
    **cli_loops.HANDLERS,
}
DESCRIPTION = """Record play, train opponents, generate levels, play against them.

With a game file of your own, `engine-plugin record|clone|ghost|train|evaluate|play GAME.py` do it
for the game in that file, whose loop has a seat (engine_plugin.Seat)."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        # Settings that contradict themselves are refused while they are read.
        with _until_nobody_reads():
            command = _parse(sys.argv[1:] if arguments is None else arguments)
            seed = getattr(command, "seed", None) or 0
            if not 0 <= seed < 2**63:
                raise ConfigError(f"expected --seed from 0 to 2**63 - 1, got {seed}")
        result = HANDLERS[type(command)](command)
        with _until_nobody_reads():
            _report(command, result)
    except KeyboardInterrupt:
        print("engine-plugin: stopped", file=sys.stderr)
        return 130
    except ImportError as error:
        print(f"engine-plugin: {_missing(error)}", file=sys.stderr)
        return 1
    except EnginePluginError as error:
        print(f"engine-plugin: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"engine-plugin: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        # FastenvError is one, and known without importing the compiled package.
        if type(error).__module__ != "fastenv.errors":
            raise
        print(f"engine-plugin: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _until_nobody_reads() -> Iterator[None]:
    """Whoever reads may have seen enough, as `| head` has: the command ends, without an error."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _parse(arguments: list[str]) -> Any:
    """The command that the arguments mean. Raises ConfigError, or SystemExit with the usage."""
    parsed: Any = Command
    prog, first = "engine-plugin", arguments[:1]
    if first == ["clone"] and cli_loops.asks_for_help(arguments):
        arguments = ["clone", "GAME.py", "--help"]
    if cli_loops.names_game(arguments):
        if first[0] in cli_loops.EXPANDED:
            arguments = cli_loops.expand(arguments)
        elif first[0] in cli_loops.PARSED:
            parsed, arguments = cli_loops.PARSED[first[0]], arguments[1:]
            prog = f"engine-plugin {first[0]}"
    elif first == ["clone"]:
        raise ConfigError("expected a game file: engine-plugin clone GAME.py")
    return tyro.cli(
        parsed,
        args=arguments,
        prog=prog,
        description=DESCRIPTION if parsed is Command else None,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )


def _report(command: Any, result: dict[str, Any]) -> None:
    """Print a result: one line of JSON, or text for people."""
    if getattr(command, "json", False):
        print(json.dumps(result))
    elif isinstance(command, Doctor):
        from engine_plugin.doctor import describe

        print(describe(result))
    else:
        print(_teller(command)(result))


def _teller(command: Any) -> Callable[[dict[str, Any]], str]:
    """What makes a text for people of this command's result."""
    from engine_plugin import tables

    if isinstance(command, Train) and isinstance(command.what, PolicyConfig):
        return tables.describe_training
    if isinstance(command, cli_loops.EvaluateLoop):
        return tables.describe_episodes
    if isinstance(command, Evaluate):
        return tables.describe_episodes if command.env else tables.describe_evaluation
    if isinstance(command, Tournament):
        return tables.describe_tournament
    return tables.describe_values


def _import_tensorflow_silently() -> None:
    """Its libraries write notices of their own to stderr, before any Python code can stop them, and
    some when they first compile."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(nowhere)
        os.close(stderr)


def _missing(error: ImportError) -> MissingExtraError:
    """Which extra brings the module that could not be imported."""
    module = (error.name or "").split(".")[0]
    if module in EXTRAS:
        extra = EXTRAS[module]
        return MissingExtraError(
            f"this command needs {module}; install it with: "
            f'python -m pip install "engine-plugin[{extra}]" '
            f'(in a checkout: python -m pip install -e ".[{extra}]")'
        )
    if module == "fastenv":
        return MissingExtraError(
            "the compiled games are missing: install a C compiler, then the package again"
        )
    raise error


def _names(joined: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in joined.split(",") if name.strip())
    if not names:
        raise ConfigError("expected at least one name, got none")
    return names


def _command_line() -> str:
    return " ".join(["engine-plugin", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
