"""A loop that asks for the keys without its seat, in real time; it prints how far it went."""

import pygame

import engine_plugin as ai

pygame.init()
screen = pygame.display.set_mode((100, 100))
clock = pygame.time.Clock()
place = 0
seat = ai.Seat(
    "polls",
    keys={"stay": [], "right": [pygame.K_RIGHT]},
    see=lambda: {"place": place},
    every=2,
    script=lambda shown: "right" if shown["place"] < 10 else "stay",
)
for frame in range(30):
    clock.tick(60)
    pygame.event.pump()
    place += pygame.key.get_pressed()[pygame.K_RIGHT]
    seat.tick(score=place, over=frame == 29)
assert place in (10, 11), place
