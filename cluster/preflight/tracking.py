"""The checks of MLflow before a study: its database or server, its experiment, its variables.

Nothing here imports MLflow, which takes seconds: a local database is opened with SQLite, read-only,
one on a server through its driver, a tracking server through HTTP. What cannot be
written fails here: a study would notice it at its end.
"""

import json
import os
import shlex
import sqlite3
from base64 import b64encode
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from cluster.preflight.check import Check
from cluster.preflight.database_server import SCHEMES, fault_of_server
from cluster.preflight.mlflow_schema import fault_of_version
from cluster.safe_text import without_passwords

EXPERIMENT = "edgewise"
"""MLflow's experiment of all studies."""
_SQLITE = "sqlite:///"
_HEADER = b"SQLite format 3\0"
_TIMEOUT_S = 5.0
_AWAY = (0, 502, 503, 504)
"""No answer, or a proxy's for a server that is away."""
_IGNORED = {
    "MLFLOW_TRACKING_URI": "--tracking-uri decides",
    "MLFLOW_REGISTRY_URI": "models are registered where the runs are",
    "MLFLOW_EXPERIMENT_NAME": f"the experiment is {EXPERIMENT}",
    "MLFLOW_EXPERIMENT_ID": f"the experiment is {EXPERIMENT}",
    "MLFLOW_RUN_ID": "every trial has a run of its own",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "a thread of the study's own writes",
}
"""Variables that would send a part of a study elsewhere. Those about the connection are used."""


def tracking_checks(uri: str) -> list[Check]:
    """The checks of MLflow at this URI. What cannot be written fails."""
    if uri.startswith(("http://", "https://")):
        check: Check | None = _server(uri)
    else:
        check = _database_server(uri) if uri.startswith(SCHEMES) else _database(uri)
    return [*([check] if check else []), *_variables(uri)]


def database_path(uri: str) -> Path | None:
    """The file of a local database; None for one in memory, and for any other URI."""
    if not uri.startswith(_SQLITE):
        return None
    name = uri.removeprefix(_SQLITE).partition("?")[0]
    in_memory = name in ("", ":memory:") or name.startswith("file:") or "mode=memory" in uri
    return None if in_memory else Path(name).absolute()


def _variables(uri: str) -> list[Check]:
    wrong = {
        name: why
        for name, why in _IGNORED.items()
        if os.environ.get(name) not in (None, "", uri, EXPERIMENT)
    }
    if not wrong:
        return []
    return [
        Check(
            "MLflow variables",
            "warn",
            f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} set and not used",
            "; ".join(dict.fromkeys(wrong.values())),
        )
    ]


def _database(uri: str) -> Check | None:
    """What is wrong with a local database; None for others, which only MLflow can open."""
    if not uri.startswith("sqlite"):
        return None
    name, other = "tracking database", "name another with --tracking-uri sqlite:///FILE"
    path = database_path(uri)
    if path is None:
        return Check(name, "fail", f"{uri} is in memory and would be lost", other)
    fault = _fault_of_file(path) or _fault_of_tables(path)
    if fault:
        return Check(name, "fail", f"{path} {fault}", other)
    if outdated := fault_of_version(_version_in(path), uri):
        return Check(name, "fail", f"{path} {outdated[0]}", f"{outdated[1]}; or {other}")
    return _deleted(uri, _restore(path, uri)) if _experiment_in(path) == "deleted" else None


def _database_server(uri: str) -> Check:
    shown, fault = without_passwords(uri), fault_of_server(uri, EXPERIMENT)
    if fault is None:
        return Check("tracking database", "ok", f"{shown} answers")
    found = f"{shown} {fault.found}"
    return Check("tracking database", "fail", found, fault.remedy, fault.away)


def _fault_of_file(path: Path) -> str:
    """What is wrong with the file before it is opened, in words; "" if nothing is."""
    folder = path.parent
    try:
        if not path.exists():  # MLflow creates it, with its folders
            above = next(place for place in path.parents if place.exists())
            if not above.is_dir():
                return f"cannot be created: {above} is not a folder"
            return "" if os.access(above, os.W_OK) else f"cannot be created in {above}"
        if not path.is_file():
            return "is not a file"
        # SQLite keeps its journal beside the file.
        if not os.access(path, os.R_OK | os.W_OK) or not os.access(folder, os.W_OK):
            return "cannot be written"
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "is not an SQLite database" if header not in (b"", _HEADER) else ""


def _fault_of_tables(path: Path) -> str:
    """Whether a database is damaged or another program's, in words; "" if it is not."""
    try:
        tables = _rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    except sqlite3.OperationalError:  # locked: MLflow waits for it
        return ""
    except sqlite3.DatabaseError as error:
        return f"is a damaged database ({error})"
    names = {str(name) for (name,) in tables}
    return "is the database of another program" if names and "experiments" not in names else ""


def _experiment_in(path: Path) -> str:
    """``active`` or ``deleted``; "" without such an experiment, or if it cannot be read now."""
    try:
        found = _rows(path, "SELECT lifecycle_stage FROM experiments WHERE name = ?", EXPERIMENT)
    except sqlite3.Error:
        return ""
    return str(found[0][0]) if found else ""


def _version_in(path: Path) -> str:
    """The version of MLflow's tables; "" if it is not there, or cannot be read now."""
    try:
        found = _rows(path, "SELECT version_num FROM alembic_version")
    except sqlite3.Error:
        return ""
    return str(found[0][0]) if found else ""


def _rows(path: Path, query: str, *values: str) -> list[tuple[object, ...]]:
    """The answer of a database that is opened read-only; [] without the file."""
    if not path.exists():
        return []
    uri = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        return connection.execute(query, values).fetchall()


def _restore(path: Path, uri: str) -> str:
    """The command that restores the experiment."""
    ((number,),) = _rows(path, "SELECT experiment_id FROM experiments WHERE name = ?", EXPERIMENT)
    command = f"mlflow experiments restore --experiment-id {number}"
    return f"restore it with: MLFLOW_TRACKING_URI={shlex.quote(uri)} {command}"


def _deleted(uri: str, remedy: str) -> Check:
    return Check(
        "MLflow experiment",
        "fail",
        f"{EXPERIMENT} is deleted in {uri}, and would hide the study's runs",
        remedy,
    )


def _server(uri: str) -> Check:
    """Check that a server answers, and that its experiment is not deleted."""
    base, shown = uri.rstrip("/"), without_password(uri)
    code = status(f"{base}/health", with_credentials=True)
    if code == 200:
        if _experiment_on(base) == "deleted":
            return _deleted(shown, "restore it there, or name another server with --tracking-uri")
        return Check("tracking server", "ok", f"{shown} answers")
    found = f"{shown} answers {code}" if code else f"{shown} does not answer"
    remedy = "start it, or name another"
    if code in (401, 403):
        remedy = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or its --allowed-hosts"
    without = "or do without it: --tracking-uri sqlite:///FILE"
    away = code in _AWAY and _is_address(uri)
    return Check("tracking server", "fail", found, f"{remedy}; {without}", away)


def _is_address(uri: str) -> bool:
    """Whether a server could answer here: ``http://host:port`` has no number."""
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def without_password(uri: str) -> str:
    """The address of a server without a user and a password."""
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _experiment_on(base: str) -> str:
    """``active`` or ``deleted``; "" if the server has no such experiment or does not say so."""
    url = f"{base}/api/2.0/mlflow/experiments/get-by-name?experiment_name={EXPERIMENT}"
    try:
        with urlopen(_request(url), timeout=_TIMEOUT_S) as answer:
            return str(json.load(answer)["experiment"]["lifecycle_stage"])
    except (OSError, ValueError, KeyError, TypeError, HTTPException):
        return ""


def status(url: str, with_credentials: bool = False) -> int:
    """The HTTP status of an address, or 0 if there is no answer, or one that is not HTTP.

    ``with_credentials``: send those of MLflow, which no other server may see.
    """
    try:
        request = _request(url) if with_credentials else Request(url)
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (OSError, ValueError, HTTPException):
        return 0


def _request(url: str) -> Request:
    """A request with the credentials of the address, or of MLflow's variables."""
    request = Request(without_password(url))
    parts = urlsplit(url)
    user = unquote(parts.username or "") or os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = unquote(parts.password or "") or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    if user:
        pair = b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {pair}")
    elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request
