"""The whole path on one machine: a simulated house, a real agent, a real collector, and a page to look at.

`story.toml` says what was promised and sold, `story.py` makes signed statements of it, `stage.py` lays out the files of
a first run, `supervisor.py` keeps the programs running, `table.py` shows the verdicts as they come. The agent and the
collector are started as programs, as anyone would start them.
"""
