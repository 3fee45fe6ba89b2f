"""Every error a user of fastenv can meet; each text says what was expected and what was found."""


class FastenvError(ValueError):
    """Base of all errors of this package."""


class UnknownGameError(FastenvError):
    """No game, or no scripted player of a game, has this name."""


class LevelError(FastenvError):
    """A level that the game cannot start from."""


class ActionError(FastenvError):
    """Actions of the wrong dtype, shape or range; nothing has moved."""


class StateError(FastenvError):
    """A saved state of another game, another version, or a damaged one."""
