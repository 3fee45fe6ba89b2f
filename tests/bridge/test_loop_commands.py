"""From nothing to an opponent by the command line: record, clone, train, evaluate, play, without a
window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from own_games import GAMES, HEAD

import engine_plugin as ai
from engine_plugin import cli
from tests.one_thread import tensorflow_threads

pytest.importorskip("tensorflow")
pytest.importorskip("tf2onnx")

PLAYER = """
def play(shown):
    me, ball = shown["me"], shown["ball"]
    if abs(ball.centery - me.centery) < 8:
        return "stay"
    return "up" if ball.centery < me.centery else "down"
"""
OWN_GAME = """
keys = {"stay": [], "up": [pygame.K_w], "down": [pygame.K_s]}
seat = ai.Seat("own", keys=keys, see=lambda: {"a": 1})
while True:
    clock.tick(60)
    seat.tick()
"""
SMALL = [
    "--width", "16", "--num-envs", "2", "--evaluation-episodes", "2",
    "--clone-updates", "200",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A game and a player of one's own."""
    path = tmp_path_factory.mktemp("own")
    text = (GAMES / "paddles.py").read_text()
    (path / "pong.py").write_text(text.replace("== 3", "== 1"))
    (path / "player.py").write_text(PLAYER)
    return path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """run(*arguments) -> the result of commands that tell one as JSON; run.fails(*arguments) -> the
    line of the error."""
    monkeypatch.chdir(folder)

    threads = ("--threads", str(tensorflow_threads()))

    def call(*arguments):
        capsys.readouterr()
        learns = arguments[0] in ("train", "clone")
        status = cli.main([*arguments, *(threads if learns else ["--json"])])
        out, err = capsys.readouterr()
        assert status == 0, err
        return None if learns else json.loads(out.splitlines()[-1])

    def fails(*arguments):
        capsys.readouterr()
        learns = arguments[0] == "train"
        assert cli.main([*arguments, *(threads if learns else ())]) == 1
        return capsys.readouterr().err.strip()

    call.fails = fails
    return call


def test_a_game_file_goes_from_nothing_to_an_opponent(run, folder):
    assert "engine-plugin record" in run.fails("clone", "pong.py")

    shown = run("record", "pong.py", "--player", "player.py:play", "--rounds", "3")
    assert shown["rounds_in_file"] == 3
    assert run("record", "pong.py", "--player", "player.py:play", "--rounds", "1", "--seed", "5")[
        "rounds_in_file"
    ] == 4

    run("clone", "pong.py", "--steps", "1", *SMALL)
    assert ai.read_card("runs/pong-clone/model.onnx").training["config"]["reward"] == "none"
    run("train", "pong.py", "--steps", "300", "--warm-up", "100", *SMALL)

    card = ai.read_card("runs/pong/model.onnx")
    assert card.game == "paddles" and card.actions == ("stay", "up", "down") and card.period == 6
    assert [field["name"] for field in card.layout["fields"]] == [
        "me", "ball", "velocity", "other",
    ]  # fmt: skip
    assert card.layout["fields"][0]["low"] == -2 and "style" in card.evaluation

    judged = run("evaluate", "pong.py", "runs/pong/model.onnx", "--episodes", "2")
    assert judged["style"]["demonstrator"] == "script play"
    random = run("evaluate", "pong.py", "bot:random", "--episodes", "2")
    assert random["decision"] == {"rule": "random"}

    played = run(
        "play", "pong.py", "--model", "runs/pong/model.onnx", "--headless", "--rounds", "2"
    )
    assert (played["rounds"], played["failed_decisions"]) == (2, 0)
    assert (folder / "runs/pong/report.html").read_text().count("paddles") >= 0
    assert run("export", "runs/pong", "--out", "again.onnx")["model"] == "again.onnx"


def test_options_of_train_policy_follow_and_a_model_of_another_game_is_refused(run, folder):
    run(
        "train", "pong.py", "--reward", "game", "--out", "runs/by-score", "--steps", "100",
        "--warm-up", "50", *SMALL,
    )  # fmt: skip
    record = json.loads(Path("runs/by-score/run.json").read_text())
    assert record["config"]["reward"] == "game" and record["config"]["loop"] == "pong.py"
    assert record["config"]["actions"] == "stay,up,down"

    (folder / "own_game.py").write_text(HEAD + OWN_GAME)
    said = run.fails("play", "own_game.py", "--model", "runs/by-score/model.onnx", "--headless")
    assert "was made for 'paddles'" in said and "'own' (a [1]" in said


def test_a_run_whose_game_crashes_keeps_what_it_has_and_goes_on(run, folder):
    """The game fails once, in the 3,000th frame of one process; what was learned stays."""
    once = folder / "once"
    text = (folder / "pong.py").read_text()
    crash = (
        "    player.tick(score=score[0] - score[1], over=max(score) == 1)\n"
        "    if player.frame == 3000 and not os.path.exists('once'):\n"
        "        open('once', 'w').close()\n"
        "        1 / 0\n"
    )
    tick = "    player.tick(score=score[0] - score[1], over=max(score) == 1)\n"
    assert tick in text
    fragile = text.replace(tick, crash).replace("import sys", "import os\nimport sys")
    (folder / "fragile.py").write_text(fragile)
    settings = ["--reward", "game", "--steps", "1500", "--warm-up", "50", *SMALL]
    said = run.fails("train", "fragile.py", *settings)
    assert "ZeroDivisionError" in said and "frame 3,000" in said and "--resume" in said
    assert once.exists() and (folder / "runs/fragile/checkpoint.npz").exists()
    run("train", "fragile.py", *settings, "--resume")
    assert json.loads(Path("runs/fragile/run.json").read_text())["result"]["steps"] == 1500


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("clone",), "engine-plugin clone GAME.py"),
        (("record", "none.py"), "expected a game file"),
        (("play", "none.py"), "expected a game file"),
        (("train", "none.py"), "expected a game file"),
        (("play", "pong.py", "--headless"), "no model and no script"),
        (("play", "pong.py", "--model", "no.onnx", "--headless"), "no such file"),
        (("play", "pong.py", "--seat", "second", "--headless"), "in the seat 'second'"),
        (("train", "pong.py", "--seat", "second", "--steps", "9"), "no seat 'second'"),
        (("train", "pong.py", "--env", "CartPole-v1", "--steps", "9"), "got both"),
        (("evaluate", "pong.py", "blast/hard"), "expected"),
    ],
)
def test_what_cannot_be_ends_with_one_line(run, arguments, says):
    said = run.fails(*arguments)
    assert says in said.splitlines()[-1]


def test_the_commands_show_what_they_take(capsys):
    for what in ("record", "play", "evaluate", "train", "clone"):
        if what == "clone":
            continue
        with pytest.raises(SystemExit) as left:
            cli.main([what, "pong.py", "--help"])
        assert left.value.code == 0
        assert "usage: engine-plugin" in capsys.readouterr().out


def test_a_ghost_needs_no_tensorflow_and_plays(run):
    said = run("ghost", "pong.py")
    assert said["model"] == "pong.ghost.onnx" and said["name"] == "ghost of script play"
    played = run("play", "pong.py", "--model", "pong.ghost.onnx", "--headless")
    assert (played["rounds"], played["failed_decisions"]) == (1, 0)


def test_either_seat_of_a_loop_learns_by_self_play(run, folder):
    (folder / "duel.py").write_text((GAMES / "duel.py").read_text())
    run(
        "train", "duel.py", "--seat", "right", "--opponents", "self", "--steps", "200",
        "--snapshot-every", "50", "--warm-up", "50", *SMALL,
    )  # fmt: skip
    line = json.loads(Path("runs/duel/log.jsonl").read_text().splitlines()[-1])
    assert line["pool"]["self"]["taken"] and "return" in line
    model = "runs/duel/model.onnx"
    judged = run(
        "evaluate", "duel.py", model, "--seat", "right", "--opponent", model, "--episodes", "2"
    )
    assert judged["episodes"] == 2
