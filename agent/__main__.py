"""The command line of the agent. Every subcommand is a module in `agent/commands`; what it needs loads when it runs.

Exit codes are those of sysexits: 0 done, 64 usage, 65 a code or statement that cannot be read, 69 unavailable, 70 a
fault of ours, 74 files, 75 not delivered yet, 77 refused, 78 configuration; 1 when the household said no, 130 after
Ctrl-C.
"""

import argparse
import importlib
import logging
import os
import pkgutil
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from agent import commands
from agent.config import DEFAULT_FILE
from agent.errors import AgentError
from evidence.errors import EvidenceError

_EXIT = {
    "config": os.EX_CONFIG,
    "credential": os.EX_CONFIG,
    "state": os.EX_IOERR,
    "spool": os.EX_IOERR,
    "publish": os.EX_NOPERM,
    "statement": os.EX_DATAERR,
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}; --help says more\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = _Parser(
        prog="updateplicht-agent",
        description="Notes which firmware the devices of a home run, signs what it saw and sends it to a collector.",
    )
    parser.add_argument("--config", default=str(DEFAULT_FILE), metavar="FILE", help="default: %(default)s")
    parser.set_defaults(clock=lambda: int(time.time()))
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for module in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"{commands.__name__}.{module.name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = build_parser().parse_args(arguments)
    logging.basicConfig(handlers=[logging.NullHandler()])  # only the service logs; commands say what they have to say
    try:
        return int(args.run(args))
    except AgentError as error:
        return _fail(str(error), _EXIT.get(error.code, os.EX_UNAVAILABLE))
    except EvidenceError as error:
        return _fail(str(error), os.EX_DATAERR)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror}", os.EX_IOERR)
    except KeyboardInterrupt:
        return 130


def _fail(message: str, code: int) -> int:
    print(f"updateplicht-agent: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
