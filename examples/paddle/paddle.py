"""Paddle: keep the ball out of your goal. First to five.

    python examples/paddle/paddle.py

Up and down (or W and S) move the left paddle.
"""

import random
import sys

import pygame

import engine_plugin as ai

WIDTH, HEIGHT = 720, 440
PADDLE_SPEED = 6
FOE_SPEED = 4
BALL_SPEED = 5.5
FASTEST = 13
WINNING_SCORE = 5

NIGHT = (18, 22, 36)
LINE = (44, 52, 78)
CHALK = (232, 234, 240)
GREY = (120, 130, 158)
BLUE = (92, 176, 255)
ORANGE = (255, 150, 84)

pygame.init()
screen = pygame.display.set_mode((WIDTH, HEIGHT))
pygame.display.set_caption("Paddle")
clock = pygame.time.Clock()
big_font = pygame.font.Font(None, 84)
font = pygame.font.Font(None, 28)

me = pygame.Rect(28, HEIGHT // 2 - 38, 12, 76)
foe = pygame.Rect(WIDTH - 40, HEIGHT // 2 - 38, 12, 76)
ball = pygame.Rect(0, 0, 14, 14)
score = [0, 0]
pause = 0
trail = []


def serve(direction):
    """Put the ball in the middle and send it to one side at a random angle."""
    global velocity
    ball.center = WIDTH // 2, HEIGHT // 2
    velocity = pygame.Vector2(BALL_SPEED * direction, 0).rotate(random.uniform(-35, 35))
    trail.clear()


def bounce(paddle, direction):
    """Send the ball back: the nearer to the paddle's end it hits, the steeper."""
    global velocity
    offset = (ball.centery - paddle.centery) / (paddle.height / 2)
    speed = min(velocity.length() * 1.08, FASTEST)
    angle = offset * 45 + random.uniform(-5, 5)
    velocity = pygame.Vector2(speed * direction, 0).rotate(angle * direction)


def draw_text(text, text_font, colour, center):
    picture = text_font.render(text, True, colour, NIGHT)
    screen.blit(picture, picture.get_rect(center=center))


serve(random.choice((-1, 1)))
seat = ai.Seat("paddle", keys={"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]},
               see=lambda: {"me": me, "ball": ball, "velocity": velocity, "foe": foe},
               arena=screen.get_rect(), restart=True)
while True:
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            pygame.quit()
            sys.exit()

    keys = seat.keys(pygame.key.get_pressed())
    if keys[pygame.K_UP] or keys[pygame.K_w]:
        me.y -= PADDLE_SPEED
    if keys[pygame.K_DOWN] or keys[pygame.K_s]:
        me.y += PADDLE_SPEED

    # The other paddle waits in the middle, and runs after the ball once that is on its side.
    target = ball.centery if velocity.x > 0 and ball.x > WIDTH // 2 else HEIGHT // 2
    if abs(target - foe.centery) > 10:
        foe.y += FOE_SPEED if target > foe.centery else -FOE_SPEED
    me.clamp_ip(screen.get_rect())
    foe.clamp_ip(screen.get_rect())

    if max(score) < WINNING_SCORE:
        trail = [*trail[-7:], ball.center]
        ball.x += round(velocity.x)
        ball.y += round(velocity.y)
        if ball.top < 0 or ball.bottom > HEIGHT:
            velocity.y = -velocity.y
            ball.y = max(0, min(ball.y, HEIGHT - ball.height))
        if ball.colliderect(me) and velocity.x < 0:
            bounce(me, 1)
        if ball.colliderect(foe) and velocity.x > 0:
            bounce(foe, -1)
        if ball.right < 0:
            score[1] += 1
            serve(1)
        if ball.left > WIDTH:
            score[0] += 1
            serve(-1)
    else:
        pause += 1
        if pause == 120:
            score = [0, 0]
            pause = 0

    screen.fill(NIGHT)
    for y in range(10, HEIGHT, 30):
        pygame.draw.rect(screen, LINE, (WIDTH // 2 - 2, y, 4, 16))
    draw_text(str(score[0]), big_font, BLUE, (WIDTH // 2 - 70, 50))
    draw_text(str(score[1]), big_font, ORANGE, (WIDTH // 2 + 70, 50))
    for age, center in enumerate(trail):
        pygame.draw.circle(screen, LINE, center, age)
    if max(score) == WINNING_SCORE:
        winner = "You win!" if score[0] > score[1] else "You lose."
        draw_text(winner, big_font, CHALK, (WIDTH // 2, HEIGHT // 2 - 10))
        draw_text("The next match starts soon", font, GREY, (WIDTH // 2, HEIGHT // 2 + 44))
    else:
        pygame.draw.ellipse(screen, CHALK, ball)
    pygame.draw.rect(screen, BLUE, me, border_radius=6)
    pygame.draw.rect(screen, ORANGE, foe, border_radius=6)
    pygame.display.flip()
    seat.tick(score=score[0] - score[1], over=max(score) == WINNING_SCORE)
    clock.tick(60)
