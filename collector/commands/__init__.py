"""The subcommands of updateplicht-collector, one module each: `add_parser(subparsers)` and `run(args) -> int`."""
