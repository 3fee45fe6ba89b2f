"""Pause, restart, watching, recording: what the keys do while a match is on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest

import fastenv
from engine_plugin.host.input import Command
from engine_plugin.host.recording import RoundRecording
from engine_plugin.host.renderer import HEIGHT, WIDTH
from engine_plugin.host.screens.match import MatchScreen
from engine_plugin.host.sitting import Phase, Sitting
from engine_plugin.host.stage import Stage
from engine_plugin.trajectory import load_trajectories

MakeStage = Callable[..., Stage]
TICK = 0.1


def opened(stage: Stage) -> tuple[MatchScreen, Sitting]:
    sitting = stage.new_sitting(stage.options.opponent_name)
    screen = MatchScreen(stage, sitting, behind=None)
    screen.update(0.0)
    return screen, sitting


def let_pass(screen: MatchScreen, ticks: int) -> None:
    canvas = pygame.Surface((WIDTH, HEIGHT))
    for _ in range(ticks):
        screen.update(TICK)
        screen.draw(canvas)


def finish_round(screen: MatchScreen, sitting: Sitting) -> None:
    for _ in range(400):
        if sitting.phase is Phase.OVER:
            return
        let_pass(screen, 1)
    raise AssertionError("the round does not end")


@pytest.mark.parametrize("command", [Command.PAUSE, Command.BACK, Command.FOCUS_LOST])
def test_nothing_moves_while_paused(make_stage: MakeStage, command: Command) -> None:
    screen, sitting = opened(make_stage())
    let_pass(screen, 3)
    screen.handle(command)
    let_pass(screen, 5)
    assert screen.paused and sitting.match.after["tick"] == 3
    screen.handle(Command.PAUSE)
    let_pass(screen, 1)
    assert sitting.match.after["tick"] == 4


def test_escape_from_the_pause_leaves(make_stage: MakeStage) -> None:
    screen, _ = opened(make_stage())
    screen.handle(Command.BACK)
    assert screen.update(TICK) is screen
    screen.handle(Command.BACK)
    assert screen.update(TICK) is None


def test_restart_begins_the_same_level_again(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage())
    tiles = sitting.match.level.tiles
    let_pass(screen, 5)
    screen.handle(Command.RESTART)
    assert sitting.match.after["tick"] == 0
    assert np.array_equal(sitting.match.level.tiles, tiles)
    assert sitting.match.results == []


def test_enter_at_the_end_goes_on_but_not_by_accident(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage())
    finish_round(screen, sitting)
    screen.handle(Command.CONFIRM)
    assert sitting.phase is Phase.OVER
    let_pass(screen, 8)
    screen.handle(Command.CONFIRM)
    let_pass(screen, 2)
    assert sitting.phase is Phase.PLAYING
    assert len(sitting.match.results) == 1


def test_watch_mode_puts_an_agent_in_the_seat_and_back(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage())
    screen.handle(Command.WATCH)
    assert sitting.watching and sitting.match.seats[0].name == "bot:hunter"
    let_pass(screen, 3)
    screen.handle(Command.WATCH)
    assert not sitting.watching and sitting.match.seats[0].name == "keyboard"


def test_speed_keys_change_ticks_a_second(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage())
    screen.handle(Command.FASTER)
    screen.handle(Command.FASTER)
    let_pass(screen, 5)
    assert sitting.match.after["tick"] == 10


def test_a_recorded_round_can_be_replayed(make_stage: MakeStage, tmp_path: Path) -> None:
    path = tmp_path / "me.npz"
    stage = make_stage(record=path)
    screen, sitting = opened(stage)
    stage.state.press(Command.RIGHT)
    finish_round(screen, sitting)
    rewards = [int(value) for value in sitting.match.batch.rewards[0]]
    screen.handle(Command.RECORD)
    recorded = load_trajectories(path, layout_hash=sitting.match.spec.layout_hash)
    assert recorded.header.players == ("keyboard", "bot:hunter")
    assert recorded.header.demonstrated == (0,)
    (episode,) = recorded.episodes
    assert list(episode.result) == rewards
    batch = fastenv.make_batch(
        "blast",
        num_envs=1,
        autoreset=False,
        levels=[fastenv.Level.from_tiles(episode.level, sitting.match.spec)],
    )
    batch.load_state(0, episode.state)
    for actions in episode.actions:
        assert not batch.terminated[0]
        batch.step(actions[None])
    assert batch.terminated[0] and list(batch.rewards[0]) == rewards


def test_recording_can_start_in_the_middle_and_continues_a_file(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    path = tmp_path / "me.npz"
    for rounds_before in (0, 1):
        stage = make_stage(record=path)
        screen, sitting = opened(stage)
        screen.handle(Command.RECORD)
        let_pass(screen, 4)
        screen.handle(Command.RECORD)
        assert sitting.recording.writing
        if rounds_before:  # the very same play again would count as the same sitting
            stage.state.press(Command.RIGHT)
        finish_round(screen, sitting)
        stage.close_sitting()
        episodes = load_trajectories(path).episodes
        assert len(episodes) == rounds_before + 1
        assert episodes[-1].ticks == sitting.match.results[0].ticks - 4


def test_backspace_discards_the_last_round(make_stage: MakeStage, tmp_path: Path) -> None:
    path = tmp_path / "me.npz"
    stage = make_stage(record=path)
    screen, sitting = opened(stage)
    finish_round(screen, sitting)
    let_pass(screen, 8)
    screen.handle(Command.CONFIRM)
    let_pass(screen, 2)
    finish_round(screen, sitting)
    assert sitting.recording.kept_rounds == 2
    screen.handle(Command.DISCARD)
    assert sitting.recording.kept_rounds == 1 and "discarded" in sitting.notice
    stage.close_sitting()
    (episode,) = load_trajectories(path).episodes
    assert episode.ticks == sitting.match.results[0].ticks


def test_an_agent_in_the_seat_is_not_recorded_as_the_person(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    path = tmp_path / "me.npz"
    stage = make_stage(record=path)
    screen, sitting = opened(stage)
    let_pass(screen, 3)
    screen.handle(Command.WATCH)
    finish_round(screen, sitting)
    assert sitting.recording.kept_rounds == 0 and sitting.recording.on
    stage.close_sitting()
    assert not path.exists()


def test_a_file_that_another_window_records_to_is_told_and_the_match_goes_on(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    path = tmp_path / "me.npz"
    first, second = make_stage(record=path), make_stage(record=path)
    opened(first)
    second.options = replace(second.options, record=None)
    screen, sitting = opened(second)
    sitting.recording = RoundRecording(sitting.match, path, 1)
    screen.handle(Command.RECORD)
    assert not sitting.recording.on and "another recording" in sitting.notice
    let_pass(screen, 3)
    assert sitting.match.after["tick"] >= 3


def test_whoever_sits_there_when_it_starts_is_the_demonstrator(
    make_stage: MakeStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot's rounds go into a file of its own, and the person's moves never under its name."""
    monkeypatch.chdir(tmp_path)
    stage = make_stage()
    screen, sitting = opened(stage)
    screen.handle(Command.WATCH)
    screen.handle(Command.RECORD)
    assert sitting.recording.path == Path("demos/blast-hunter.npz")
    screen.handle(Command.WATCH)
    let_pass(screen, 2)
    assert sitting.recording.on and not sitting.recording.writing
    screen.handle(Command.RECORD)
    screen.handle(Command.RECORD)
    assert sitting.recording.path == Path("demos/blast-keyboard.npz")
    stage.state.press(Command.RIGHT)
    finish_round(screen, sitting)
    stage.close_sitting()
    (file,) = Path("demos").glob("*.npz")
    header = load_trajectories(file).header
    assert file.name == "blast-keyboard.npz" and header.players[0] == "keyboard"


def test_what_records_goes_on_with_another_opponent(
    make_stage: MakeStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = make_stage()
    screen, sitting = opened(stage)
    screen.handle(Command.RECORD)
    finish_round(screen, sitting)
    following = stage.new_sitting("bot:survivor")
    assert following.recording.on and "Recording into" in following.notice
    screen = MatchScreen(stage, following, behind=None)
    screen.update(0.0)
    stage.state.press(Command.RIGHT)
    finish_round(screen, following)
    screen.handle(Command.RECORD)
    assert not stage.new_sitting("bot:idle").recording.on
    loaded = load_trajectories("demos/blast-keyboard.npz")
    assert len(loaded.episodes) == 2
    assert loaded.header.players == ("keyboard", "bot:hunter,bot:survivor")
