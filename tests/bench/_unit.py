"""The unit of the ingest: raw checks of Ed25519 signatures through PyNaCl, without anything around them."""

import multiprocessing
import os
import time
from typing import Final

from nacl import bindings

from evidence.keys import SigningKey

SECONDS: Final = 2.0
MESSAGE: Final = bytes(range(200))  # as large as an unchanged report
_AT_ONCE: Final = 100


def verifications(seconds: float = SECONDS) -> float:
    """A second on one core: on each of them in turn, since of shared cores one may be half as fast as the next."""
    cores = sorted(os.sched_getaffinity(0))
    try:
        rates = [_on(core, seconds / len(cores)) for core in cores]
    finally:
        os.sched_setaffinity(0, cores)
    return sum(rates) / len(rates)


def verifications_of_all(seconds: float = SECONDS) -> float:
    """A second on all cores at once."""
    cores = sorted(os.sched_getaffinity(0))
    with multiprocessing.get_context("spawn").Pool(len(cores)) as pool:
        pool.starmap(_on, [(core, 0.01) for core in cores], chunksize=1)  # all of them are there
        return sum(pool.starmap(_on, [(core, seconds) for core in cores], chunksize=1))


def _on(core: int, seconds: float) -> float:
    """How many a second this thread checks on one core, to which it stays bound."""
    os.sched_setaffinity(0, {core})
    key = SigningKey(bytes(32))
    signed, public = key.sign(MESSAGE) + MESSAGE, key.public.data
    begun, count = time.perf_counter(), 0
    while (took := time.perf_counter() - begun) < seconds:
        for _ in range(_AT_ONCE):
            bindings.crypto_sign_open(signed, public)
        count += _AT_ONCE
    return count / took
