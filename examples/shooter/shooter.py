"""Shooter: hold out against what comes down on you. Three hits, and it is over.

    python examples/shooter/shooter.py

The arrow keys fly, space shoots.
"""

import random
import sys

import pygame

import engine_plugin as ai

WIDTH, HEIGHT = 520, 640
SPEED = 300
RELOAD = 0.25
SPACE = (12, 14, 28)
WHITE = (236, 238, 246)
GREY = (128, 136, 164)
TEAL = (84, 214, 190)
YELLOW = (255, 214, 94)
RED = (240, 92, 96)
ROCK = (122, 112, 128)

pygame.init()
screen = pygame.display.set_mode((WIDTH, HEIGHT))
pygame.display.set_caption("Shooter")
clock = pygame.time.Clock()
font = pygame.font.Font(None, 30)
big_font = pygame.font.Font(None, 72)


class Player(pygame.sprite.Sprite):
    def __init__(self):
        super().__init__()
        self.image = pygame.Surface((40, 36), pygame.SRCALPHA)
        pygame.draw.polygon(self.image, TEAL, [(20, 0), (40, 34), (20, 26), (0, 34)])
        self.rect = self.image.get_rect(center=(WIDTH / 2, HEIGHT - 60))
        self.position = pygame.Vector2(self.rect.center)
        self.reload = 0
        self.lives = 3

    def update(self, dt):
        keys = seat.keys(pygame.key.get_pressed())
        heading = pygame.Vector2(
            keys[pygame.K_RIGHT] - keys[pygame.K_LEFT], keys[pygame.K_DOWN] - keys[pygame.K_UP]
        )
        if heading:
            self.position += heading.normalize() * SPEED * dt
        self.position.x = pygame.math.clamp(self.position.x, 20, WIDTH - 20)
        self.position.y = pygame.math.clamp(self.position.y, HEIGHT / 2, HEIGHT - 20)
        self.rect.center = self.position
        self.reload -= dt

    def shoot(self):
        if self.reload <= 0:
            self.reload = RELOAD
            bullets.add(Bullet(self.rect.midtop))


class Bullet(pygame.sprite.Sprite):
    def __init__(self, place):
        super().__init__()
        self.image = pygame.Surface((4, 16))
        self.image.fill(YELLOW)
        self.rect = self.image.get_rect(midbottom=place)

    def update(self, dt):
        self.rect.y -= round(560 * dt)
        if self.rect.bottom < 0:
            self.kill()


class Enemy(pygame.sprite.Sprite):
    """A rock falls straight down; a raider swings from side to side."""

    def __init__(self):
        super().__init__()
        self.raider = random.random() < 0.35
        self.image = pygame.Surface((36, 36), pygame.SRCALPHA)
        if self.raider:
            pygame.draw.polygon(self.image, RED, [(18, 36), (36, 6), (18, 13), (0, 6)])
        else:
            pygame.draw.circle(self.image, ROCK, (18, 18), 16)
            pygame.draw.circle(self.image, GREY, (12, 13), 4)
            pygame.draw.circle(self.image, GREY, (23, 22), 3)
        self.rect = self.image.get_rect(midbottom=(random.randrange(30, WIDTH - 30), 0))
        self.position = pygame.Vector2(self.rect.center)
        self.velocity = pygame.Vector2(0, random.uniform(90, 190))
        if self.raider:
            self.velocity.x = random.choice((-150, 150))

    def update(self, dt):
        self.position += self.velocity * dt
        if not 18 < self.position.x < WIDTH - 18:
            inwards = 1 if self.position.x < WIDTH / 2 else -1
            self.velocity.x = inwards * abs(self.velocity.x)
        self.rect.center = self.position
        if self.rect.top > HEIGHT:
            self.kill()


def new_game():
    global player, players, bullets, enemies, score, next_enemy, time_over
    player = Player()
    players = pygame.sprite.Group(player)
    bullets = pygame.sprite.Group()
    enemies = pygame.sprite.Group()
    score = 0
    next_enemy = 0.5
    time_over = 0


seat = ai.Seat(
    "shooter", keys={"stay": [], "left": [pygame.K_LEFT], "right": [pygame.K_RIGHT],
                     "up": [pygame.K_UP], "down": [pygame.K_DOWN], "shoot": [pygame.K_SPACE]},
    see=lambda: {"me": player, "enemies": enemies, "bullets": bullets, "reload": player.reload},
    arena=screen.get_rect(), nearest={"enemies": 6, "bullets": 3}, restart=lambda: new_game())
stars = [(random.random() * WIDTH, random.random() * HEIGHT, i % 3 + 1) for i in range(70)]
new_game()
while True:
    dt = clock.tick(60) / 1000
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            pygame.quit()
            sys.exit()
        if event.type == pygame.KEYDOWN and event.key == pygame.K_SPACE and player.lives:
            player.shoot()

    if player.lives:
        players.update(dt)
        bullets.update(dt)
        enemies.update(dt)
        next_enemy -= dt
        if next_enemy <= 0:
            enemies.add(Enemy())
            next_enemy = random.uniform(0.4, 0.8) - min(0.3, score / 8000)
        for enemy in pygame.sprite.groupcollide(enemies, bullets, True, True):
            score += 20 if enemy.raider else 10
        for _ in pygame.sprite.spritecollide(player, enemies, True, pygame.sprite.collide_mask):
            player.lives -= 1
            if not player.lives:
                player.kill()
                break
    else:
        time_over += dt
        if time_over > 2:
            new_game()

    screen.fill(SPACE)
    stars = [(x, (y + depth * 40 * dt) % HEIGHT, depth) for x, y, depth in stars]
    for x, y, depth in stars:
        pygame.draw.circle(screen, (40 * depth, 42 * depth, 60 * depth), (x, y), depth / 2)
    bullets.draw(screen)
    enemies.draw(screen)
    players.draw(screen)
    screen.blit(font.render(f"Score {score}", True, WHITE), (12, 12))
    for life in range(player.lives):
        screen.blit(pygame.transform.scale(player.image, (22, 20)), (WIDTH - 34 - 28 * life, 12))
    if not player.lives:
        title = big_font.render("Game over", True, WHITE)
        screen.blit(title, title.get_rect(center=screen.get_rect().center))
    seat.tick(score=score - 100 * (3 - player.lives), over=not player.lives)
    pygame.display.flip()
