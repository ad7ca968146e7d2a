"""The load: MQTT 3.1.1 on a plain socket, since a client library costs more than the collector that it would measure.

Reports go out at QoS 1 under packets made beforehand; what comes back is counted and kept. At most so many reports are
under way without a receipt, as in a fleet whose gateways each wait for their own.
"""

import selectors
import socket
import struct
import time
from collections.abc import Sequence

CHUNK = 2**16
_CONNECT = b"\x00\x04MQTT\x04\x02\x00\x00"


class Line:
    """One connection that sends reports and hears receipts."""

    def __init__(self, port: int, receipts: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"bench"
        self._ask(_packet(0x10, _CONNECT + _text(name)), 4)
        self._ask(_packet(0x82, b"\x00\x01" + _text(receipts.encode()) + b"\x00"), 5)
        self._socket.setblocking(False)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def drive(self, packets: Sequence[bytes], window: int, within_s: float) -> list[tuple[str, bytes]]:
        """Send everything; topic and bytes of each receipt, in order of arrival, until there is one for each packet.

        Raises:
            TimeoutError: They did not come in time.
        """
        receipts: list[tuple[str, bytes]] = []
        unsent, unread, sent = memoryview(b""), bytearray(), 0
        deadline = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while len(receipts) < len(packets):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{len(receipts)} receipts for {sent} of {len(packets)} reports")
                due = min(len(receipts) + window, len(packets))
                if not unsent and sent < due:
                    unsent, sent = memoryview(b"".join(packets[sent:due])), due
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0)
                selector.modify(self._socket, events)
                for _, ready in selector.select(1.0):
                    if ready & selectors.EVENT_WRITE:
                        unsent = unsent[self._socket.send(unsent[:CHUNK]) :]
                    if ready & selectors.EVENT_READ:
                        unread += self._receive()
                        del unread[: _take(unread, receipts)]
        return receipts

    def _ask(self, packet: bytes, size: int) -> None:
        self._socket.sendall(packet)
        answer = self._socket.recv(size, socket.MSG_WAITALL)
        if len(answer) != size or answer[-1] != 0:
            raise ConnectionError(f"the broker refuses: {answer.hex()}")

    def _receive(self) -> bytes:
        data = self._socket.recv(4 * CHUNK)
        if not data:
            raise ConnectionError("the broker hung up")
        return data


def publish(topic: str, payload: bytes, number: int) -> bytes:
    """A PUBLISH packet at QoS 1; packet ids begin anew after 65535."""
    return _packet(0x32, _text(topic.encode()) + struct.pack("!H", number % 0xFFFF + 1) + payload)


def _take(data: bytearray, receipts: list[tuple[str, bytes]]) -> int:
    """Take the whole packets at the beginning; how many bytes they had."""
    place = 0
    while (found := _length(data, place)) is not None:
        body, end = found
        if end > len(data):
            break
        if data[place] & 0xF0 == 0x30:
            topic_end = body + 2 + (data[body] << 8 | data[body + 1])
            receipts.append((data[body + 2 : topic_end].decode(), bytes(data[topic_end:end])))
        place = end
    return place


def _length(data: bytearray, place: int) -> tuple[int, int] | None:
    """Where the body of the packet at a place begins and ends, None where its head is not all there."""
    size = shift = 0
    for at in range(place + 1, min(place + 5, len(data))):
        size |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:
            return at + 1, at + 1 + size
        shift += 7
    return None


def _packet(kind: int, body: bytes) -> bytes:
    size, head = len(body), bytearray([kind])
    while True:
        size, digit = divmod(size, 128)
        head.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(head) + body


def _text(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data
