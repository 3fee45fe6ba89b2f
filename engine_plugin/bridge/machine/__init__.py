"""The computer that the game believes it runs on; the one folder that knows pygame.

The game's file stays as it is; what it calls is replaced before it is run. Time passes when the
game waits (bridge/clock.py), keys are those that are injected, the screen shows nothing.

`virtual.py`     clock, events and screen put in place, one a process
`keyboard.py`    keys that are held, or seen to be pressed
`undrawn.py`     drawing that is left out
`silence.py`     sound that is left out
`randomness.py`  the seed of what a game draws from

Not replaced: mouse and joystick (never moved), the date (datetime), threads of the game's own.
"""
