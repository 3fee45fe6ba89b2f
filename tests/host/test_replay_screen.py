"""Recorded matches: they play out as they were, and every key goes where it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest
from scripted_window import ScriptedWindow

import fastenv
from engine_plugin.errors import ConfigError, TrajectoryError
from engine_plugin.host.app import play
from engine_plugin.host.input import Command, InputState
from engine_plugin.host.options import PlayOptions
from engine_plugin.host.renderer import HEIGHT, WIDTH
from engine_plugin.host.replay import Playlist
from engine_plugin.host.replay_hud import SEEK_BAR, tick_at
from engine_plugin.host.screens.match import MatchScreen
from engine_plugin.host.screens.replay import ReplayScreen
from engine_plugin.host.seats import label_of
from engine_plugin.host.sitting import Phase
from engine_plugin.host.stage import Stage
from engine_plugin.host.window import PygameWindow
from engine_plugin.learn.record import record_scripted
from engine_plugin.trajectory import Episode, TrajectoryFile, load_trajectories

MakeStage = Callable[..., Stage]
TICK = 0.1
SPEC = fastenv.game_spec("blast")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few matches of scripted players."""
    path = tmp_path_factory.mktemp("replay") / "07-hunters.npz"
    levels = fastenv.builtin_levels(SPEC, 2, 4)
    record_scripted(SPEC, "hunter", ("survivor", "miner"), 700, 5, levels, path)
    assert len(load_trajectories(path).episodes) >= 3
    return path


def changed(recorded: Path, out: Path, **changes: object) -> Path:
    """The same file with something else in its first episode."""
    file = load_trajectories(recorded)
    episode = replace(file.episodes[0], **changes)  # type: ignore[arg-type]
    TrajectoryFile(file.header, (episode, *file.episodes[1:])).save_npz(out)
    return out


def opened(stage: Stage, path: Path, number: int = 1) -> tuple[ReplayScreen, Playlist]:
    playlist = Playlist(path, number)
    return ReplayScreen(stage, playlist), playlist


def frames(screen: ReplayScreen, count: int, seconds: float = TICK) -> None:
    canvas = pygame.Surface((WIDTH, HEIGHT))
    for _ in range(count):
        assert screen.update(seconds) is screen
        screen.draw(canvas)


# ---------------------------------------------------------------------------- playing out again


def test_every_match_ends_as_it_did(recorded: Path) -> None:
    playlist = Playlist(recorded)
    for number, episode in enumerate(load_trajectories(recorded).episodes, start=1):
        assert playlist.number == number
        shown = playlist.replay
        shown.seek(10**6)
        assert shown.over and shown.tick == episode.ticks == shown.after["tick"]
        alive = [player["alive"] for player in shown.after["players"]]
        assert shown.result is not None
        expected = None if 1 not in episode.result else episode.result.index(1)
        assert shown.result.winner == expected
        if expected is not None:
            assert alive[expected] and not alive[1 - expected]
            assert shown.result_words == (shown.seats[expected].label, " wins")
        playlist.go(1)


def test_going_back_shows_what_was_there(recorded: Path) -> None:
    replay = Playlist(recorded).replay
    forwards = []
    for tick in range(replay.ticks + 1):
        replay.seek(tick)
        forwards.append((replay.after["players"], replay.after["tiles"].copy()))
    for tick in reversed(range(replay.ticks + 1)):
        replay.seek(tick)
        assert replay.after["tick"] == tick and replay.before["tick"] == max(0, tick - 1)
        assert replay.after["players"] == forwards[tick][0]
        np.testing.assert_array_equal(replay.after["tiles"], forwards[tick][1])
    replay.seek(-3)
    assert replay.tick == 0


def test_the_decision_shown_is_the_one_that_follows(recorded: Path) -> None:
    replay = Playlist(recorded).replay
    episode = load_trajectories(recorded).episodes[0]
    for tick in (0, 7, episode.ticks - 1):
        replay.seek(tick)
        assert replay.decisions is not None
        assert [each.action for each in replay.decisions] == episode.actions[tick].tolist()
        for decision in replay.decisions:
            assert len(decision.legal) == len(decision.survivable) == len(SPEC.actions)
            assert decision.legal[decision.action]
            assert all(legal for legal, safe in
                       zip(decision.legal, decision.survivable, strict=True) if safe)  # fmt: skip
    replay.seek(episode.ticks)
    assert replay.decisions is None


def test_what_a_person_recorded_from_the_middle_on_plays_again(
    make_stage: MakeStage, tmp_path: Path
) -> None:
    path = tmp_path / "me.npz"
    stage = make_stage(record=path)
    sitting = stage.new_sitting(stage.options.opponent_name)
    screen = MatchScreen(stage, sitting, behind=None)
    screen.update(0.0)
    screen.handle(Command.RECORD)
    for _ in range(5):
        screen.update(TICK)
    stage.state.press(Command.RIGHT)
    screen.handle(Command.RECORD)
    seen = []
    while sitting.phase is not Phase.OVER:
        seen.append(sitting.match.after["players"])
        screen.update(TICK)
    stage.close_sitting()
    replay = Playlist(path).replay
    assert replay.after["tick"] == 5
    for tick, players in enumerate(seen):
        replay.seek(tick)
        assert replay.after["players"] == players
    replay.seek(replay.ticks)
    assert replay.after["players"] == sitting.match.after["players"]
    assert replay.result is not None and replay.result == sitting.match.results[0]
    assert [seat.label for seat in replay.seats] == ["keyboard", "hunter"]


def test_a_recording_that_was_cut_off_has_no_result(recorded: Path, tmp_path: Path) -> None:
    whole = load_trajectories(recorded).episodes[0]
    cut = changed(recorded, tmp_path / "cut.npz", actions=whole.actions[:9], result=(0, 0),
                  terminated=False)  # fmt: skip
    playlist = Playlist(cut)
    assert playlist.replay.result is None and playlist.replay.ticks == 9
    assert playlist.report()["result"] == "unfinished" and playlist.report()["winner"] is None


def test_another_game_is_shown_too(tmp_path: Path) -> None:
    spec = fastenv.game_spec("race")
    path = tmp_path / "race.npz"
    record_scripted(spec, "racer", ("pusher",), 50, 1, fastenv.builtin_levels(spec, 1, 2), path)
    result = play(PlayOptions(replay=path, headless=True, screenshot=tmp_path / "race.png"))
    assert result["agents"] == ["racer", "pusher"] and result["ticks"] > 0
    assert pygame.image.load(tmp_path / "race.png").get_size() == (1280, 720)


def test_names_are_short_and_tell_who(recorded: Path) -> None:
    names = ("bot:hunter", "blast/hard", "runs/first/model.onnx", "x\\mine.onnx", "bot:a,b/c.onnx")
    assert [label_of(name) for name in names] == ["hunter", "hard", "first", "mine", "a,c"]


def test_a_match_that_the_game_s_limit_ended_was_a_draw(tmp_path: Path) -> None:
    path = tmp_path / "race.npz"
    idle = PlayOptions(
        game="race", player="bot:idle", opponent="bot:idle", headless=True, record=path, seed=1
    )
    assert play(idle)["result"] == "draw"
    (episode,) = load_trajectories(path).episodes
    assert not episode.terminated and episode.result == (0, 0)
    assert play(PlayOptions(replay=path, headless=True))["result"] == "draw"
    # As it was written before.
    old = changed(path, tmp_path / "old.npz", terminated=True)
    assert play(PlayOptions(replay=old, headless=True))["result"] == "draw"


def test_matches_that_do_not_play_are_left_out_and_named(
    recorded: Path, tmp_path: Path, make_stage: MakeStage
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    first = load_trajectories(recorded).episodes[0]
    changed(recorded, folder / "02-bad.npz", actions=first.actions[:-3])
    (folder / "01-torn.npz").write_bytes(recorded.read_bytes()[:100])
    playlist = Playlist(folder)
    assert playlist.number == 2
    assert "01-torn.npz" in playlist.problems and "match 1" in playlist.problems
    screen = ReplayScreen(make_stage(), playlist)
    frames(screen, 1)
    with pytest.raises(TrajectoryError, match="match 1"):
        Playlist(folder, 1)


# -------------------------------------------------------------------------------- what is refused


def other_winner(episode: Episode) -> tuple[int, ...]:
    return tuple(-value if any(episode.result) else 1 for value in episode.result)


def test_what_does_not_play_out_as_recorded_is_refused(recorded: Path, tmp_path: Path) -> None:
    first = load_trajectories(recorded).episodes[0]
    longer = np.concatenate([first.actions, first.actions[-1:]])
    damaged = bytearray(first.state)
    damaged[40] ^= 1
    for changes, words in (
        ({"result": other_winner(first)}, "does not end as recorded"),
        ({"actions": first.actions[:-3]}, "does not end as recorded"),
        ({"actions": longer}, "it ends after"),
        ({"state": bytes(damaged)}, "cannot be played again"),
    ):
        with pytest.raises(TrajectoryError, match=words) as caught:
            Playlist(changed(recorded, tmp_path / "bad.npz", **changes), 1)
        assert "match 1" in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_another_kind_are_refused(recorded: Path, tmp_path: Path) -> None:
    file = load_trajectories(recorded)
    for name, changes, error in (
        ("game", {"game": "chess"}, fastenv.UnknownGameError),
        ("layout", {"layout_hash": "f" * 16}, TrajectoryError),
    ):
        path = tmp_path / f"{name}.npz"
        header = replace(file.header, **changes)  # type: ignore[arg-type]
        TrajectoryFile(header, file.episodes).save_npz(path)
        with pytest.raises(error):
            Playlist(path)
    (tmp_path / "noise.npz").write_bytes(b"noise")
    (tmp_path / "folder").mkdir()
    for bad in ("noise.npz", "none.npz", "folder"):
        with pytest.raises(TrajectoryError, match=bad):
            Playlist(tmp_path / bad)
    for number in (0, len(file.episodes) + 1):
        with pytest.raises(ConfigError, match="--match"):
            Playlist(recorded, number)
    with pytest.raises(ConfigError, match="--match"):
        PlayOptions(match=2)
    with pytest.raises(ConfigError, match="--record"):
        PlayOptions(replay=recorded, record=tmp_path / "new.npz")


def test_a_bad_match_in_the_middle_is_left_out_with_a_word(
    recorded: Path, tmp_path: Path, make_stage: MakeStage
) -> None:
    file = load_trajectories(recorded)
    bad = replace(file.episodes[1], actions=file.episodes[1].actions[:-2])
    path = tmp_path / "mixed.npz"
    TrajectoryFile(file.header, (file.episodes[0], bad, file.episodes[2])).save_npz(path)
    screen, playlist = opened(make_stage(), path)
    screen.handle(Command.NEXT)
    assert playlist.number == 3
    frames(screen, 2)
    screen.handle(Command.PREVIOUS)
    assert playlist.number == 1
    assert "match 2" in playlist.go(1)


# ------------------------------------------------------------------------------------ the screen


def test_it_plays_by_itself_and_stops_on_demand(recorded: Path, make_stage: MakeStage) -> None:
    stage = make_stage()
    screen, playlist = opened(stage, recorded)
    frames(screen, 4)
    assert screen.playing and playlist.replay.tick == 4
    screen.handle(Command.BOMB)
    frames(screen, 3)
    assert not screen.playing and playlist.replay.tick == 4
    screen.handle(Command.RIGHT)
    screen.handle(Command.RIGHT)
    screen.handle(Command.LEFT)
    assert playlist.replay.tick == 5
    screen.handle(Command.UP)
    assert playlist.replay.tick == 15
    screen.handle(Command.DOWN)
    screen.handle(Command.DOWN)
    assert playlist.replay.tick == 0
    screen.handle(Command.PAUSE)
    frames(screen, 2)
    assert playlist.replay.tick == 2


def test_speed_keys_change_ticks_a_second(recorded: Path, make_stage: MakeStage) -> None:
    screen, playlist = opened(make_stage(), recorded)
    screen.handle(Command.FASTER)
    screen.handle(Command.FASTER)
    frames(screen, 5)
    assert playlist.replay.tick == 10


def test_the_ends_and_the_other_matches(recorded: Path, make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.realtime = True  # somebody looks: the end does not close the window
    screen, playlist = opened(stage, recorded)
    screen.handle(Command.LAST)
    frames(screen, 2)
    assert playlist.replay.over
    screen.handle(Command.BOMB)
    frames(screen, 1)
    assert screen.playing and playlist.replay.tick == 1
    screen.handle(Command.NEXT)
    assert playlist.number == 2 and playlist.replay.tick == 0
    screen.handle(Command.PREVIOUS)
    screen.handle(Command.PREVIOUS)
    assert playlist.number == 1
    screen.handle(Command.FIRST)
    assert playlist.replay.tick == 0 and not screen.playing
    screen.handle(Command.BACK)
    assert screen.update(TICK) is None


def test_a_key_held_down_goes_on(recorded: Path, make_stage: MakeStage) -> None:
    stage = make_stage()
    screen, playlist = opened(stage, recorded)
    stage.state.press(Command.RIGHT)
    screen.handle(Command.RIGHT)
    frames(screen, 10)
    reached = playlist.replay.tick
    # One at once, and 20 a second after the first 0.35 s.
    assert reached == pytest.approx(1 + (1.0 - 0.35) * 20, abs=1)
    stage.state.release(Command.RIGHT)
    frames(screen, 5)
    assert playlist.replay.tick == reached


def test_a_click_on_the_bar_seeks(recorded: Path, make_stage: MakeStage) -> None:
    stage = make_stage()
    screen, playlist = opened(stage, recorded)
    ticks = playlist.replay.ticks
    stage.state.point(SEEK_BAR.right - 1, SEEK_BAR.centery)
    screen.handle(Command.PAUSE)
    frames(screen, 1, seconds=0.0)
    assert playlist.replay.tick == ticks
    playlist.replay.seek(3)
    stage.state.point(SEEK_BAR.left, SEEK_BAR.top - 20)
    frames(screen, 1, seconds=0.0)
    assert playlist.replay.tick == 3
    assert tick_at(SEEK_BAR.left, SEEK_BAR.centery, ticks) == 0
    assert tick_at(SEEK_BAR.left - 3, SEEK_BAR.centery, ticks) == 0
    assert tick_at(SEEK_BAR.centerx, SEEK_BAR.centery, 1000) == pytest.approx(500, abs=10)


def test_the_window_tells_where_the_mouse_is_in_the_picture() -> None:
    window = PygameWindow((320, 180), "test", 2, fullscreen=False, mouse=True)
    state = InputState()
    window.poll(state)
    for kind, extra in (
        (pygame.MOUSEBUTTONDOWN, {"button": 1}),
        (pygame.MOUSEMOTION, {"buttons": (1, 0, 0), "rel": (0, 0)}),
    ):
        pygame.event.post(pygame.event.Event(kind, pos=(101, 40), **extra))
        window.poll(state)
        assert state.take_pointed() == (50, 20) and state.take_pointed() is None
    pygame.event.post(
        pygame.event.Event(pygame.MOUSEMOTION, pos=(9, 9), buttons=(0, 0, 0), rel=(0, 0))
    )
    window.poll(state)
    assert state.take_pointed() is None
    window.close()


def test_every_tick_can_be_drawn_and_the_decision_is_seen(
    recorded: Path, make_stage: MakeStage
) -> None:
    screen, playlist = opened(make_stage(), recorded)
    screen.handle(Command.PAUSE)
    canvas = pygame.Surface((WIDTH, HEIGHT))
    pictures = set()
    for tick in range(playlist.replay.ticks + 1):
        playlist.replay.seek(tick)
        screen.draw(canvas)
        row = canvas.subsurface((213, 62, 104, 12))
        pictures.add(pygame.image.tobytes(row, "RGB"))
    # The row under the first player's name changes with what that player can do and does.
    assert len(pictures) > 5


# --------------------------------------------------------------------------------- the whole loop


def test_headless_plays_one_match_and_takes_a_picture(recorded: Path, tmp_path: Path) -> None:
    picture = tmp_path / "replay.png"
    options = PlayOptions(replay=recorded, match=2, headless=True, screenshot=picture)
    result = play(options)
    episode = load_trajectories(recorded).episodes[1]
    assert result["match"] == 2 and result["ticks"] == episode.ticks
    assert result["title"] == "hunters" and result["screenshot"] == str(picture)
    winner = episode.result.index(1) + 1 if 1 in episode.result else None
    assert result["winner"] == winner
    assert result == play(options)
    shown = pygame.image.load(picture)
    colours = {tuple(shown.get_at((x, y))) for x in range(2, 1280, 4) for y in range(2, 720, 4)}
    assert {(84, 196, 250, 255), (238, 82, 110, 255), (126, 214, 120, 255)} <= colours


def test_a_person_leaves_when_she_likes(recorded: Path) -> None:
    keys = {3: Command.NEXT, 6: Command.QUIT}

    def script(frame: int, state: InputState) -> None:
        if frame in keys:
            state.press(keys[frame])

    window = ScriptedWindow(script)
    window.realtime = True
    result = play(PlayOptions(replay=recorded), window)
    assert result["match"] == 2 and window.frame == 7
