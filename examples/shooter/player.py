"""Somebody with a style of playing the shooter, as a script: what is seen -> the name of an action.

Stays at the bottom, goes under the lowest enemy and shoots at it there, steps aside when it comes
too near, and goes home to the left when nothing is to be done.
"""

HOME = 150
AIM = 14
NEAR = 130


def play(shown):
    me = shown["me"].rect
    above = [enemy.rect for enemy in shown["enemies"] if enemy.rect.bottom > 0]
    if not above:
        return towards(HOME, me.centerx)
    lowest = max(above, key=lambda rect: rect.bottom)
    apart = lowest.centerx - me.centerx
    if me.top - lowest.bottom < NEAR and abs(apart) < me.width + 6:
        return "left" if apart >= 0 and me.left > 40 else "right"
    if abs(apart) <= AIM:
        return "shoot" if shown["reload"] <= 0 else "stay"
    return towards(lowest.centerx, me.centerx)


def towards(there, here):
    if abs(there - here) <= AIM:
        return "stay"
    return "left" if there < here else "right"
