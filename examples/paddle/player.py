"""Somebody with a style of playing paddle, as a script: what is seen -> the name of an action.

Waits low in its goal while the ball is away, goes for it late, and hits it with the paddle's upper
half, so that most balls fly upwards.
"""

WAITS_AT = 300
GOES_AT = 420
SLACK = 10


def play(shown):
    me, ball = shown["me"], shown["ball"]
    comes = shown["velocity"].x < 0 and ball.centerx < GOES_AT
    target = ball.centery + me.height // 4 if comes else WAITS_AT
    if abs(target - me.centery) <= SLACK:
        return "stay"
    return "up" if target < me.centery else "down"
