"""The host: a window in which a person plays, watches and records a game.

`options.PlayOptions` says how; `app.play(options)` runs it. Rules come from fastenv, decisions from
the runtime; this room only owns the clock, the keys and the picture. Importing this package, its
options or its match loads no pygame.
"""
