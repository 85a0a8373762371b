"""What users and their plug-ins import, and which packages export names."""

from importlib import import_module

import pytest

from tests.source import PACKAGES, files, module_of

FACES = {"study", "search_spaces", "trainables.config", "trainables.data", "trainables.edgewise"}
"""Packages whose ``__init__.py`` exports names; all others are empty."""
PUBLIC = {
    "study": [
        "plan",
        "make_plan",
        "run_plan",
        "resume",
        "results",
        "verdict",
        "together",
        "predict",
        "export",
    ],
    "trainables.saved": ["load"],
    "trainables.saved_loss": ["Loss"],
    "trainables.losses.term": ["LossTerm"],
    "trainables.losses.terms": ["Prediction", "Target"],
    "trainables.metrics.plugin_metric": ["ImageMetric"],
    "trainables.metrics.counts_file": ["load_task_counts"],
    "trainables.data.albumentations": ["from_albumentations"],
    "search_spaces": ["Cell", "Dimension", "Grid", "Space"],
}
"""What users and their plug-ins import; plug-ins lie in old ledgers."""


@pytest.mark.parametrize("package", PACKAGES)
def test_only_faces_export_names(package: str) -> None:
    for path in files(package):
        if path.name == "__init__.py" and module_of(path) not in FACES:
            assert not path.read_text().strip(), path


@pytest.mark.parametrize("module", PUBLIC)
def test_what_users_import_stays(module: str) -> None:
    for name in PUBLIC[module]:
        assert hasattr(import_module(module), name), f"{module}.{name}"
