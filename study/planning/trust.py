"""Which plug-ins of ledgers this user has agreed to execute.

A ledger carries the text of its plug-in, and whoever can write to the storage can change it. So the
text is executed only if this user gave a file with that very text to ``--with`` or agreed with
``--trust``. The mark lies outside every storage, in the user's own state folder.
"""

import hashlib
import os
from pathlib import Path

from trainables.config.words import counted
from trainables.plugin import Plugin

_agreed: set[str] = set()
"""Keys of this process: where the state folder cannot be written, they are all there is."""


def state_folder() -> Path:
    """``$XDG_STATE_HOME/edgewise/trusted``, by default below ``~/.local/state``.

    Raises:
        RuntimeError: the user has no home.
    """
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "edgewise" / "trusted"


def agree(plugin: Plugin) -> None:
    """Note that this user wants this text executed, now and in later commands."""
    _agreed.add(_key(plugin))
    try:
        mark = state_folder() / _key(plugin)
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    except (OSError, RuntimeError):
        return  # without a mark, a later command asks for --trust


def require_agreed(plugin: Plugin, flag: str, trust: bool) -> None:
    """Check that a ledger's plug-in may be executed; ``trust`` agrees to it.

    Raises:
        ValueError: the user has not agreed: one line with the option, the plug-in and its digest.
    """
    if trust:
        agree(plugin)
    if _key(plugin) not in _agreed and not _marked(plugin):
        lines = counted(len(plugin.text.splitlines()), "line")
        raise ValueError(
            f"{flag} would execute the plug-in {plugin.name!r} (digest {plugin.digest}, "
            f"{lines}) from a ledger, which you have not given to "
            f"--with on this machine: read it there, then add --trust"
        )


def _marked(plugin: Plugin) -> bool:
    try:
        mark = state_folder() / _key(plugin)
        return mark.is_file() and mark.stat().st_uid == os.getuid()
    except (OSError, RuntimeError):
        return False


def _key(plugin: Plugin) -> str:
    """The complete hash: the digest's twelve digits can be met by another text."""
    return hashlib.sha256(plugin.text.encode(errors="surrogatepass")).hexdigest()
