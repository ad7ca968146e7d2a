"""`updateplicht-collector`: one subcommand per module in collector/commands, and what their failures end with."""

import argparse
import importlib
import os
import pkgutil
import sys
import time
from typing import NoReturn

from collector import commands
from collector.config import DEFAULT_PATH
from collector.errors import (
    BrokerError,
    CollectorError,
    ConfigError,
    NotFoundError,
    RunningError,
    StoreError,
    WebError,
)

_EXIT_CODES = {
    CollectorError: os.EX_DATAERR,  # those without a line of their own: facts, cases, policies, signed bytes
    BrokerError: os.EX_UNAVAILABLE,
    ConfigError: os.EX_CONFIG,
    NotFoundError: os.EX_NOINPUT,
    RunningError: os.EX_TEMPFAIL,
    StoreError: os.EX_IOERR,
    WebError: os.EX_UNAVAILABLE,
}
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; its exit code is one of sysexits.h."""
    args = build_parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except CollectorError as error:
        return _fail(error, next(_EXIT_CODES[kind] for kind in type(error).__mro__ if kind in _EXIT_CODES))
    except PermissionError as error:
        return _fail(error, os.EX_NOPERM)
    except FileNotFoundError as error:
        return _fail(error, os.EX_NOINPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains once more at its end
        return os.EX_IOERR
    except OSError as error:
        return _fail(error, os.EX_IOERR)
    except KeyboardInterrupt:
        return _INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints end with 64 (EX_USAGE)."""

    def error(self, message: str) -> NoReturn:
        """Say what was mistyped."""
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}; --help says more\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands."""
    parser = _Parser(
        prog="updateplicht-collector", description="Keeps signed evidence beside promises, and says what is owed."
    )
    parser.add_argument("--config", default=DEFAULT_PATH, metavar="FILE", help="default: %(default)s")
    parser.set_defaults(clock=lambda: int(time.time()))
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"{commands.__name__}.{module.name}").add_parser(subparsers)
    return parser


def _fail(error: Exception, code: int) -> int:
    print(f"updateplicht-collector: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
