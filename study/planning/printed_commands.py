"""The commands that a study prints. Each works from any folder, whatever letters a path has."""

import shlex
import sys
from pathlib import Path

from cluster import session
from cluster.safe_text import MASK, without_passwords
from study.ledger.typed_command import installed_command, words_of

_ROOT = Path(__file__).resolve().parents[2]


def resume_command(study: str, storage: Path, tracking_uri: str, more: str = "") -> str:
    """The command that resumes a study, and ``more`` options."""
    return _command("study/run.py", "--resume", study, *_places(storage, tracking_uri), more=more)


def rebuild_command(study: str, storage: Path, tracking_uri: str) -> str:
    """The command that writes a study's runs in MLflow again."""
    places = _places(storage, tracking_uri)
    return _command("study/report.py", study, "--rebuild-mlflow", *places)


def winner_command(study: str, storage: Path, tracking_uri: str) -> str:
    """The command that runs the winner of a search on other seeds."""
    return _command("study/run.py", "--winner", study, *_places(storage, tracking_uri))


def horizon_command(study: str, storage: Path, tracking_uri: str) -> str:
    """The command that runs the leaders of a grid longer."""
    return _command("study/run.py", "--horizon", study, *_places(storage, tracking_uri))


def _places(storage: Path, tracking_uri: str) -> list[str]:
    # Always both: the defaults depend on the folder that a command is typed in.
    return ["--storage", str(storage), "--tracking-uri", tracking_uri]


def _command(script: str, *words: str, more: str = "") -> str:
    """A command; a password is left out, and a comment says so: as it is, it is refused."""
    start = _start(script)
    command, shown = (
        shlex.join([*start, *given]) for given in (words, map(without_passwords, words))
    )
    note = "" if shown == command else f"  # with the password in place of {MASK}"
    return f"{shown}{more}{note}"


def _start(script: str) -> list[str]:
    """The words that start a script; the installed command if it was typed."""
    if session.shipped():  # into a folder that vanishes: the next job ships the code again
        return ["python", script]
    if typed := installed_command():
        return [typed, *words_of(script)]
    return [sys.executable, str(_ROOT / script)]
