"""The compiled part: every .pyx of fastenv, built portably with -O3.

A base install without a C compiler still gives a working runtime (loading models in a game), so
the extensions are optional; `engine-plugin doctor` says when they are missing.
"""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}
OPTIMISE = ["/O2"] if sys.platform == "win32" else ["-O3"]

# A changed header must rebuild every module: Cython does not see it in an editable install.
HEADERS = sorted(str(path) for path in Path("fastenv").rglob("*.pxd"))

extensions = [
    Extension(
        ".".join(path.with_suffix("").parts),
        [str(path)],
        depends=HEADERS,
        extra_compile_args=OPTIMISE,
        optional=True,
    )
    for path in sorted(Path("fastenv").rglob("*.pyx"))
]

setup(ext_modules=cythonize(extensions, compiler_directives=DIRECTIVES))
