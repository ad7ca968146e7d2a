"""The readers against device stacks that other projects wrote, really running: `make test-stacks`.

`.ci/setup stacks` puts them into `.stacks`: Debian's packages, unpacked under `root`; Node and Zephyr's SMP servers
from PyPI; the rest from npm. No part of `make test`, which would have to fetch them. Without them these tests skip,
unless UPDATEPLICHT_REQUIRE names `stacks`: then they fail.
"""
