"""Snake: eat, grow, and do not bite yourself. Berries are worth more, but do not stay.

    python examples/snake/snake.py

The arrow keys turn the snake; space starts again.
"""

import random
import sys

import pygame

import engine_plugin as ai

CELL = 26
COLUMNS, ROWS = 22, 16
TOP = 44
STEP = pygame.USEREVENT + 1
BERRY = pygame.USEREVENT + 2
TURNS = {
    pygame.K_UP: (0, -1),
    pygame.K_DOWN: (0, 1),
    pygame.K_LEFT: (-1, 0),
    pygame.K_RIGHT: (1, 0),
}

SOIL = (36, 44, 40)
MEADOW = [(52, 66, 56), (56, 71, 60)]
GREEN = (138, 206, 96)
DARK_GREEN = (104, 170, 78)
RED = (232, 92, 80)
PURPLE = (178, 116, 236)
WHITE = (238, 242, 236)
GREY = (150, 164, 154)

pygame.init()
screen = pygame.display.set_mode((COLUMNS * CELL, TOP + ROWS * CELL))
pygame.display.set_caption("Snake")
clock = pygame.time.Clock()
font = pygame.font.Font(None, 32)
big_font = pygame.font.Font(None, 72)
best = 0


def free_cell():
    """A cell with nothing on it."""
    while True:
        cell = random.randrange(COLUMNS), random.randrange(ROWS)
        if cell not in snake and cell not in (food, berry):
            return cell


def new_game():
    global snake, direction, turns, food, berry, score, alive
    middle = COLUMNS // 2, ROWS // 2
    snake = [(middle[0] - i, middle[1]) for i in range(4)]
    direction = (1, 0)
    turns = []
    food = berry = None
    food = free_cell()
    score = 0
    alive = True


def step():
    """Move the snake by one cell, and see what is there."""
    global direction, food, berry, score, best, alive
    if turns:
        direction = turns.pop(0)
    head = snake[0][0] + direction[0], snake[0][1] + direction[1]
    inside = 0 <= head[0] < COLUMNS and 0 <= head[1] < ROWS
    if not inside or head in snake[:-1]:
        alive = False
        return
    snake.insert(0, head)
    if head == food:
        score += 1
        food = free_cell()
    elif head == berry:
        score += 3
        berry = None
    else:
        snake.pop()
    best = max(best, score)


def draw_cell(cell, colour, shrink, radius):
    rect = pygame.Rect(cell[0] * CELL, TOP + cell[1] * CELL, CELL, CELL)
    pygame.draw.rect(screen, colour, rect.inflate(-shrink, -shrink), border_radius=radius)


def draw():
    screen.fill(SOIL)
    for x in range(COLUMNS):
        for y in range(ROWS):
            draw_cell((x, y), MEADOW[(x + y) % 2], 0, 0)
    draw_cell(food, RED, 6, 10)
    if berry:
        draw_cell(berry, PURPLE, 8, 9)
    for i, cell in enumerate(snake):
        draw_cell(cell, GREEN if i % 2 == 0 else DARK_GREEN, 2, 8)
    x, y = snake[0][0] * CELL + CELL // 2, TOP + snake[0][1] * CELL + CELL // 2
    for side in (-1, 1):
        eye = (
            x + 5 * direction[0] + 5 * side * direction[1],
            y + 5 * direction[1] + 5 * side * direction[0],
        )
        pygame.draw.circle(screen, SOIL, eye, 3)
    screen.blit(font.render(f"Score {score}", True, WHITE), (12, 12))
    record = font.render(f"Best {best}", True, GREY)
    screen.blit(record, (COLUMNS * CELL - record.get_width() - 12, 12))
    if not alive:
        center = screen.get_rect().center
        shade = pygame.Surface(screen.get_size(), pygame.SRCALPHA)
        shade.fill((20, 26, 22, 150))
        screen.blit(shade, (0, 0))
        title = big_font.render("Game over", True, WHITE)
        screen.blit(title, title.get_rect(center=(center[0], center[1] - 10)))
        hint = font.render("Press space to play again", True, WHITE)
        screen.blit(hint, hint.get_rect(center=(center[0], center[1] + 40)))


new_game()
pygame.time.set_timer(STEP, 110)
pygame.time.set_timer(BERRY, 5000)
seat = ai.Seat(
    "snake", keys={"on": [], **{pygame.key.name(key): [key] for key in TURNS}}, restart=new_game,
    see=lambda: {"me": snake[0], "heading": direction, "food": pygame.Rect(food, (0, 0)),
                 "berry": [berry] if berry else [], "body": snake[1:]},
    arena=(COLUMNS, ROWS), nearest={"berry": 1, "body": 12})
while True:
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            pygame.quit()
            sys.exit()
        if event.type == pygame.KEYDOWN:
            if event.key == pygame.K_SPACE and not alive:
                new_game()
            elif event.key in TURNS and len(turns) < 2:
                turn = TURNS[event.key]
                heading = turns[-1] if turns else direction
                if turn[0] * heading[0] + turn[1] * heading[1] == 0:
                    turns.append(turn)
        if event.type == STEP and alive:
            step()
        if event.type == BERRY and alive:
            berry = free_cell() if berry is None else None
    draw()
    seat.tick(score=score, over=not alive)
    pygame.display.flip()
    clock.tick(60)
