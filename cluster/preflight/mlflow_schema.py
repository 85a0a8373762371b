"""The version of MLflow's tables in a database, beside the one that this MLflow writes.

It is read from MLflow's files, since importing it takes seconds. MLflow itself refuses a database
of another version, but only in the thread that writes, where a study notices it at its end.
"""

import re
import shlex
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_REVISION = re.compile(r"^revision\b.*?=\s*[\"'](\w+)", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision\b.*$", re.MULTILINE)
_QUOTED = re.compile(r"[\"'](\w+)[\"']")


def fault_of_version(found: str, uri: str) -> tuple[str, str] | None:
    """What is wrong with a database of this version, and the remedy; None if nothing is.

    Args:
        found: ``version_num`` in its table ``alembic_version``; "" without one, as in a new one.
        uri: the database's, without a password.
    """
    known, newest = _versions()
    if not found or not newest or found == newest:
        return None
    if found in known:
        mlflow = str(Path(sys.executable).with_name("mlflow"))
        command = shlex.join([mlflow, "db", "upgrade", uri])
        return "was written by an older MLflow", f"copy it, then upgrade it with: {command}"
    return "was written by a newer MLflow", "install that version of mlflow"


@cache
def _versions() -> tuple[frozenset[str], str]:
    """All versions that this MLflow knows, and the newest; "" if its files do not say."""
    package = find_spec("mlflow")
    if package is None or package.origin is None:
        return frozenset(), ""
    folder = Path(package.origin).parent / "store" / "db_migrations" / "versions"
    known, before = set[str](), set[str]()
    for text in (path.read_text() for path in folder.glob("*.py")):
        known |= set(_REVISION.findall(text))
        before |= {name for line in _BEFORE.findall(text) for name in _QUOTED.findall(line)}
    newest = known - before
    return frozenset(known), newest.pop() if len(newest) == 1 else ""
