"""Devices that are described as data: one TOML file for each, by the name that the configuration gives.

`described/<what>/<name>.toml` comes with the program; an operator may name a file of his own by its path.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(pattern="^([a-z0-9_]+|/.*[.]toml)$")]
_MAX_BYTES = 64 * 1024


def names(what: str) -> tuple[str, ...]:
    """The descriptions that come with the program."""
    files = (resources.files("agent.readers") / "described" / what).iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load(what: str, name: str, kind: type[T]) -> T:
    """One description.

    Raises:
        ValueError: There is none of that name, or it is faulty; the message says where.
    """
    own = name.startswith("/")
    file = Path(name) if own else resources.files("agent.readers") / "described" / what / f"{name}.toml"
    if not own and name not in names(what):
        raise ValueError(f"there is no {name} in {what}; there are {', '.join(names(what))}, or a path to your own")
    try:
        with file.open("rb") as opened:
            return msgspec.convert(tomllib.loads(opened.read(_MAX_BYTES).decode()), kind)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error
