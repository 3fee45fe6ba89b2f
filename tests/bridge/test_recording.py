"""Recording in a game's own loop: by whoever presses keys, in several sittings, through a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from own_games import GAMES

import engine_plugin as ai
from engine_plugin.bridge.actor import game_environment
from engine_plugin.bridge.job import Job
from engine_plugin.bridge.sitting import record, sit
from engine_plugin.errors import GameLoopError, OutputExistsError
from engine_plugin.runtime.recorder import recover_recording

FINGERS = str(GAMES / "fingers.py")


def actions_of(file):
    return [episode.actions[:, 0].tolist() for episode in file.episodes]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "demos.npz"


def test_keys_become_decisions_and_f9_discards_the_last_round(out, monkeypatch):
    """Rounds 1, 3 and 4 remain: in round 3, F9 withdraws round 2."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    sat = record(Job("record", FINGERS, out=str(out)))
    assert sat["player"] == "keyboard" and sat["rounds_in_file"] == 3
    file = ai.load_trajectories(out)
    names = ("stay", "up", "down", "up+down")
    assert file.header.actions == len(names) and file.header.tick_rate == 10
    assert actions_of(file) == [[1] * 5, [1] * 5, [2] * 5]
    assert [e.observations[0, 0, 1] for e in file.episodes] == [1, 3, 4]
    assert all(episode.terminated for episode in file.episodes)


def test_f9_that_is_held_and_comes_again_discards_one_round(out, tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    text = Path(FINGERS).read_text()
    down = "pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F9))"
    assert "tap(pygame.K_F9)" in text
    text = text.replace("tap(pygame.K_F9)", f"for _ in range(4): {down}")
    (tmp_path / "held.py").write_text(text)
    sat = record(Job("record", str(tmp_path / "held.py"), out=str(out)))
    assert sat["rounds_in_file"] == 3


def test_sittings_add_up_and_can_be_replaced(out, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("ROUNDS", "1")
    job = Job("record", FINGERS, out=str(out))
    assert record(job)["rounds_in_file"] == 1
    assert record(job)["rounds_in_file"] == 2
    with pytest.raises(OutputExistsError):
        record(job, add=False)
    assert record(job, force=True)["rounds_in_file"] == 1


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_killed_sitting_loses_a_second_at_most(out, tmp_path):
    """By the game's own frames: 60 are a second."""
    frames = tmp_path / "frames"
    job = Job("record", FINGERS, out=str(out))
    environment = game_environment() | {"FRAMES": str(frames), "SDL_VIDEODRIVER": "dummy"}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine_plugin.bridge.run", job.to_json()],
        env=environment | {"ROUNDS": "1000"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    while not frames.exists() or frames.stat().st_size < 150:
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    played = frames.stat().st_size
    assert recover_recording(out) and not recover_recording(out)
    kept = 6 * ai.load_trajectories(out).ticks
    assert played - 60 - 12 <= kept <= played


@pytest.mark.skipif(sys.platform == "win32", reason="nothing tells there that a pipe is closed")
def test_a_game_ends_with_the_command_that_started_it(out, tmp_path):
    frames = tmp_path / "frames"
    job = Job("record", FINGERS, out=str(out))
    environment = game_environment() | {"FRAMES": str(frames), "SDL_VIDEODRIVER": "dummy"}
    command = (
        "import subprocess, sys; subprocess.run("
        "[sys.executable, '-m', 'engine_plugin.bridge.run', sys.argv[1]], stdout=subprocess.PIPE)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", command, job.to_json()],
        env=environment | {"ROUNDS": "1000"},
        stderr=subprocess.DEVNULL,
    )
    while not frames.exists() or frames.stat().st_size < 10:
        time.sleep(0.02)
        assert process.poll() is None
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    played = -1
    while played != frames.stat().st_size:
        assert time.monotonic() < until, "the game goes on"
        played = frames.stat().st_size
        time.sleep(1)


def test_a_script_plays_through_the_keys_in_rounds_of_their_own_seeds(out, tmp_path):
    script = tmp_path / "player.py"
    script.write_text(
        "import random\n"
        "def play(shown):\n"
        "    return random.choice(['wait', 'left', 'right'])\n"
    )
    job = Job(
        "record",
        str(GAMES / "turns.py"),
        out=str(out),
        player=f"{script}:play",
        headless=True,
        rounds=3,
    )
    sat = record(job)
    assert (sat["player"], sat["rounds_in_file"]) == ("script play", 3)
    file = ai.load_trajectories(out)
    assert len(set(map(tuple, actions_of(file)))) == 3
    assert np.mean(np.concatenate(actions_of(file)) < 3) > 0.9
    again = out.with_name("again.npz")
    record(Job(**{**vars(job), "out": str(again)}))
    assert actions_of(ai.load_trajectories(again)) == actions_of(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def play(shown): return 'fly'", "wants 'fly'"),
        ("def play(shown): return shown['speed']", "KeyError: 'speed'"),
        ("", "no function 'play'"),
    ],
)
def test_a_script_that_cannot_play_is_told(out, tmp_path, text, says):
    script = tmp_path / "player.py"
    script.write_text(text)
    job = Job(
        "record", FINGERS, out=str(out), player=f"{script}:play", headless=True, rounds=1
    )
    with pytest.raises(GameLoopError, match=says):
        record(job)


def test_what_was_recorded_stays_until_there_is_something_in_its_place(out, tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("ROUNDS", "1")
    record(Job("record", FINGERS, out=str(out)))
    kept = out.read_bytes()
    for text, says in (("1 / 0", "ZeroDivisionError"), ("import engine_plugin as ai\n"
                       "ai.Seat('a', keys={'x': []}, see=dict)", "nothing was recorded")):
        (tmp_path / "broken.py").write_text(text)
        with pytest.raises(GameLoopError, match=says):
            record(Job("record", str(tmp_path / "broken.py"), out=str(out)), force=True)
        assert out.read_bytes() == kept


SAME_KEYS = """
frame = 0
def begin():
    global frame
    frame = 0
keys = {"stay": [], "left": [pygame.K_LEFT], "right": [pygame.K_RIGHT]}
mine = ai.Seat("mine", game="g", keys=keys, see=lambda: {"a": frame}, restart=begin,
               script=lambda shown: "stay" if frame < 60 else "right")
other = ai.Seat("other", game="g", keys=keys, see=lambda: {"a": frame}, script=lambda shown: "left")
while True:
    pygame.event.get()
    clock.tick(60)
    frame += 1
    for seat in (mine, other):
        seat.tick(over=frame == OVER)
"""


def test_what_another_seat_presses_is_not_recorded_also_where_the_keys_are_the_same(
    out, write_game
):
    game = write_game(SAME_KEYS.replace("OVER", "120"))
    job = Job("record", str(game), out=str(out), player="own", headless=True, rounds=1)
    record(job)
    assert actions_of(ai.load_trajectories(out)) == [[0] * 10 + [2] * 10]


def test_a_round_that_stays_over_is_told_where_nobody_can_begin_the_next(out, write_game):
    game = write_game(SAME_KEYS.replace("frame == OVER", "frame >= 30").replace(
        "    frame = 0\n", "    pass\n"))
    job = Job("record", str(game), out=str(out), player="own", headless=True, rounds=2)
    with pytest.raises(GameLoopError, match="over stays true for 600 frames"):
        record(job)
    with pytest.raises(GameLoopError, match="over stays true for 600 frames"):
        sit(Job(**{**vars(job), "what": "play"}))


def test_frames_that_stay_over_end_one_round(write_game):
    """Its game shows for 40 frames that it is over, and begins the next round by itself."""
    game = write_game(SAME_KEYS.replace("frame == OVER", "frame % 100 > 60").replace(
        "restart=begin", "restart=True"))
    job = Job("play", str(game), player="own", headless=True, rounds=3, max_frames=1_000)
    assert sit(job)["rounds"] == 3
    assert "frame 261" in told(game, job)


def told(game, job):
    """The frame in which a sitting ends."""
    text = game.read_text().replace("    frame += 1", "    frame += 1\n    import sys; "
                                    "open('frames', 'w').write(f'frame {frame}')")
    game.write_text(text)
    sit(job)
    return (game.parent / "frames").read_text()


def test_nothing_recorded_is_told(out, write_game: object, tmp_path: Path):
    game = tmp_path / "empty.py"
    game.write_text("import engine_plugin as ai\nai.Seat('a', keys={'x': []}, see=dict)\n")
    with pytest.raises(GameLoopError, match="nothing was recorded"):
        record(Job("record", str(game), out=str(out)))


def test_whoever_plays_in_the_window_reaches_loops_that_ask_without_their_seat(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    played = sit(Job("play", str(GAMES / "polls.py"), player="own"))
    assert (played["rounds"], played["failed_decisions"]) == (1, 0)
