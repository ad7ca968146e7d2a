"""How the shards are divided among lines: each gateway is on exactly one."""

import pytest

from collector.ingest.line import Share
from evidence.ids import topic

GATEWAYS = [f"{shard:02x}" + "0" * 30 for shard in range(256)]


@pytest.mark.parametrize("parts", [2, 3, 5, 64])
@pytest.mark.parametrize("leaf", ["report", "statement"])
def test_every_topic_belongs_to_one_share(parts: int, leaf: str) -> None:
    """Whatever the number of parts, none overlaps and none is left out."""
    patterns = [name for number in range(parts) for name in Share(number=number, parts=parts).topics()]
    wanted = {topic(gateway, leaf).replace(gateway, "+") for gateway in GATEWAYS}
    assert sorted(name for name in patterns if name.endswith(leaf)) == sorted(wanted)


def test_lines_that_are_divided_otherwise_are_other_sessions() -> None:
    """A broker keeps messages by session: none may get those of a share that is not its own."""
    shares = [Share(number=number, parts=parts) for parts in (1, 2, 3) for number in range(parts)]
    assert len({share.session("log") for share in shares}) == len(shares)
