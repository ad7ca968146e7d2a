"""The embedded broker serves everyone while others come and go."""

from collector.ingest.broker import _Subscriptions


def test_a_look_through_the_subscriptions_outlives_their_change() -> None:
    """amqtt waits in the middle of such a look, and whoever subscribes or leaves meanwhile must not end it."""
    subscriptions = _Subscriptions(a=[], b=[])
    seen = []
    for topic in subscriptions:
        seen.append(topic)
        subscriptions[f"new/{topic}"] = []
    for topic, guests in subscriptions.items():
        assert guests == []
        subscriptions.pop(topic)
    assert seen == ["a", "b"]
    assert not subscriptions
