"""MQTT packets as the ingest reads them: however the bytes are cut, and whatever a stranger's server sends."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTProtocolVersion

from collector.errors import BrokerError
from collector.ingest import packets

VERSIONS = [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]


@pytest.mark.parametrize("version", VERSIONS)
@given(payloads=st.lists(st.binary(max_size=300), max_size=5), cuts=st.lists(st.integers(1, 200)))
def test_packets_come_whole_however_they_are_cut(
    version: MQTTProtocolVersion, payloads: list[bytes], cuts: list[int]
) -> None:
    """What is written is read again, in order, and nothing is left over."""
    stream = b"".join(packets.publish("a/topic", payload, version) for payload in payloads)
    unread, taken = bytearray(), []
    for size in [*cuts, len(stream)]:
        unread += stream[:size]
        stream = stream[size:]
        taken += [packets.message(first, body, version) for first, body in packets.split(unread)]
    assert taken == [("a/topic", payload, None) for payload in payloads]
    assert not unread


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.binary(max_size=60))
def test_noise_is_no_message_or_a_broker_error(version: MQTTProtocolVersion, data: bytes) -> None:
    """Nothing else leaves, and what is read is never longer than what came."""
    with contextlib.suppress(BrokerError):
        for first, body in packets.split(bytearray(data)):
            assert len(packets.message(first | 0x02, body, version)[1]) <= len(data)
            packets.refusals(body, version)


def test_a_length_without_an_end_is_no_mqtt() -> None:
    """Five bytes of length stand nowhere in the protocol; waiting for more would be waiting for ever."""
    with pytest.raises(BrokerError, match="speaks no MQTT"):
        list(packets.split(bytearray(b"\x30\xff\xff\xff\xff")))
