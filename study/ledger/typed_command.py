"""How the running command is named: by the script in `study/`, or by the installed `edgewise`."""

import sys
from pathlib import Path

INSTALLED = "edgewise"


def installed_command() -> str:
    """The path of the installed command, from any folder, if that is what was typed, else ""."""
    typed = Path(sys.argv[0] if sys.argv else "")
    if typed.stem != INSTALLED:
        return ""
    return str(typed.absolute() if typed.parent != Path() else typed)


def words_of(script: str) -> list[str]:
    """What follows the installed command for a script: ``report``; nothing for ``study/run.py``."""
    stem = Path(script).stem
    return [] if stem == "run" else [stem]


def name_of(script: str) -> str:
    """A script's name in messages: ``study/report.py``, or ``edgewise report`` if it was typed."""
    return " ".join([INSTALLED, *words_of(script)]) if installed_command() else script
