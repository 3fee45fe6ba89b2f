"""Two seats in one loop: who is nearer to the coin when it falls gets it; five coins a round."""

import random

import pygame

import engine_plugin as ai

pygame.init()
screen = pygame.display.set_mode((200, 100))
clock = pygame.time.Clock()
left, right = pygame.Rect(40, 80, 10, 10), pygame.Rect(150, 80, 10, 10)
coin = pygame.Rect(0, 0, 6, 6)
score = [0, 0]
KEYS = {
    "left": {"stay": [], "left": [pygame.K_a], "right": [pygame.K_d]},
    "right": {"stay": [], "left": [pygame.K_LEFT], "right": [pygame.K_RIGHT]},
}


def new_round():
    score[:] = 0, 0
    left.x, right.x = 40, 150
    coin.midtop = random.randrange(10, 190), 0


def seat_of(name, own, other):
    return ai.Seat(
        name,
        game="duel",
        keys=KEYS[name],
        see=lambda: {"me": own, "other": other, "coin": coin},
        arena=screen.get_rect(),
        restart=new_round,
    )


seats = [seat_of("left", left, right), seat_of("right", right, left)]
new_round()
while True:
    clock.tick(60)
    pygame.event.pump()
    pressed = pygame.key.get_pressed()
    for seat, rect, (go_left, go_right) in (
        (seats[0], left, (pygame.K_a, pygame.K_d)),
        (seats[1], right, (pygame.K_LEFT, pygame.K_RIGHT)),
    ):
        keys = seat.keys(pressed)
        rect.x += 3 * (keys[go_right] - keys[go_left])
        rect.clamp_ip(screen.get_rect())
    coin.y += 2
    if coin.bottom >= 90:
        near = [abs(rect.centerx - coin.centerx) for rect in (left, right)]
        score[near[1] < near[0]] += 1
        coin.midtop = random.randrange(10, 190), 0
    screen.fill("black")
    for rect in (left, right, coin):
        pygame.draw.rect(screen, "white", rect)
    pygame.display.flip()
    over = sum(score) == 5
    seats[0].tick(score=score[0] - score[1], over=over)
    seats[1].tick(score=score[1] - score[0], over=over)
