"""Four short sounds, made of sine waves and noise when the host starts; silent without audio."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pygame

from engine_plugin.host.match import Snapshot

LOGGER = logging.getLogger("engine_plugin.host")
RATE = 22_050
VOLUME = 0.35
COLLECTED = ("range", "capacity", "coins")


class Sounds:
    """Plays sounds by name: "place", "blast", "item", "end"."""

    def __init__(self, muted: bool) -> None:
        self.muted = muted
        self._sounds: dict[str, pygame.mixer.Sound] = {}
        try:
            pygame.mixer.init(frequency=RATE, size=-16, channels=1, buffer=512)
        except pygame.error as error:
            LOGGER.info("no sound: %s", error)
            return
        waves = {"place": _place(), "blast": _blast(), "item": _item(), "end": _end()}
        self._sounds = {name: _sound(wave) for name, wave in waves.items()}

    def play(self, name: str) -> None:
        if not self.muted and name in self._sounds:
            self._sounds[name].play()

    def close(self) -> None:
        self._sounds.clear()
        pygame.mixer.quit()


def audible(before: Snapshot, after: Snapshot) -> list[str]:
    """The sounds of one tick, from what changed in it."""
    names = []
    if "flames" in after and after["flames"].any():
        names.append("blast")
    known = {(bomb["row"], bomb["column"]) for bomb in before.get("bombs", ())}
    if any((bomb["row"], bomb["column"]) not in known for bomb in after.get("bombs", ())):
        names.append("place")
    pairs = zip(before["players"], after["players"], strict=True)
    if any(_belongings(new) > _belongings(old) for old, new in pairs):
        names.append("item")
    return names


def _belongings(player: dict[str, Any]) -> int:
    """How much a player has collected."""
    return sum(player.get(name, 0) for name in COLLECTED)


def _times(seconds: float) -> np.ndarray:
    return np.arange(int(RATE * seconds)) / RATE


def _tone(frequency: float, seconds: float) -> np.ndarray:
    """A plucked sine."""
    times = _times(seconds)
    wave: np.ndarray = np.sin(2 * np.pi * frequency * times) * np.exp(-times * 4 / seconds)
    return wave


def _place() -> np.ndarray:
    times = _times(0.08)
    wave: np.ndarray = np.sin(2 * np.pi * (240 - 900 * times) * times) * np.exp(-times * 30)
    return wave


def _blast() -> np.ndarray:
    """Low-passed noise over a falling thud."""
    times = _times(0.4)
    noise = np.random.default_rng(0).uniform(-1, 1, len(times))
    soft = np.convolve(noise, np.ones(12) / 12, mode="same") * 2
    thud = np.sin(2 * np.pi * (90 - 100 * times) * times)
    wave: np.ndarray = (0.7 * soft + 0.6 * thud) * np.exp(-times * 9)
    return wave


def _item() -> np.ndarray:
    return np.concatenate([_tone(660, 0.06), _tone(990, 0.14)])


def _end() -> np.ndarray:
    return np.concatenate([_tone(523, 0.1), _tone(659, 0.1), _tone(784, 0.3)])


def _sound(wave: np.ndarray) -> pygame.mixer.Sound:
    samples = (np.clip(wave, -1, 1) * 32_767 * VOLUME).astype(np.int16)
    opened = pygame.mixer.get_init()
    channels = 1 if opened is None else opened[2]
    return pygame.mixer.Sound(buffer=np.repeat(samples, channels).tobytes())
