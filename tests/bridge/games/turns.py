"""Driven by key presses, a timer and the time of day: turn at the right moment, three lives."""

import random
import time

import pygame

import engine_plugin as ai

TURN = pygame.USEREVENT + 1
pygame.init()
screen = pygame.display.set_mode((120, 120))
clock = pygame.time.Clock()
pygame.time.set_timer(TURN, 150)
pygame.key.set_repeat(300, 100)
arrow, wanted, points, lives = 0, random.randrange(4), 0, 3
shots = pygame.sprite.Group()
began = time.time()
seat = ai.Seat(
    "turns",
    keys={
        "wait": [],
        "left": [pygame.K_LEFT],
        "right": [pygame.K_RIGHT],
        "shoot": [pygame.K_SPACE],
    },
    see=lambda: {
        "arrow": [arrow == side for side in range(4)],
        "wanted": [wanted == side for side in range(4)],
        "elapsed": time.time() - began,
        "shots": shots,
    },
    arena=(120, 120),
    every=3,
)
while lives:
    for event in pygame.event.get():
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
            arrow = (arrow + (1 if event.key == pygame.K_RIGHT else -1)) % 4
        if event.type == pygame.KEYDOWN and event.key == pygame.K_SPACE:
            shot = pygame.sprite.Sprite(shots)
            shot.image = pygame.Surface((4, 4))
            shot.rect = shot.image.get_rect(center=(random.randrange(120), 60))
        if event.type == TURN:
            points, lives = (points + 1, lives) if arrow == wanted else (points, lives - 1)
            wanted = random.randrange(4)
    for shot in shots.sprites():
        shot.rect.y -= 3
        if shot.rect.y < 0:
            shot.kill()
    screen.fill("black")
    shots.draw(screen)
    pygame.display.flip()
    clock.tick(60)
    seat.tick(score=points, over=not lives)
