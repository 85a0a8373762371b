"""The check of MLflow's database on a server, such as PostgreSQL: it answers, and fits."""

import socket
from typing import TYPE_CHECKING, NamedTuple

from cluster.preflight.mlflow_schema import fault_of_version
from cluster.safe_text import without_passwords

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

SCHEMES = ("postgresql", "mysql", "mssql")
_TIMEOUT_S = 5
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_WAITS = {
    "psycopg2": "connect_timeout",
    "psycopg": "connect_timeout",
    "pymysql": "connect_timeout",
    "mysqldb": "connect_timeout",
    "pyodbc": "timeout",
    "pymssql": "login_timeout",
}
"""By driver, its argument for the longest wait."""
_OTHER = "start it, or name another with --tracking-uri"


class Fault(NamedTuple):
    """What is wrong with a database, and what to do about it."""

    found: str
    remedy: str = _OTHER
    away: bool = False
    """Nothing answers."""


def fault_of_server(uri: str, experiment: str) -> Fault | None:
    """What would keep MLflow from writing here; None if nothing does."""
    # A second of imports, which no other study needs.
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        url = make_url(uri)
        if fault := _silent(url):
            return fault
        wait = _WAITS.get(url.get_driver_name())
        arguments = {wait: _TIMEOUT_S} if wait else {}
        engine = create_engine(url, connect_args=arguments, poolclass=NullPool)
        return fault_of_tables(engine, without_passwords(uri), experiment)
    except ImportError as error:
        return Fault(f"needs the package {error.name}", f"install it: pip install {error.name}")
    except (SQLAlchemyError, ValueError, KeyError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        words = without_passwords(reason[0])[:160] or type(error).__name__
        return Fault(f"cannot be used: {words}", "correct it, or name another with --tracking-uri")


def _silent(url: "URL") -> Fault | None:
    """Whether nothing listens at the address. A local socket or an ODBC name has none."""
    backend = url.get_backend_name()
    if url.host is None or "unix_socket" in url.query or (backend == "mssql" and url.port is None):
        return None
    host, port = url.host, url.port or _PORTS[backend]
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return Fault(f"does not answer at {host}:{port} ({reason})", away=True)
    return None


def fault_of_tables(engine: "Engine", uri: str, experiment: str) -> Fault | None:
    """What is wrong with MLflow's tables; None if nothing is, or there are none yet."""
    from sqlalchemy import inspect, text

    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" in tables:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if fault := fault_of_version(str(version or ""), uri):
                return Fault(*fault)
        if "experiments" not in tables:
            return None
        query = text("SELECT lifecycle_stage, experiment_id FROM experiments WHERE name = :name")
        row = connection.execute(query, {"name": experiment}).first()
    if row is None or row[0] != "deleted":
        return None
    return Fault(
        f"has the deleted experiment {experiment}, which would hide the study's runs",
        f"restore it with: mlflow experiments restore --experiment-id {row[1]}",
    )
