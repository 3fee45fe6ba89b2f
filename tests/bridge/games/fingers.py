"""Rounds of 30 frames. The game presses keys itself, as a remapping tool would: a tap of up in
every sixth frame of odd rounds, of down in even ones; in round 3 it presses F9. It tells its frames
to a file, and ends after 4 rounds."""

import os
import sys

import pygame

import engine_plugin as ai

pygame.init()
screen = pygame.display.set_mode((100, 100))
clock = pygame.time.Clock()
height, frame, rounds = 50, 0, 1
seat = ai.Seat(
    "fingers",
    keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
    see=lambda: {"height": height, "round": rounds},
)


def tap(key):
    for kind in (pygame.KEYDOWN, pygame.KEYUP):
        pygame.event.post(pygame.event.Event(kind, key=key, mod=0, unicode="", scancode=0))


while rounds <= int(os.environ.get("ROUNDS", "4")):
    clock.tick(60)
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            sys.exit()
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_UP, pygame.K_DOWN):
            height += 1 if event.key == pygame.K_UP else -1
    frame += 1
    if frame % 6 == 3:
        tap(pygame.K_UP if rounds % 2 else pygame.K_DOWN)
    if (rounds, frame) == (3, 10):
        tap(pygame.K_F9)
    if "FRAMES" in os.environ:
        with open(os.environ["FRAMES"], "a") as file:
            file.write(".")
    pygame.display.flip()
    seat.tick(over=frame == 30)
    if frame == 30:
        frame, rounds = 0, rounds + 1
