"""Your own pygame loop as a game to record, clone, train and play: a `Seat` in it, two calls a
frame.

`seat.py`     the seat, and who may sit in it
`schema.py`   what it sees: fields of numbers, places and groups as one float32 array
`actions.py`  what it presses: actions as sets of keys, and key presses as actions
`clock.py`    time that passes as fast as the game can be computed
`machine/`    the computer that the game believes it runs on (the one folder that knows pygame)
`run.py`      a game file under all of this, in a process of its own: for a learner (act.py), or
              recorded and played here (here.py)
`wire.py`     what that process and the learner say to each other
`actor.py`    the learner's end of it
"""
