"""Finds the benchmarks by the names of their files and runs one, or all: `python -m tests.bench [WHAT]`.

A benchmark is a module of this folder that defines `run() -> Iterable[dict]`; what it gives is printed as it comes.
Modules whose names begin with an underscore help others, and tests are tests.
"""

import importlib
import json
import pkgutil
import signal
import sys

from tests import bench


def main(arguments: list[str]) -> int:
    """Run the benchmarks that are named, or all."""
    modules = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    names = [name for name in modules if not name.startswith(("_", "test_"))]
    unknown = set(arguments) - set(names)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(names)}", file=sys.stderr)
        return 64
    signal.signal(signal.SIGTERM, _end)
    for name in arguments or names:
        for line in importlib.import_module(f"{bench.__name__}.{name}").run():
            print(json.dumps(line), flush=True)
    return 0


def _end(*_: object) -> None:
    """End as Ctrl-C does: what was made on the disk goes."""
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
