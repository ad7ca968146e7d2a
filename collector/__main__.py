"""`updateplicht-collector`: one subcommand per module in collector/commands, and what their failures end with."""

import argparse
import importlib
import os
import pkgutil
import sys
import time

from collector import commands
from collector.config import DEFAULT_PATH
from collector.errors import (
    BrokerError,
    CollectorError,
    ConfigError,
    ConflictError,
    NotFoundError,
    RejectedError,
    RunningError,
    StoreError,
    WebError,
)

_EXIT_CODES = {
    ConfigError: os.EX_CONFIG,
    RejectedError: os.EX_DATAERR,
    StoreError: os.EX_IOERR,
    BrokerError: os.EX_UNAVAILABLE,
    WebError: os.EX_UNAVAILABLE,
    NotFoundError: os.EX_NOINPUT,
    ConflictError: os.EX_DATAERR,
    RunningError: os.EX_TEMPFAIL,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; its exit code is one of sysexits.h."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except CollectorError as error:
        return _fail(error, _EXIT_CODES[type(error)])
    except PermissionError as error:
        return _fail(error, os.EX_NOPERM)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains once more at its end
        return os.EX_IOERR
    except OSError as error:
        return _fail(error, os.EX_IOERR)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
