"""The register as a command opens it, beside a collector that runs or none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from collector.config import Config
from collector.errors import ConfigError
from collector.store.database import open_engine
from collector.transparency.key import load_or_make
from collector.transparency.log import Log
from evidence.keys import SigningKey


@asynccontextmanager
async def opened(config: Config, *, now: int, worker: bool = False) -> AsyncIterator[tuple[AsyncEngine, Log]]:
    """The store and its log, both begun where there is none yet.

    Args:
        config: Says where.
        now: Unix seconds.
        worker: This is one process of several that take in.

    Raises:
        ConfigError: The key or the register is not as the configuration says.
        StoreError: The register cannot be opened.
        OSError: The state directory cannot be made.
    """
    key = await asyncio.to_thread(_key, config)
    engine = await open_engine(config.register_path, worker=worker)
    try:
        yield engine, await Log.open(engine, key, config.key_path, now=now, simulated=config.simulated)
    finally:
        await engine.dispose()


def _key(config: Config) -> SigningKey:
    Path(config.state_dir).mkdir(parents=True, exist_ok=True, mode=0o700)
    if config.register_path.exists() and not config.key_path.exists():
        what = "not there, though its register is; put it back, or hand it over as the credential collector.key"
        raise ConfigError(str(config.key_path), "", what)
    return load_or_make(config.key_path)
