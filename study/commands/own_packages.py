"""Imports Edgewise's other packages for somebody who imports ``study`` from another folder."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("cluster", "search_spaces", "trainables")


def import_packages() -> None:
    """Import the packages beside this one, even if the caller's folder has files of these names.

    Raises:
        ImportError: the caller has already imported another module of such a name.
    """
    sys.path.insert(0, str(_ROOT))
    try:
        for name in _PACKAGES:
            _require_ours(import_module(name))
    finally:
        sys.path.remove(str(_ROOT))


def _require_ours(module: ModuleType) -> None:
    if module.__file__ is None or _ROOT not in Path(module.__file__).resolve().parents:
        raise ImportError(
            f"{module.__name__} must be Edgewise's package in {_ROOT}, got {module.__file__}: "
            f"import study first, or rename that file"
        )
