"""Somebody with a style of playing snake, as a script: what is seen -> the name of an action.

Goes along a row first and only then up or down to what is nearest, likes berries, and turns away
from what would be fatal in the next cell.
"""

MOVES = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
COLUMNS, ROWS = 22, 16


def play(shown):
    head, heading, body = shown["me"], shown["heading"], set(shown["body"])
    target = shown["berry"][0] if shown["berry"] else shown["food"].topleft
    across, along = target[0] - head[0], target[1] - head[1]
    wishes = ["right" if across > 0 else "left"] if across else []
    wishes += ["down" if along > 0 else "up"] if along else []
    ahead = next(name for name, move in MOVES.items() if move == heading)
    for name in [*wishes, ahead, *MOVES]:
        move = MOVES[name]
        cell = head[0] + move[0], head[1] + move[1]
        back = move[0] == -heading[0] and move[1] == -heading[1]
        if not back and 0 <= cell[0] < COLUMNS and 0 <= cell[1] < ROWS and cell not in body:
            return "on" if name == ahead else name
    return "on"
