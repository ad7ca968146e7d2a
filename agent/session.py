"""One MQTT session with the collector's broker.

MQTT 3.1.1, QoS 1, a persistent session for the service. A client id has at most 23 characters, since a broker need not
take more (section 3.1.3.1).
"""

import contextlib
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import aiomqtt

from agent import access
from agent.config import BrokerSettings
from agent.enrolment import Enrolment
from agent.errors import BrokerError, PublishError, TlsError
from agent.mqtt import Client
from evidence.ids import topic

_LISTENED = ("receipt", "request")
_REFUSED_FOR_GOOD = frozenset({133, 134, 135})  # client id, user or password, not authorized
_MAX_NAME = 23  # characters of a client id
_MAX_QUEUED = 1000  # messages; what is beyond comes again
_TIMEOUT_S = 10.0


class MqttSession:
    """A connection that is up: what the publisher calls a Session."""

    def __init__(self, client: aiomqtt.Client, gateway: str) -> None:
        self._client = client
        self._gateway = gateway

    async def send(self, leaf: str, data: bytes) -> None:
        """Publish, and wait for the broker's acknowledgement."""
        with _translated():
            await self._client.publish(topic(self._gateway, leaf), data, qos=1)

    async def received(self) -> AsyncGenerator[tuple[str, bytes], None]:
        """Leaf and payload of what comes."""
        with _translated():
            async for message in self._client.messages:
                if isinstance(message.payload, bytes):
                    yield message.topic.value.rpartition("/")[2], message.payload


@contextlib.asynccontextmanager
async def open_session(
    settings: BrokerSettings, enrolment: Enrolment, gateway: str, *, passing: bool = False
) -> AsyncIterator[MqttSession]:
    """Connect, and listen for the collector's answers.

    Args:
        settings: How the broker and we know each other.
        enrolment: Where to.
        gateway: Who listens.
        passing: Leave nothing at the broker, and disturb no other session of this gateway there.

    Raises:
        BrokerError: The broker cannot be reached, is not who it should be, or the connection broke.
        PublishError: It refuses for good.
        CredentialError: A password, key or certificate is missing, or others may read it.
    """
    name = f"{'new' if passing else 'up'}-{gateway}"
    who = access.login(settings, gateway)
    context = access.tls(settings) if enrolment.tls else None
    ear = _Ear()
    with _translated(ear):
        client = Client(
            enrolment.host,
            enrolment.port,
            identifier=name[:_MAX_NAME],
            clean_session=passing,
            timeout=_TIMEOUT_S,
            max_queued_incoming_messages=_MAX_QUEUED,
            username=who.username,
            password=who.password,
            tls_context=context,
            logger=ear.logger,
        )
        async with client:
            await client.subscribe([(topic(gateway, leaf), 1) for leaf in _LISTENED])
            yield MqttSession(client, gateway)


class _Ear(logging.Handler):
    """Hears what paho tells its log only: with TLS 1.3 our certificate is refused after the handshake."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: ssl.SSLError | None = None
        self.logger = logging.Logger("paho")  # noqa: LOG001  # ours alone: nobody else's log gets it
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        for argument in record.args if isinstance(record.args, tuple) else ():
            if isinstance(argument, ssl.SSLError):
                self.heard = argument


@contextlib.contextmanager
def _translated(ear: _Ear | None = None) -> Iterator[None]:
    try:
        yield
    except aiomqtt.MqttCodeError as error:
        if getattr(error.rc, "value", error.rc) in _REFUSED_FOR_GOOD:
            what = "the broker does not take this gateway's user, password or certificate"
            raise PublishError(f"{what}: {error.rc}; ask the collector's operator") from error
        raise _broken(error, ear) from error
    except aiomqtt.MqttError as error:
        raise _broken(error, ear) from error


def _broken(error: aiomqtt.MqttError, ear: _Ear | None) -> BrokerError:
    # aiomqtt keeps only the text of what the socket raised; the error itself is its context.
    raised, heard = error.__context__, ear.heard if ear else None
    cause = raised if isinstance(raised, ssl.SSLError) else heard
    if cause is None:
        return BrokerError(str(error))
    why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason or cause
    hint = "check the broker's certificate, ca_file, and our own certificate"
    return TlsError(f"no TLS with the broker: {why}; {hint}")
