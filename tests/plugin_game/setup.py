"""Compiles the game against the headers of the installed fastenv."""

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastenv

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
}

setup(
    ext_modules=cythonize(
        [Extension("flag_game.flag", ["flag_game/flag.pyx"])],
        include_path=[fastenv.get_include()],
        compiler_directives=DIRECTIVES,
    )
)
