"""The subcommands of updateplicht-agent, one module each: `add_parser(subparsers)` and `run(args) -> int`."""
