"""Prepares the process of a command: what its libraries print, and the user's name."""

import io
import logging
import os
import sys
import time
import warnings

import psutil

from study.tracking.names import user_name

_LIBRARIES = ("ray", "mlflow", "alembic", "optuna", "huggingface_hub", "timm")


_is_command = False


def prepare() -> None:
    """Hide the libraries' messages, and write each line to a file or a job's log at once."""
    global _is_command
    _is_command = True
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module=r"optuna(\.|$)")
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    name_the_user()


def seconds_since_start() -> float | None:
    """Since the command was typed; None in another program, such as a notebook."""
    return time.time() - psutil.Process().create_time() if _is_command else None


def name_the_user() -> None:
    """Set LOGNAME for a user without a name, which torch and MLflow ask for, here and on ranks."""
    if not any(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        os.environ["LOGNAME"] = user_name()
