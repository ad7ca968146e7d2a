"""Secrets are files: a credential that systemd hands over, else a file that only its owner may read.

systemd shows a service its credentials (`LoadCredential=`, systemd.exec(5)) in `$CREDENTIALS_DIRECTORY`, which nobody
else can enter. Their own mode is not looked at: where systemd lets the service in by an access list, the list's mask
shows as rights of a group that has none.
"""

import os
from pathlib import Path

from agent.errors import CredentialError

_DIRECTORY, _OTHERS = "CREDENTIALS_DIRECTORY", 0o077


def credential(name: str) -> Path | None:
    """The credential of that name, None where systemd gave us none."""
    directory = os.environ.get(_DIRECTORY)
    path = Path(directory, name) if directory else None
    return path if path is not None and path.exists() else None


def private_file(path: Path) -> Path:
    """The same path, once it is sure that nobody else may read it.

    Raises:
        CredentialError: It is not there, or others may read it.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CredentialError(f"{path}: {error.strerror}; put the secret there, for its owner only") from error
    if mode & _OTHERS and str(path.parent) != os.environ.get(_DIRECTORY):
        raise CredentialError(f"{path}: others may read this secret; chmod 600, and think about who has read it")
    return path


def secret(name: str, file: str | None) -> Path | None:
    """Where a secret is: the credential of that name, else the file that the configuration names.

    Raises:
        CredentialError: The file is not there, or others may read it.
    """
    return credential(name) or (private_file(Path(file)) if file is not None else None)
