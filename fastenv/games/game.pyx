"""Python handles on a compiled game and its scripted players; the interface is in game.pxd."""


cdef class ScriptedPlayer:
    """A scripted player: a name and a compiled decision function."""

    def __repr__(self):
        return f"<scripted player {self.name}>"


cdef ScriptedPlayer scripted(str name, Decide decide):
    cdef ScriptedPlayer player = ScriptedPlayer()
    player.name = name
    player.decide = decide
    return player


cdef class CompiledGame:
    """A game's facts (`spec`) and its table of functions."""

    cdef dict snapshot(self, const void* state):
        """The state as Python data for drawing and debugging."""
        return {}

    def __repr__(self):
        return f"<compiled game {self.spec.name} version {self.spec.version}>"
