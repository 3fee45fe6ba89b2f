"""The whole loop: through a scripted window, headless, and in a pygame window."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pygame
import pytest
from scripted_window import ScriptedWindow

import fastenv
from engine_plugin.errors import ConfigError, ModelMissingError
from engine_plugin.host.app import play
from engine_plugin.host.errors import DisplayError
from engine_plugin.host.input import Command, InputState
from engine_plugin.host.options import PlayOptions
from engine_plugin.host.window import PygameWindow


def press_enter(frame: int, state: InputState) -> None:
    state.press(Command.CONFIRM)


def test_rounds_are_played_from_the_title_to_the_end() -> None:
    result = play(PlayOptions(opponent="bot:hunter", seed=1, rounds=2), ScriptedWindow(press_enter))
    assert result["rounds"] == 2
    assert sum(result["score"]) + result["draws"] == 2
    assert result["agents"] == ["keyboard", "bot:hunter"]


def test_quit_ends_it_anywhere() -> None:
    def script(frame: int, state: InputState) -> None:
        state.press(Command.CONFIRM if frame < 5 else Command.QUIT)

    result = play(PlayOptions(opponent="bot:idle", seed=1), ScriptedWindow(script))
    assert result["result"] == "no round finished"


def test_a_missing_model_is_shown_and_then_told() -> None:
    keys = {1: Command.CONFIRM, 4: Command.QUIT}
    window = ScriptedWindow(lambda frame, state: state.press(keys.get(frame, Command.MUTE)))
    with pytest.raises(ModelMissingError, match="no-such"):
        play(PlayOptions(opponent="blast/no-such", seed=1), window)
    assert window.frame == 5


def test_after_a_missing_model_another_opponent_can_be_chosen() -> None:
    keys = {0: Command.CONFIRM, 2: Command.CONFIRM, 4: Command.LEFT, 5: Command.CONFIRM}

    def script(frame: int, state: InputState) -> None:
        state.press(keys.get(frame, Command.QUIT if frame > 8 else Command.MUTE))

    result = play(PlayOptions(opponent="blast/no-such", seed=1), ScriptedWindow(script))
    assert result["agents"] == ["keyboard", "bot:rusher"]


def headless(picture: Path | None = None, seed: int = 7) -> dict[str, object]:
    options = PlayOptions(
        opponent="bot:hunter", player="bot:survivor", headless=True, seed=seed, screenshot=picture
    )
    result = play(options)
    latency = result.pop("decision_latency_ms")
    assert 0 < latency["p50"] <= latency["p99"]
    return result


def test_headless_is_the_same_match_for_the_same_seed(tmp_path: Path) -> None:
    first, second = headless(), headless()
    assert first == second
    assert first["result"] in ("player 1 wins", "player 2 wins", "draw")
    assert isinstance(first["ticks"], int) and first["ticks"] > 0
    assert first["level"]["seed"] == 7 and first["level"]["crates"] > 0  # type: ignore[index]


def test_the_headless_picture_shows_the_game(tmp_path: Path) -> None:
    path = tmp_path / "match.png"
    assert headless(path)["screenshot"] == str(path)
    picture = pygame.image.load(path)
    assert picture.get_size() == (1280, 720)
    colours = {tuple(picture.get_at((x, y))) for x in range(2, 1280, 4) for y in range(2, 720, 4)}
    diver_blue, fox_red, wood = (84, 196, 250, 255), (238, 82, 110, 255), (186, 124, 66, 255)
    assert {diver_blue, fox_red, wood} <= colours


def test_headless_without_a_player_seats_the_opponents_twin() -> None:
    result = play(PlayOptions(opponent="bot:hunter", headless=True, seed=2))
    assert result["agents"] == ["bot:hunter", "bot:hunter"]


def test_several_headless_rounds_play_different_seeds() -> None:
    result = play(PlayOptions(opponent="bot:hunter", headless=True, seed=2, rounds=3))
    assert result["rounds"] == 3 and result["level"]["seed"] == 4


def test_bad_input_is_refused_before_anything_opens(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("#####\n", encoding="utf-8")
    with pytest.raises(fastenv.LevelError):
        play(PlayOptions(level=bad, headless=True))
    with pytest.raises(fastenv.UnknownGameError):
        play(PlayOptions(game="chess", headless=True))
    with pytest.raises(ConfigError, match="png"):
        play(PlayOptions(headless=True, screenshot=tmp_path / "x.jpg"))
    with pytest.raises(ConfigError, match="rounds"):
        PlayOptions(rounds=0)


def test_a_pygame_window_turns_keys_into_commands() -> None:
    window = PygameWindow((320, 180), "test", 1, fullscreen=False)
    state = InputState()
    window.poll(state)
    state.take_commands()
    for key, text in ((pygame.K_w, "w"), (pygame.K_RETURN, "\r"), (pygame.K_7, "+")):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=text))
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_w))
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.poll(state)
    expected = [Command.UP, Command.BOMB, Command.CONFIRM, Command.FASTER, Command.QUIT]
    assert [c for c in state.take_commands() if c is not Command.FOCUS_LOST] == expected
    window.toggle_fullscreen()
    window.toggle_fullscreen()
    assert window.present(pygame.Surface((320, 180))) > 0
    window.close()


def test_a_direction_is_held_as_long_as_one_of_its_keys_is() -> None:
    window = PygameWindow((320, 180), "test", 1, fullscreen=False)
    state = InputState()
    window.poll(state)
    for kind, key, held in (
        (pygame.KEYDOWN, pygame.K_UP, Command.UP),
        (pygame.KEYDOWN, pygame.K_w, Command.UP),
        (pygame.KEYUP, pygame.K_w, Command.UP),
        (pygame.KEYUP, pygame.K_UP, None),
    ):
        pygame.event.post(pygame.event.Event(kind, key=key, unicode=""))
        window.poll(state)
        assert state.held is held
    window.close()


def test_a_real_window_loop_runs_with_sound() -> None:
    """Ends itself by two scripted quits: one frame of title, a few of the match."""

    class Quitting(PygameWindow):
        frames = 0

        def poll(self, state: InputState) -> None:
            super().poll(state)
            self.frames += 1
            if self.frames in (2, 20):
                state.press(Command.CONFIRM if self.frames == 2 else Command.QUIT)

    window = Quitting((320, 180), "test", 1, fullscreen=False)
    result = play(PlayOptions(opponent="bot:hunter", seed=1), window)
    assert result["rounds"] == 0 and window.frames == 20


def test_without_a_display_one_line_names_headless(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pygame.error("No available video device")

    monkeypatch.setattr(pygame.display, "init", fail)
    with pytest.raises(DisplayError, match="--headless") as caught:
        play(PlayOptions(opponent="bot:hunter"))
    assert "\n" not in str(caught.value)


def test_options_and_match_load_without_pygame() -> None:
    code = (
        "import sys, engine_plugin.host.options\n"
        "assert not {'pygame', 'numpy', 'fastenv', 'onnxruntime'} & set(sys.modules)\n"
        "import engine_plugin.host.sitting, engine_plugin.host.app\n"
        "assert not {'pygame', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
