"""What every screen shares: options, keys, pictures, sounds, and the sitting that is going on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pygame

import fastenv
from engine_plugin.host.ghosts import GhostKeeper
from engine_plugin.host.input import InputState
from engine_plugin.host.options import PlayOptions
from engine_plugin.host.sitting import Sitting
from engine_plugin.host.sound import Sounds
from engine_plugin.host.tileset import PixelFont


@dataclass
class Picture:
    """The liveliest picture so far. Nothing is kept unless `wanted`."""

    wanted: bool
    liveliness: int = -1
    canvas: pygame.Surface | None = None

    def offer(self, canvas: pygame.Surface, liveliness: int) -> None:
        """Keep a copy of the canvas if it beats the one before."""
        if self.wanted and liveliness > self.liveliness:
            self.liveliness = liveliness
            self.canvas = canvas.copy()


@dataclass
class Stage:
    """Handed from screen to screen.

    realtime: people watch; sittings: all of this run, the running one last
    ghosts: of the person who plays
    error: what ended the run, where a person has seen it on the screen already
    """

    options: PlayOptions
    seed: int
    realtime: bool
    state: InputState
    sprites: Mapping[str, pygame.Surface]
    font: PixelFont
    sounds: Sounds | None
    picture: Picture
    sittings: list[Sitting] = field(default_factory=list)
    error: Exception | None = None
    ghosts: GhostKeeper = field(init=False)
    _records: bool = field(init=False, default=False)  # when the last sitting was closed

    def __post_init__(self) -> None:
        self.ghosts = GhostKeeper(fastenv.game_spec(self.options.game))

    def play_sound(self, name: str) -> None:
        if self.sounds is not None:
            self.sounds.play(name)

    def new_sitting(self, opponent: str) -> Sitting:
        """Close the sitting before and seat this opponent; what was recording goes on recording.
        Raises as Sitting does."""
        self.close_sitting()
        sitting = Sitting(
            self.options,
            opponent,
            self.state,
            self.seed,
            patient=not self.realtime,
            ghosts=self.ghosts,
        )
        self.sittings.append(sitting)
        if self._records and not sitting.recording.on:
            sitting.toggle_recording()
        self._records = False
        return sitting

    def close_sitting(self) -> None:
        """Write what the running sitting recorded. Closing twice does nothing."""
        if self.sittings:
            self._records |= self.sittings[-1].recording.on
            self.sittings[-1].close()
