"""The agent's own command line, in a process where the simulated readers stand beside the product's."""

import sys
from pathlib import Path

from agent import readers
from agent.__main__ import main

readers.__path__.append(str(Path(__file__).parent / "readers"))

if __name__ == "__main__":
    sys.exit(main())
