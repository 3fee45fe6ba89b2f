"""The command line: bad input ends in one clear line and changes no file; --json prints one line.

Commands run in this process where that can be, because starting Python takes longer than most of
them; what depends on a fresh process gets one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastenv
from engine_plugin import cli
from engine_plugin.facts import ForeignField, ForeignGame
from engine_plugin.ghost.clone import GhostConfig
from engine_plugin.ghost.ghost import Ghost
from engine_plugin.runtime.policy import load_policy
from engine_plugin.trajectory import (
    Episode,
    TrajectoryFile,
    TrajectoryHeader,
    load_trajectories,
)
from tests.one_thread import tensorflow_threads

SPEC = fastenv.game_spec("blast")
GENERATOR = "blast/generator"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process: (exit status, stdout, stderr)."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def fresh(*arguments: str | Path, code: str = "", timeout: float = 60) -> Any:
    """The same in a fresh process, with `code` before it."""
    script = f"{code}\nimport sys\nfrom engine_plugin.cli import main\nsys.exit(main())"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SDL_")}
    # From the checkout as from an installed package.
    root = str(Path(__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [os.getenv("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, env=environment,
    )


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and time, and every folder."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns
        )
        for path in sorted(folder.rglob("*"))
    }


def one_line(text: str) -> dict[str, Any]:
    assert text.endswith("\n") and text.count("\n") == 1, text

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    parsed: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return parsed


def refused(result: tuple[int, str, str], *words: str) -> None:
    status, out, err = result
    assert status == 1 and out == ""
    assert err.startswith("engine-plugin: ") and err.count("\n") == 1, err
    for word in words:
        assert word in err


@pytest.fixture(scope="module")
def threads() -> str:
    pytest.importorskip("tensorflow")
    return str(tensorflow_threads())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that commands read: sound ones, and each in its broken form."""
    folder = tmp_path_factory.mktemp("store")
    arguments = ["--player", "hunter", "--against", "survivor", "--transitions", "200",
                 "--levels", "builtin", "--out", str(folder / "hunter.npz")]
    assert cli.main(["record", *arguments]) == 0
    demos = load_trajectories(folder / "hunter.npz")
    for name, changes in (("layout", {"layout_hash": "f" * 16}), ("chess", {"game": "chess"})):
        other = replace(demos.header, **changes)  # type: ignore[arg-type]
        TrajectoryFile(other, demos.episodes).save_npz(folder / f"other_{name}.npz")
    data = (folder / "hunter.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(data[: len(data) // 2])

    level = fastenv.builtin_levels(SPEC, 0, 1)[0]
    level.save(folder / "level.txt", SPEC)
    text = level.to_text(SPEC)
    (folder / "unknown_tile.txt").write_text(text.replace(".", "?", 1))
    (folder / "short.txt").write_text(text[:40])

    generator = Path(cli.__file__).parents[1] / "assets/models/blast/generator.onnx"
    model = generator.read_bytes()
    (folder / "generator.onnx").write_bytes(model)
    (folder / "truncated.onnx").write_bytes(model[: len(model) // 2])
    (folder / "noise.onnx").write_bytes(b"not a model at all" * 40)
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "run").mkdir()
    (folder / "run" / "notes.txt").write_text("mine")
    return folder


def bad_inputs() -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """Arguments (STORE stands for the folder of files) and words that the line must hold."""
    watch = ["--headless", "--player", "bot:idle"]
    bots = [*watch, "--opponent", "bot:hunter"]
    few = ["--episodes", "2", "--levels", "builtin"]
    style = ["train", "policy", "--reward", "style", "--out", "STORE/new"]
    record = ["record", "--levels", "builtin", "--out"]
    return {
        "record: a model without an env": ([*record, "STORE/x.npz", "--policy", "STORE/none.onnx"],
            ("--policy", "without --env")),
        "record: a scripted player in an env": ([*record[:1], "--out", "STORE/x.npz", "--env",
            "CartPole-v1", "--policy", "x.onnx", "--player", "miner"], ("--player", "with --env")),
        "evaluate: style in an env": (["evaluate", "STORE/none.onnx", "--env", "CartPole-v1",
            "--style", "STORE/none.npz"], ("--style", "with --env")),
        "play: truncated model":
            (["play", *watch, "--opponent", "STORE/truncated.onnx"], ("truncated.onnx",)),
        "play: missing model":
            (["play", *watch, "--opponent", "STORE/none.onnx"], ("none.onnx",)),
        "play: a generator as opponent":
            (["play", *watch, "--opponent", GENERATOR], ("generator",)),
        "play: unknown tile":
            (["play", *bots, "--level", "STORE/unknown_tile.txt"], ("unknown tile '?'", "line")),
        "play: short level":
            (["play", *bots, "--level", "STORE/short.txt"], ("expected 11 lines",)),
        "play: missing level":
            (["play", *bots, "--level", "STORE/none.txt"], ("none.txt",)),
        "play: unknown game": (["play", *bots, "--game", "chess"], ("chess", "blast")),
        "play: unknown bot":
            (["play", *watch, "--opponent", "bot:nobody"], ("nobody", "hunter")),
        "play: picture of another kind":
            (["play", *bots, "--screenshot", "STORE/x.jpg"], (".png",)),
        "play: a replay that is not one":
            (["play", "--headless", "--replay", "STORE/truncated.npz"], ("truncated.npz",)),
        "play: a replay of another game":
            (["play", "--headless", "--replay", "STORE/other_chess.npz"], ("chess",)),
        "play: a replay of another layout":
            (["play", "--headless", "--replay", "STORE/other_layout.npz"], ("version",)),
        "play: a replay without such a match":
            (["play", "--headless", "--replay", "STORE/hunter.npz", "--match", "99"],
             ("--match", "99")),
        "play: a replay's match number zero":
            (["play", "--headless", "--replay", "STORE/hunter.npz", "--match", "0"], ("--match",)),
        "play: a match of no replay": (["play", *bots, "--match", "1"], ("--replay",)),
        "tournament: one alone": (["tournament", "bot:idle"], ("two contestants",)),
        "tournament: unknown bot":
            (["tournament", "bot:nobody", "bot:idle"], ("nobody", "hunter")),
        "tournament: truncated model":
            (["tournament", "STORE/truncated.onnx", "bot:idle"], ("truncated.onnx",)),
        "tournament: odd number of matches":
            (["tournament", "bot:idle", "bot:hunter", "--matches", "3"], ("even",)),
        "tournament: a file in the place of the folder":
            (["tournament", "bot:idle", "bot:hunter", "--matches", "2", "--force", "--out",
              "STORE/level.txt"], ("folder", "level.txt")),
        "tournament: a folder in a file":
            (["tournament", "bot:idle", "bot:hunter", "--matches", "2", "--out",
              "STORE/level.txt/x"], ("level.txt is a file",)),
        "play: a picture in a file":
            (["play", *bots, "--screenshot", "STORE/level.txt/x.png"], ("level.txt is a file",)),
        "record: a recording in a file": ([*record, "STORE/level.txt/x.npz"], ("is a file",)),
        "record: a seed that is too large":
            ([*record, "STORE/x.npz", "--seed", str(2**63)], ("2**63 - 1",)),
        "record: frames without an env":
            ([*record, "STORE/x.npz", "--max-frames", "9"], ("--max-frames", "without --env")),
        "evaluate: a game with an env":
            (["evaluate", "bot:random", "--env", "CartPole-v1", "--game", "race"],
             ("--game", "with --env")),
        "generate: a model of another game":
            (["generate", "--game", "race", "--model", "STORE/generator.onnx", "--out",
              "STORE/new"], ("'race'", "'blast'")),
        "tournament: a folder that is there":
            (["tournament", "bot:idle", "bot:hunter", "--out", "STORE/run"], ("--force",)),
        "play: no rounds": (["play", *bots, "--rounds", "0"], ("--rounds",)),
        "play: negative seed": (["play", *bots, "--seed", "-1"], ("--seed",)),
        "evaluate: truncated model": (["evaluate", "STORE/truncated.onnx", *few], ("truncated",)),
        "evaluate: noise": (["evaluate", "STORE/noise.onnx", *few], ("noise.onnx",)),
        "evaluate: a generator": (["evaluate", GENERATOR, *few], ("generator",)),
        "evaluate: unknown game":
            (["evaluate", "bot:idle", "--game", "chess", *few], ("chess", "blast")),
        "evaluate: unknown opponent":
            (["evaluate", "bot:idle", "--against", "nobody", *few], ("nobody",)),
        "evaluate: nobody against": (["evaluate", "bot:idle", "--against", ",", *few], ("name",)),
        "evaluate: no episodes": (["evaluate", "bot:idle", "--episodes", "0"], ("episode",)),
        "evaluate: demonstrations of another layout":
            (["evaluate", "bot:idle", *few, "--style", "STORE/other_layout.npz"],
             ("other_layout.npz", "layout")),
        "evaluate: truncated demonstrations":
            (["evaluate", "bot:idle", *few, "--style", "STORE/truncated.npz"], ("truncated.npz",)),
        "evaluate: levels with an unknown tile":
            (["evaluate", "bot:idle", "--levels", "STORE"], ("STORE",)),
        "evaluate: negative seed": (["evaluate", "bot:idle", *few, "--seed", "-1"], ("seed",)),
        "inspect: truncated model": (["inspect", "STORE/truncated.onnx"], ("truncated.onnx",)),
        "inspect: empty model": (["inspect", "STORE/empty.onnx"], ("empty.onnx",)),
        "inspect: missing model": (["inspect", "STORE/none.onnx"], ("none.onnx",)),
        "inspect: a folder": (["inspect", "STORE/run"], ("folder",)),
        "inspect: no such shipped model": (["inspect", "blast/none"], ("blast/generator",)),
        "record: existing file": ([*record, "STORE/hunter.npz"], ("hunter.npz", "--force")),
        "record: unknown game": ([*record, "STORE/new.npz", "--game", "chess"], ("chess",)),
        "record: unknown player": ([*record, "STORE/new.npz", "--player", "me"], ("'me'",)),
        "record: nothing": ([*record, "STORE/new.npz", "--transitions", "0"], ("transition",)),
        "record: negative seed": ([*record, "STORE/new.npz", "--seed", "-1"], ("seed",)),
        "ghost: existing file":
            (["ghost", "STORE/hunter.npz", "--out", "STORE/noise.onnx"], ("--force",)),
        "ghost: no such file":
            (["ghost", "STORE/none.npz", "--out", "STORE/new.onnx"], ("none.npz",)),
        "ghost: truncated demonstrations":
            (["ghost", "STORE/truncated.npz", "--out", "STORE/new.onnx"], ("truncated.npz",)),
        "ghost: demonstrations of another layout":
            (["ghost", "STORE/other_layout.npz", "--out", "STORE/new.onnx"], ("layout",)),
        "ghost: unknown game":
            (["ghost", "STORE/other_chess.npz", "--out", "STORE/new.onnx"], ("chess",)),
        "ghost: negative seed":
            (["ghost", "STORE/hunter.npz", "--out", "STORE/new.onnx", "--seed", "-1"],
             ("seed",)),
        "generate: existing folder":
            (["generate", "-n", "1", "--out", "STORE/run"], ("STORE/run", "--force")),
        "generate: unknown game":
            (["generate", "--game", "chess", "--out", "STORE/new"], ("chess",)),
        "generate: truncated model":
            (["generate", "--model", "STORE/truncated.onnx", "--out", "STORE/new"],
             ("truncated.onnx",)),
        "generate: too many crates":
            (["generate", "--crates", "7", "--out", "STORE/new"], ("crates",)),
        "generate: no levels": (["generate", "-n", "0", "--out", "STORE/new"], ("1 level",)),
        "evaluate-levels: truncated model":
            (["evaluate-levels", "--model", "STORE/truncated.onnx"], ("truncated.onnx",)),
        "train: existing folder":
            (["train", "policy", "--reward", "game", "--out", "STORE/run"],
             ("STORE/run", "--force")),
        "train: no demonstrations": (style, ("--demos",)),
        "train: missing demonstrations": ([*style, "--demos", "STORE/no.npz"], ("no.npz",)),
        "train: truncated demonstrations":
            ([*style, "--demos", "STORE/truncated.npz"], ("truncated.npz",)),
        "train: demonstrations of another layout":
            ([*style, "--demos", "STORE/other_layout.npz"], ("layout", "other_layout.npz")),
        "train: demonstrations of another game":
            ([*style, "--demos", "STORE/other_chess.npz"], ("chess",)),
        "train: unknown game":
            (["train", "policy", "--reward", "game", "--game", "chess", "--out", "STORE/new"],
             ("chess", "blast")),
        "train: unknown opponent":
            (["train", "policy", "--reward", "game", "--opponents", "me", "--out", "STORE/new"],
             ("'me'",)),
        "train: existing generator folder":
            (["train", "generator", "--out", "STORE/run"], ("STORE/run", "--force")),
        "report: no run": (["report", "STORE/run"], ("run.json",)),
        "export: no run": (["export", "STORE/run"], ("run.json",)),
        "export: existing file":
            (["export", "STORE/run", "--out", "STORE/hunter.npz"], ("hunter.npz", "--force")),
    }


BAD_INPUTS = bad_inputs()
NEEDS_TENSORFLOW = ("train", "export")


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_ends_in_one_line_and_changes_nothing(
    case: str, command: Command, store: Path
) -> None:
    arguments, words = BAD_INPUTS[case]
    if arguments[0] in NEEDS_TENSORFLOW:
        pytest.importorskip("tensorflow")
        pytest.importorskip("tf2onnx")
    if arguments[0] == "play":
        pytest.importorskip("pygame")
    before = contents(store)
    result = command(*(argument.replace("STORE", str(store)) for argument in arguments))
    refused(result, *(word.replace("STORE", str(store)) for word in words))
    assert contents(store) == before


@pytest.mark.parametrize("case", ("train: existing folder", "play: unknown tile",
                                  "train: demonstrations of another layout", "export: no run"))
def test_in_a_fresh_process_too_there_is_nothing_but_the_line(case: str, store: Path) -> None:
    """Libraries that write to the terminal by themselves would be seen here."""
    arguments, words = BAD_INPUTS[case]
    if arguments[0] in NEEDS_TENSORFLOW:
        pytest.importorskip("tensorflow")
    before = contents(store)
    done = fresh(*(argument.replace("STORE", str(store)) for argument in arguments))
    refused((done.returncode, done.stdout, done.stderr), *(
        word.replace("STORE", str(store)) for word in words
    ))
    assert contents(store) == before


@pytest.mark.skipif(os.name != "posix", reason="pipes of another kind")
@pytest.mark.parametrize("arguments", [("doctor",), ("play", "--help")])
def test_who_has_read_enough_hears_nothing_more(arguments: tuple[str, ...]) -> None:
    """As `engine-plugin doctor | head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "engine_plugin.cli", *arguments],
            stdout=nobody, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [["dance"], [], ["evaluate"], ["record", "--transitions", "many", "--out", "x.npz"],
     ["train", "policy", "--reward", "joy", "--out", "x"], ["play", "--speed"]],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_options_that_do_not_parse_end_with_status_two(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err != ""
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name in ("play", "record", "ghost", "train", "export", "report", "generate", "evaluate",
                 "evaluate-levels", "tournament", "bench", "inspect", "doctor"):
        assert name in shown


# ---------------------------------------------------------------------- without what is optional

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
WITHOUT_TENSORFLOW = BLOCK.format(blocked={"tensorflow", "keras", "tf2onnx"})


@pytest.mark.parametrize(
    "arguments",
    [["train", "policy", "--reward", "game", "--out"], ["train", "generator", "--out"], ["export"]],
    ids=" ".join,
)
def test_without_tensorflow_training_names_the_extra(
    arguments: list[str], tmp_path: Path
) -> None:
    done = fresh(*arguments, tmp_path / "run", code=WITHOUT_TENSORFLOW)
    refused((done.returncode, done.stdout, done.stderr), "engine-plugin[train]")
    assert list(tmp_path.iterdir()) == []


def test_without_tensorflow_the_rest_works(store: Path, tmp_path: Path) -> None:
    code = WITHOUT_TENSORFLOW
    for arguments in (
        ["evaluate", "bot:miner", "--against", "idle", "--episodes", "2", "--levels", "builtin",
         "--style", store / "hunter.npz", "--json"],
        ["record", "--transitions", "5", "--levels", "builtin", "--out", tmp_path / "a.npz",
         "--json"],
        ["ghost", store / "hunter.npz", "--out", tmp_path / "ghost.onnx", "--json"],
        ["inspect", GENERATOR, "--json"],
    ):
        done = fresh(*arguments, code=code)
        assert done.returncode == 0, done.stderr
        one_line(done.stdout)


def test_without_pygame_playing_names_the_extra(tmp_path: Path) -> None:
    code = "import importlib.util as u\nu.find_spec = lambda name, *rest, find=u.find_spec: " \
           "None if name == 'pygame' else find(name, *rest)\n"
    done = fresh("play", "--headless", "--opponent", "bot:idle", code=code)
    refused((done.returncode, done.stdout, done.stderr), "engine-plugin[play]")


# ---------------------------------------------------------------------- what works


def test_a_headless_match_is_the_same_twice_and_leaves_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("pygame")
    results, pictures = [], []
    for name in ("first.png", "second.png"):
        done = fresh("play", "--headless", "--seed", "7", "--screenshot", tmp_path / name,
                     "--json", "--player", "bot:hunter", "--opponent", "bot:survivor")
        assert done.returncode == 0, done.stderr
        result = one_line(done.stdout)
        latency = result.pop("decision_latency_ms")
        assert 0 < latency["p50"] <= latency["p99"]
        assert result.pop("screenshot") == str(tmp_path / name)
        results.append(result)
        pictures.append((tmp_path / name).read_bytes())
    assert results[0] == results[1]
    assert results[0]["result"] in ("player 1 wins", "player 2 wins", "draw")
    assert results[0]["ticks"] > 0 and results[0]["agents"] == ["bot:hunter", "bot:survivor"]
    assert pictures[0] == pictures[1] and pictures[0].startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "second.png"]


def test_a_match_on_a_level_file(command: Command, store: Path) -> None:
    pytest.importorskip("pygame")
    status, out, _ = command("play", "--headless", "--seed", "1", "--json", "--player", "bot:miner",
                             "--opponent", "bot:idle", "--level", store / "level.txt")
    assert status == 0
    assert one_line(out)["rounds"] == 1


def test_record_writes_a_file_that_evaluate_measures_by(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "miner.npz"
    record = ("record", "--player", "miner", "--against", "survivor, idle", "--transitions", "100",
              "--levels", "builtin", "--out", out)
    status, text, err = command(*record, "--json")
    assert status == 0 and err == ""
    written = one_line(text)
    assert written["out"] == str(out) and written["transitions"] >= 100
    assert written["opponents"] == ["survivor", "idle"]
    evaluate = ("evaluate", "bot:miner", "--against", "survivor", "--episodes", "2", "--levels",
                "builtin", "--style", out, "--json")
    judged = [one_line(command(*evaluate)[1]) for _ in range(2)]
    assert judged[0] == judged[1] and judged[0]["style"]["score"] == 1.0
    assert judged[0]["against"]["survivor"]["episodes"] == 2
    before = out.read_bytes()
    assert command(*record, "--seed", "1", "--force")[0] == 0
    assert out.read_bytes() != before


def test_a_ghost_from_a_file_can_be_played_and_measured(
    command: Command, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "me.onnx"
    arguments = ["ghost", store / "hunter.npz", "--out", out, "--name", "me", "--json"]
    status, said, _ = command(*arguments)
    assert status == 0
    result = one_line(said)
    assert (result["model"], result["name"], result["game"]) == (str(out), "me", "blast")
    assert result["transitions"] == load_trajectories(store / "hunter.npz").transitions
    first = out.read_bytes()
    assert command(*arguments, "--force")[0] == 0 and out.read_bytes() == first
    status, said, _ = command("inspect", out, "--json")
    card = one_line(said)["card"]
    assert card["training"]["maker"] == "ghost"
    assert card["decision"] == {"rule": "softmax", "temperature": 1, "safety": "survivable"}
    status, said, _ = command("evaluate", out, "--against", "idle", "--episodes", "4",
                              "--levels", "builtin", "--json")
    assert status == 0 and one_line(said)["against"]["idle"]["episodes"] == 4


def test_a_ghost_of_a_game_brought_along(command: Command, tmp_path: Path) -> None:
    """Its file holds numbers; what they mean stands in the card of a model of the game."""
    facts = ForeignGame("pong", ("up", "down"), (ForeignField("ball", (2,), -1, 1),))
    random = np.random.default_rng(0)
    seen = random.uniform(-1, 1, (300, 1, 2)).astype(np.float32)
    header = TrajectoryHeader("pong", 0, facts.layout_hash, ("ada",), (0,), 2, 10, 0, "float32", 2)
    episode = Episode(
        0, np.zeros((0, 0), np.uint8), b"", (seen[:, :, 1] > 0).astype(np.uint8), (0,),
        observations=seen, masks=np.ones((300, 1, 2), np.uint8),
    )
    TrajectoryFile(header, (episode,)).save_npz(tmp_path / "ada.npz")
    other = Ghost(facts, config=GhostConfig(steps=1))
    other.add_trajectories(load_trajectories(tmp_path / "ada.npz"))
    other.learn()
    other.save(tmp_path / "other.onnx")
    arguments = ["ghost", tmp_path / "ada.npz", "--out", tmp_path / "new.onnx"]
    refused(command(*arguments), "--like")
    refused(command(*arguments, "--like", "blast/medium"), "brought along")
    assert command(*arguments, "--like", tmp_path / "other.onnx")[0] == 0
    policy = load_policy(tmp_path / "new.onnx", layout_hash=facts.layout_hash)
    assert policy.card.name == "ghost of ada"
    actions = policy.with_decision(rule="greedy").act_batch(seen[:, 0], np.ones((300, 2)))
    assert (actions == episode.actions[:, 0]).mean() > 0.9


def test_a_seed_may_be_as_large_as_a_clock(command: Command) -> None:
    status, printed, _ = command("evaluate", "bot:idle", "--against", "idle", "--episodes", "2",
                                 "--levels", "builtin", "--seed", 2**63 - 1, "--json")
    assert status == 0 and one_line(printed)["seed"] == 2**63 - 1


def test_a_level_s_file_may_stand_for_levels(command: Command, store: Path) -> None:
    few = ("evaluate", "bot:idle", "--against", "idle", "--episodes", "2", "--json", "--levels")
    status, printed, _ = command(*few, store / "level.txt")
    assert status == 0 and "idle" in one_line(printed)["against"]
    refused(command(*few, store / "short.txt"), "expected 11 lines")


def test_a_tournament_s_matches_can_be_watched(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("pygame")
    out = tmp_path / "best"
    arguments = ["tournament", "blast/medium", "bot:hunter", "bot:idle", "--matches", "6",
                 "--levels", "builtin", "--out", out]
    status, printed, said = command(*arguments, "--json")
    held = one_line(printed)
    assert status == 0 and said.count("playing 6 matches") == 3
    assert {row["name"] for row in held["contestants"]} == {"blast/medium", "hunter", "idle"}
    refused(command(*arguments), "--force")
    for number, row in enumerate(held["instructive"], start=1):
        status, printed, _ = command(
            "play", "--replay", out, "--match", str(number), "--headless", "--json"
        )
        shown = one_line(printed)
        assert status == 0 and shown["agents"] == row["players"]
        assert shown["ticks"] == row["ticks"] and shown["matches"] == len(held["instructive"])
        winner = None if shown["winner"] is None else shown["agents"][shown["winner"] - 1]
        assert winner == row["winner"]
    status, printed, _ = command(*arguments, "--force")
    assert status == 0 and "won-drawn-lost" in printed


def test_without_json_the_result_is_laid_out_for_a_person(command: Command) -> None:
    status, out, _ = command("evaluate", "bot:idle", "--against", "idle", "--episodes", "2",
                             "--levels", "builtin")
    assert status == 0 and out.count("\n") > 2 and "idle" in out
    with pytest.raises(ValueError):
        json.loads(out)


def test_generate_writes_levels_that_play_and_inspect_shows_the_card(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "levels"
    status, text, _ = command("generate", "-n", "2", "--seed", "3", "--crates", "0.4", "--out", out,
                              "--json")
    assert status == 0 and one_line(text)["levels"] == 2
    levels = [fastenv.Level.load(path, SPEC) for path in sorted(out.glob("*.txt"))]
    assert len(levels) == 2
    status, text, _ = command("evaluate", "bot:survivor", "--against", "idle", "--episodes", "2",
                              "--levels", out, "--json")
    assert status == 0
    one_line(text)
    status, text, _ = command("inspect", GENERATOR, "--json")
    shown = one_line(text)
    assert status == 0 and shown["card"]["kind"] == "generator" and shown["bytes"] > 1000
    status, text, _ = command("evaluate-levels", "-n", "4", "--json")
    assert status == 0
    one_line(text)


def test_doctor_reports(command: Command) -> None:
    status, text, _ = command("doctor", "--json")
    assert status == 0 and "versions" in one_line(text)
    status, text, _ = command("doctor")
    assert status == 0 and text.count("\n") > 3


def test_bench_env_measures_as_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, float]] = []

    def measure(game: str, seconds: float) -> dict[str, Any]:
        asked.append((game, seconds))
        return {"steps_per_second": 1}

    monkeypatch.setattr("engine_plugin.bench.bench_env", measure)
    status, text, _ = command("bench", "env", "--seconds", "0.5", "--json")
    assert status == 0 and one_line(text) == {"steps_per_second": 1}
    assert asked == [("blast", 0.5)]


def test_train_export_evaluate_and_inspect_one_model(
    command: Command, store: Path, tmp_path: Path, threads: str
) -> None:
    pytest.importorskip("tf2onnx")
    run, model = tmp_path / "run", tmp_path / "copy.onnx"
    status, text, _ = command(
        "train", "policy", "--demos", store / "hunter.npz", "--reward", "none", "--out", run,
        "--levels", "builtin", "--clone-updates", "4", "--width", "8", "--window", "3",
        "--num-envs", "4", "--evaluation-episodes", "2", "--threads", threads,
        "--opponents", "survivor",
    )
    assert status == 0
    assert (run / "model.onnx").is_file() and str(run / "model.onnx") in text

    before = contents(tmp_path)
    refused(command("train", "policy", "--reward", "game", "--resume", "--levels", "builtin",
                    "--threads", threads, "--out", tmp_path / "new"), "nothing to resume")
    train = ("train", "policy", "--demos", store / "hunter.npz", "--reward", "none", "--out", run)
    refused(command(*train), "--force")
    assert contents(tmp_path) == before

    page = tmp_path / "page.html"
    status, text, _ = command("report", run, "--out", page, "--json")
    assert status == 0 and one_line(text) == {"report": str(page)}
    assert page.read_bytes() == (run / "report.html").read_bytes()
    refused(command("report", run, "--out", page), "page.html", "--force")

    status, text, _ = command("export", run, "--out", model, "--json")
    assert status == 0 and one_line(text)["largest_difference"] <= 1e-4
    refused(command("export", run, "--out", model), "copy.onnx", "--force")
    assert command("export", run, "--out", model, "--force")[0] == 0

    evaluate = ("evaluate", model, "--against", "idle", "--episodes", "4", "--levels", "builtin",
                "--style", store / "hunter.npz", "--json")
    judged = [one_line(command(*evaluate)[1]) for _ in range(2)]
    assert judged[0] == judged[1]
    assert set(judged[0]["by_safety"]) == {"survivable", "none"}
    assert judged[0]["against"] == judged[0]["by_safety"]["survivable"]

    status, text, _ = command("inspect", model, "--json")
    assert status == 0 and one_line(text)["card"]["actions"] == list(SPEC.actions)

    broken = tmp_path / "broken.onnx"
    broken.write_bytes(model.read_bytes()[:-100])
    refused(command("evaluate", broken), "broken.onnx")
    refused(command("inspect", broken), "broken.onnx")
    pytest.importorskip("pygame")
    watch = ("play", "--headless", "--seed", "2", "--json", "--player", "bot:idle", "--opponent")
    refused(command(*watch, broken), "broken.onnx")
    status, text, _ = command(*watch, model)
    assert status == 0 and one_line(text)["failed_decisions"] == 0
