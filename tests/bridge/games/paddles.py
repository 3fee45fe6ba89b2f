"""A paddle game by the usual pattern: one loop, keys by get_pressed, the round ends at 3 points."""

import random
import sys

import pygame

import engine_plugin as ai

pygame.init()
screen = pygame.display.set_mode((320, 240))
clock = pygame.time.Clock()
font = pygame.font.Font(None, 36)
paddle, other = pygame.Rect(10, 100, 8, 40), pygame.Rect(302, 100, 8, 40)
ball = pygame.Rect(0, 0, 8, 8)
velocity = [0.0, 0.0]
score = [0, 0]


def serve():
    ball.center = (160, 120)
    velocity[:] = random.choice((-3, 3)), random.uniform(-3, 3)


def new_game():
    score[:] = 0, 0
    paddle.y = other.y = 100
    serve()


player = ai.Seat(
    "paddles",
    keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
    see=lambda: {"me": paddle, "ball": ball, "velocity": velocity, "other": other},
    arena=screen.get_rect(),
    restart=new_game if "fresh" not in sys.argv else None,
)
new_game()
while True:
    clock.tick(60)
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            sys.exit()
    keys = player.keys(pygame.key.get_pressed())
    paddle.y += 4 * (keys[pygame.K_DOWN] - keys[pygame.K_UP])
    paddle.clamp_ip(screen.get_rect())
    other.centery += max(-2, min(2, ball.centery - other.centery))
    ball.move_ip(velocity)
    if ball.top < 0 or ball.bottom > 240:
        velocity[1] = -velocity[1]
    if ball.colliderect(paddle if velocity[0] < 0 else other):
        velocity[0] = -velocity[0]
        velocity[1] += random.uniform(-1, 1)
    if ball.right < 0 or ball.left > 320:
        score[ball.right < 0] += 1
        serve()
    screen.fill((0, 0, 0))
    pygame.draw.rect(screen, (255, 255, 255), paddle)
    pygame.draw.rect(screen, (255, 255, 255), other)
    pygame.draw.ellipse(screen, (255, 255, 255), ball)
    screen.blit(font.render(f"{score[1]} : {score[0]}", True, (255, 255, 255)), (140, 10))
    pygame.display.flip()
    player.tick(score=score[0] - score[1], over=max(score) == 3)
