"""`enrol CODE`: agree to report to a collector. Shows what would be sent and to whom, asks, and delivers at once.

Where the collector cannot be reached now, the enrolment waits in the spool and `run` delivers it. Until its receipt has
come the gateway reports to whom it reported before.
"""

import argparse
import asyncio
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from agent import config, enrolment, keys, service
from agent.config import Config
from agent.consent import EX_DECLINED, agrees
from agent.enrolment import Enrolment
from agent.publisher import Publisher
from agent.spool import Kind, Spool
from agent.state import Remembered, is_locked, locked
from evidence.diagnostic import diagnose
from evidence.enrolment import EnrolmentCode, parse_code, sign_enrolment
from evidence.ids import topic
from evidence.receipt import open_refusal

_LOOK_S = 0.2


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("enrol", help="agree to report to the collector that gave this code")
    parser.add_argument("code", metavar="CODE", help="as `updateplicht-collector gateways code` printed it")
    parser.add_argument("--yes", action="store_true", help="agree without being asked")
    parser.add_argument(
        "--wait", type=int, default=30, metavar="S", help="seconds for the receipt; default: %(default)s"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Enrol this gateway."""
    code = parse_code(args.code)
    settings = config.load(Path(args.config))
    identity = keys.load_or_create(settings.state_dir)
    now = args.clock()
    asserted_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    signed = sign_enrolment(gateway=identity.gateway, key=identity.key, code=code, asserted_at=asserted_at)
    before = enrolment.load(settings.state_dir)
    _show(code, before, identity.gateway, signed, sales=len(settings.sales))
    if not (args.yes or agrees("Report to this collector? [y/N]")):
        print(f"Nothing was sent. The gateway's own key and ids stay in {settings.state_dir}.")
        return EX_DECLINED
    spool = service.open_spool(settings)
    agreed = enrolment.from_code(code, hashlib.sha256(signed).hexdigest(), now)
    spool.withdraw(Kind.ENROLMENT)  # an earlier one that nobody answered is for another collector, or another code
    spool.put(Kind.ENROLMENT, signed, now=now)
    enrolment.propose(settings.state_dir, agreed)
    trouble = _deliver(settings, identity.gateway, spool, agreed, args.wait)
    if (refusal := spool.refused.answer_to(agreed.statement)) is not None:
        return _tell_refused(open_refusal(refusal, agreed.key).reason, before, settings.state_dir)
    return _tell(spool, agreed, trouble or f"{agreed.host}:{agreed.port} did not answer")


def _show(code: EnrolmentCode, before: Enrolment | None, gateway: str, signed: bytes, *, sales: int) -> None:
    print(f"This gateway is {gateway}.")
    print(f"It would report to the collector with log {code.log}")
    print(f"through the broker {code.host}:{code.port} ({'with' if code.tls else 'without'} TLS).")
    if before is not None and before.log != code.log:
        print(f"It reports to log {before.log} now, and would stop doing so once the new")
        print("collector has accepted it; what still waits then goes to the new one.")
    print(f"Sent at once, {len(signed)} bytes to {topic(gateway, 'statement')}:\n")
    print(diagnose(signed), end="\n\n")
    print("Sent from then on: for each device its firmware version, an update on offer, its hardware revision, its")
    print(
        "model ids and whether it answered, under an id that only this gateway can trace to the device; and the sales"
    )
    print(f"that your configuration names: {sales or 'none'}. No serial number, MAC address or name leaves this house;")
    print("`updateplicht-agent preview` shows every byte beforehand.")


class _Wait:
    """Waits until the enrolment was answered, for as long as people do."""

    def __init__(self, state_dir: Path, spool: Spool, wait_s: int) -> None:
        self._state_dir = state_dir
        self._spool = spool
        self._wait_s = wait_s

    async def until_answered(self) -> None:
        """Return once it is answered, or time is up."""
        print("Waiting for the collector's receipt ", end="", file=sys.stderr, flush=True)
        for look in range(int(self._wait_s / _LOOK_S)):
            enrolment.settle(self._state_dir, self._spool)
            if enrolment.pending(self._state_dir) is None:
                break
            if look % 5 == 4:
                print(".", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(_LOOK_S)
        print(file=sys.stderr)


def _deliver(settings: Config, gateway: str, spool: Spool, agreed: Enrolment, wait_s: int) -> str | None:
    """Deliver it, or watch the running service do so; why there was no session, if there was none."""
    state_dir = settings.state_dir
    wait = _Wait(state_dir, spool, wait_s)
    if is_locked(state_dir):
        asyncio.run(wait.until_answered())
        return None
    with locked(state_dir):
        publisher = service.enroller(settings.broker, gateway, spool, Remembered(state_dir))
        asyncio.run(_publish(publisher, agreed, wait))
    return publisher.trouble.detail if publisher.trouble else None


async def _publish(publisher: Publisher, agreed: Enrolment, wait: _Wait) -> None:
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(publisher.run(agreed), name="publisher")
        await wait.until_answered()
        publishing.cancel()


def _tell_refused(reason: str, before: Enrolment | None, state_dir: Path) -> int:
    if reason == "key":
        print("The collector has revoked this gateway: nothing that it sends counts there.")
        print(f"But {enrolment.anew(state_dir)} with this same code.")
        return os.EX_NOPERM
    print("The collector refused the enrolment; the code may have been used or be too old. Ask for a new one.")
    print(f"This gateway reports to {f'log {before.log}, as before' if before else 'nobody'}.")
    return os.EX_NOPERM


def _tell(spool: Spool, agreed: Enrolment, trouble: str) -> int:
    if spool.kept.holds(agreed.statement):
        print("Enrolled: the collector has signed a receipt. `updateplicht-agent run` reports from now on.")
        return os.EX_OK
    print(f"No receipt yet: {trouble}.")
    print("Nothing is lost: the enrolment waits in the spool, and `updateplicht-agent run` delivers it when it can.")
    return os.EX_TEMPFAIL
