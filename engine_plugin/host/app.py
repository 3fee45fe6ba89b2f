"""Runs the host: one loop over frames, whoever looks at them."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine_plugin.errors import ConfigError, MissingExtraError
from engine_plugin.files import expect_place
from engine_plugin.host.options import PlayOptions

if TYPE_CHECKING:
    import pygame

    from engine_plugin.host.replay import Playlist
    from engine_plugin.host.screens import Screen
    from engine_plugin.host.stage import Stage
    from engine_plugin.host.window import Window

HEADLESS_SCALE = 4
LOGGER = logging.getLogger("engine_plugin.host")


def play(options: PlayOptions, window: Window | None = None) -> dict[str, Any]:
    """Play until the person quits or the rounds are played; the result as JSON-ready data.

    window: where to show it; None opens a real one, or none at all if headless.

    The result: "result" ("player 1 wins", "player 2 wins", "draw", "no round finished") with
    "winner" (1, 2 or None) and "ticks" of the last round; "rounds", "score", "draws", "agents",
    "decision_latency_ms" {"p50", "p99"} or None where no agent decided, "failed_decisions",
    "level" {"seed", "crates", "origin", "conditions"}, and "screenshot" if one was written. Of a
    replay: what `Playlist.report` says, and "screenshot".

    Raises MissingExtraError without pygame, DisplayError without a display, ModelError kinds,
    ConfigError, TrajectoryError and fastenv's UnknownGameError and LevelError.
    """
    _require_pygame()
    options = _single_round(options)
    _check_screenshot(options.screenshot)
    playlist = None
    if options.replay is not None:
        playlist, options = _open_replay(options, options.replay)
    _check_inputs(options)
    options = _seat_somebody(options)
    window = window or _open_window(options)
    stage = _make_stage(options, window)
    try:
        _run(window, stage, _first_screen(stage, playlist))
    finally:
        try:
            stage.close_sitting()
        finally:
            stage.ghosts.close()
            if stage.sounds is not None:
                stage.sounds.close()
            window.close()
    if playlist is not None:
        return {**playlist.report(), **_screenshot(stage)}
    return _result(stage)


def _open_replay(options: PlayOptions, path: Path) -> tuple[Playlist, PlayOptions]:
    """The recorded matches, and the options with the game that they are of."""
    from engine_plugin.host.replay import Playlist

    playlist = Playlist(path, options.match)
    if playlist.problems:
        LOGGER.warning("%s", playlist.problems)
    return playlist, replace(options, game=playlist.spec.name)


def _first_screen(stage: Stage, playlist: Playlist | None) -> Screen:
    from engine_plugin.host.screens.match import MatchScreen
    from engine_plugin.host.screens.replay import ReplayScreen
    from engine_plugin.host.screens.title import TitleScreen

    if playlist is not None:
        return ReplayScreen(stage, playlist)
    if stage.options.headless:
        return MatchScreen(stage, stage.new_sitting(stage.options.opponent_name), behind=None)
    return TitleScreen(stage)


def _run(window: Window, stage: Stage, screen: Screen | None) -> None:
    """Frame after frame: commands, time, picture. A person's QUIT ends it from any screen."""
    import pygame

    from engine_plugin.host.input import Command
    from engine_plugin.host.renderer import HEIGHT, WIDTH

    canvas = pygame.Surface((WIDTH, HEIGHT))
    seconds = 0.0
    while screen is not None:
        window.poll(stage.state)
        for command in stage.state.take_commands():
            if command is Command.QUIT:
                return
            if command is Command.FULLSCREEN:
                window.toggle_fullscreen()
            elif command is Command.MUTE:
                if stage.sounds is not None:
                    stage.sounds.muted = not stage.sounds.muted
            else:
                screen.handle(command)
        screen = screen.update(seconds)
        if screen is not None:
            screen.draw(canvas)
            seconds = window.present(canvas)


def _open_window(options: PlayOptions) -> Window:
    import fastenv
    from engine_plugin.host.null_window import NullWindow
    from engine_plugin.host.renderer import HEIGHT, WIDTH
    from engine_plugin.host.window import PygameWindow

    if options.headless:
        spec = fastenv.game_spec(options.game)
        return NullWindow(1.0 / (spec.tick_rate * options.speed))
    title = f"{options.game.capitalize()} - engine-plugin"
    mouse = options.replay is not None
    return PygameWindow((WIDTH, HEIGHT), title, options.scale, options.fullscreen, mouse)


def _make_stage(options: PlayOptions, window: Window) -> Stage:
    import fastenv
    from engine_plugin.host.input import InputState
    from engine_plugin.host.sound import Sounds
    from engine_plugin.host.stage import Picture, Stage
    from engine_plugin.host.tileset import PixelFont, load_sheet, load_sprites

    return Stage(
        options=options,
        seed=secrets.randbelow(2**31) if options.seed is None else options.seed,
        realtime=window.realtime,
        state=InputState(),
        sprites=load_sprites(fastenv.game_spec(options.game)),
        font=PixelFont(load_sheet(options.game, "font")),
        sounds=Sounds(options.mute) if window.realtime else None,
        picture=Picture(wanted=options.screenshot is not None),
    )


def _result(stage: Stage) -> dict[str, Any]:
    """The report of the last sitting in which a round ended, else of the last one."""
    if stage.error is not None:
        raise stage.error
    ended = [sitting for sitting in stage.sittings if sitting.match.results]
    if not stage.sittings:
        return {"result": "no round finished", "winner": None, "ticks": None, "rounds": 0}
    return {**(ended or stage.sittings)[-1].report(), **_screenshot(stage)}


def _screenshot(stage: Stage) -> dict[str, str]:
    """Write the picture that was asked for, if one was; says where."""
    path = stage.options.screenshot
    if path is None or stage.picture.canvas is None:
        return {}
    _write_picture(stage.picture.canvas, stage.options.scale or HEADLESS_SCALE, path)
    return {"screenshot": str(path)}


def _write_picture(canvas: pygame.Surface, scale: int, path: Path) -> None:
    import pygame

    from engine_plugin.files import atomic_write

    data = io.BytesIO()
    pygame.image.save(pygame.transform.scale_by(canvas, scale), data, "picture.png")
    try:
        atomic_write(path, data.getvalue())
    except OSError as error:
        raise ConfigError(f"cannot write the picture {path}: {error.strerror}") from error


def _require_pygame() -> None:
    """Find pygame without its greeting, which would go to stdout."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if importlib.util.find_spec("pygame") is None:
        raise MissingExtraError('playing needs pygame: python -m pip install "engine-plugin[play]"')


def _single_round(options: PlayOptions) -> PlayOptions:
    """Nobody ends a headless sitting, so that it needs an end of its own."""
    if options.headless and options.rounds is None:
        return replace(options, rounds=1)
    return options


def _seat_somebody(options: PlayOptions) -> PlayOptions:
    """Against a game that ships no agent one plays its last scripted player."""
    import fastenv
    from engine_plugin.host.seats import BOT_PREFIX
    from engine_plugin.runtime.loading import shipped_models

    ships_agents = any(name.startswith(f"{options.game}/") for name in shipped_models())
    if options.opponent is not None or ships_agents:
        return options
    return replace(
        options, opponent=BOT_PREFIX + fastenv.scripted_player_names(options.game)[-1]
    )


def _check_screenshot(path: Path | None) -> None:
    if path is not None and path.suffix.lower() != ".png":
        raise ConfigError(f"expected a --screenshot that ends in .png, got {path}")
    if path is not None:
        expect_place(path)


def _check_inputs(options: PlayOptions) -> None:
    """Find a wrong game or level file before a window opens."""
    import fastenv

    spec = fastenv.game_spec(options.game)
    if options.level is not None:
        fastenv.Level.load(options.level, spec)
