"""Keys: those held in place of a person, and those that a person is seen to press."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pygame

from engine_plugin.errors import ConfigError

MOST_KEY = 1 << 31  # SDL's key codes are 32 bits with a sign


class Keyboard:
    """Keys that are held by somebody at the game who is no person.

    They reach the game as KEYDOWN and KEYUP events, which say whose they are (`owner`); `held` is
    what is down now.
    """

    def __init__(self) -> None:
        self.held: frozenset[int] = frozenset()
        self._by_owner: dict[Any, frozenset[int]] = {}

    def hold(self, owner: Any, keys: frozenset[int]) -> None:
        """The keys that `owner` holds from now on, in place of those before."""
        if self._by_owner.get(owner, frozenset()) == keys:
            return
        self._by_owner[owner] = keys
        before, self.held = self.held, frozenset().union(*self._by_owner.values())
        for key in sorted(before - self.held):
            post(key_event(pygame.KEYUP, key, owner))
        for key in sorted(self.held - before):
            post(key_event(pygame.KEYDOWN, key, owner))

    def held_by(self, owner: Any) -> frozenset[int]:
        return self._by_owner.get(owner, frozenset())


def key_event(kind: int, key: int, owner: Any) -> Any:
    text = chr(key) if 32 <= key < 127 and kind == pygame.KEYDOWN else ""
    return pygame.event.Event(kind, key=key, mod=0, unicode=text, scancode=0, owner=owner)


def post(event: Any) -> None:
    """Into the game's queue; one that nobody reads is full some day, which does no harm."""
    try:
        pygame.event.post(event)
    except pygame.error:
        return


def expect_known_keys(keys: Iterable[int]) -> None:
    """Raise ConfigError for a number that is no key."""
    for key in keys:
        if not 0 <= key < MOST_KEY or not pygame.key.name(key):
            raise ConfigError(f"keys: {key} is no key; expected numbers such as pygame.K_UP")


class Pressed:
    """What get_pressed() answers: true for the keys that are held, by key code.

    over: what a person holds, for all keys that are not in `own`
    """

    def __init__(
        self, held: frozenset[int], own: frozenset[int] | None = None, over: Any = None
    ) -> None:
        self._held, self._own, self._over = held, own, over

    def __getitem__(self, key: int) -> bool:
        if self._own is None or key in self._own:
            return key in self._held
        return bool(self._over[key])

    def __len__(self) -> int:
        return 512

    def __iter__(self) -> Any:
        """For any(): as many true values as keys are held."""
        return iter([True] * len(self._held))


def share_keyboard(keyboard: Keyboard, own: frozenset[int]) -> None:
    """From now on get_pressed() says of the keys in `own` what `keyboard` holds, and of all others
    what the person at the game does; for loops that ask without their seat."""
    asked = pygame.key.get_pressed
    keys: Any = pygame.key
    keys.get_pressed = lambda: Pressed(keyboard.held, own, asked())


class KeyWatch:
    """Sees every key that a person presses, and what she holds, without changing anything of the
    game; or, after `look_at`, what somebody presses in place of a person. What the players of other
    seats press is not hers, also where their keys are the same.

    on_function_key: called once for each time that F9 goes down
    """

    def __init__(self, on_function_key: Callable[[], None] | None = None) -> None:
        self._on_function_key = on_function_key
        self._pressed: set[int] = set()
        self._held = pygame.key.get_pressed
        self._hands: Keyboard | None = None
        self._owner: Any = None
        self._is_function_key_down = False  # one that is held comes again in some games
        for name in ("get", "poll", "wait"):
            setattr(pygame.event, name, partial(self._seen, getattr(pygame.event, name)))

    def look_at(self, hands: Keyboard, owner: Any) -> None:
        """From now on see what `owner` presses on that keyboard."""
        self._hands, self._owner = hands, owner

    def take(self) -> set[int]:
        """Keys that went down since the last call."""
        pressed, self._pressed = self._pressed, set()
        return pressed

    def held(self, keys: Iterable[int]) -> frozenset[int]:
        """Which of `keys` are down; asked once a frame."""
        if self._hands is not None:
            return self._hands.held_by(self._owner) & frozenset(keys)
        state = self._held()
        self._is_function_key_down &= bool(state[pygame.K_F9])
        return frozenset(key for key in keys if state[key])

    def _seen(self, original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        answer = original(*arguments, **named)
        for event in answer if isinstance(answer, list) else [answer]:
            if event.type == pygame.KEYDOWN and getattr(event, "owner", None) == self._owner:
                self._pressed.add(event.key)
            if getattr(event, "key", None) == pygame.K_F9:
                self._function_key(event.type == pygame.KEYDOWN)
        return answer

    def _function_key(self, is_down: bool) -> None:
        was_down, self._is_function_key_down = self._is_function_key_down, is_down
        if is_down and not was_down and self._on_function_key is not None:
            self._on_function_key()
