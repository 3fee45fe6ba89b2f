"""Sound without a loudspeaker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pygame


class Silence:
    """A sound, a channel or the music, of which nothing is heard and that ends at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        return

    def play(self, *arguments: Any, **named: Any) -> Silence:
        return Silence()

    def get_busy(self) -> bool:
        return False

    def get_volume(self) -> float:
        return 1.0

    def get_length(self) -> float:
        return 0.0

    def get_pos(self) -> int:
        return -1

    def get_num_channels(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **named: None


def silence_mixer() -> None:
    """pygame.mixer without a loudspeaker."""
    own: Any = pygame
    silent: Any = Silence()
    mixer = type(sys)("pygame.mixer")
    answers: dict[str, Any] = {
        "Sound": Silence,
        "SoundType": Silence,
        "Channel": Silence,
        "ChannelType": Silence,
        "music": silent,
        "get_init": lambda: (44_100, -16, 2),
        "get_busy": lambda: False,
        "get_num_channels": lambda: 8,
        "find_channel": lambda *arguments, **named: Silence(),
        "set_num_channels": lambda count: None,
        "set_reserved": lambda count: count,
    }
    for name in ("init", "pre_init", "quit", "stop", "pause", "unpause", "fadeout"):
        answers[name] = lambda *arguments, **named: None
    for name, answer in answers.items():
        setattr(mixer, name, answer)
    own.mixer = sys.modules["pygame.mixer"] = mixer
    sys.modules["pygame.mixer_music"] = silent
