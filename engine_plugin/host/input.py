"""What the person at the keyboard wants, in one object that a window fills and screens read.

Keys arrive as commands, never as key codes, so that a test, a gamepad or another window can press
them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto


class Command(Enum):
    """One thing a key can mean."""

    UP = auto()
    DOWN = auto()
    LEFT = auto()
    RIGHT = auto()
    BOMB = auto()
    CONFIRM = auto()
    BACK = auto()
    PAUSE = auto()
    RESTART = auto()
    RECORD = auto()
    DISCARD = auto()
    WATCH = auto()
    GHOST = auto()
    NEXT = auto()
    PREVIOUS = auto()
    FIRST = auto()
    LAST = auto()
    FASTER = auto()
    SLOWER = auto()
    FULLSCREEN = auto()
    MUTE = auto()
    FOCUS_LOST = auto()
    QUIT = auto()


ACTION_OF = {
    Command.UP: "up",
    Command.DOWN: "down",
    Command.LEFT: "left",
    Command.RIGHT: "right",
    Command.BOMB: "bomb",
}
DIRECTIONS = (Command.UP, Command.DOWN, Command.LEFT, Command.RIGHT)


class InputState:
    """Held directions, taps since the last tick, and commands since the last frame."""

    def __init__(self) -> None:
        self._held: list[Command] = []
        self._tapped: Command | None = None
        self._bomb = False
        self._commands: list[Command] = []
        self._pointed: tuple[int, int] | None = None

    def press(self, command: Command) -> None:
        """A key went down (or the window reports something)."""
        self._commands.append(command)
        if command in DIRECTIONS:
            if command in self._held:
                self._held.remove(command)
            self._held.append(command)
            self._tapped = command
        elif command is Command.BOMB:
            self._bomb = True

    def release(self, command: Command) -> None:
        """A key went up; a tap that no tick has seen yet stays."""
        if command in self._held:
            self._held.remove(command)

    def release_all(self) -> None:
        """Forget everything held or tapped: after a pause, a lost focus or a new round."""
        self._held.clear()
        self._tapped = None
        self._bomb = False

    def take_commands(self) -> list[Command]:
        """The commands pressed since the last call, in order."""
        commands, self._commands = self._commands, []
        return commands

    @property
    def held(self) -> Command | None:
        """The direction that was pressed last and is still down."""
        return self._held[-1] if self._held else None

    def point(self, x: int, y: int) -> None:
        """The mouse is down on this pixel of the picture."""
        self._pointed = x, y

    def take_pointed(self) -> tuple[int, int] | None:
        """Where the mouse was down since the last call, if it was."""
        pointed, self._pointed = self._pointed, None
        return pointed

    def take_action(self, actions: Sequence[str], legal: Sequence[int]) -> int:
        """The action for this tick: index into `actions`; `legal` holds one flag an action.

        A bomb goes before a direction, which then waits for the next tick. The latest of several
        held directions that is legal wins, so that one can slide round corners.
        """
        bombs, self._bomb = self._bomb and "bomb" in actions, False
        if bombs and legal[actions.index("bomb")]:
            return actions.index("bomb")
        wanted = [] if self._tapped is None else [self._tapped]
        wanted += [command for command in reversed(self._held) if command is not self._tapped]
        self._tapped = None
        indices = [actions.index(ACTION_OF[command]) for command in wanted]
        for index in indices:
            if legal[index]:
                return index
        return 0
