"""What `ray job submit --working-dir .` sends, as Ray's own code packs it."""

import zipfile
from collections import Counter
from pathlib import Path

from ray._private.runtime_env.packaging import _zip_files

from tests.conftest import ROOT

PACKAGES = {"study", "trainables", "search_spaces", "cluster"}
AT_MOST_BESIDE = 2**16
"""Bytes of all files that are not in these packages."""
LARGEST = 2**15
"""Bytes of one file."""


def test_only_code_is_shipped(tmp_path: Path) -> None:
    """.rayignore and .gitignore exclude data, results, tests and the repository."""
    package = tmp_path / "shipped.zip"
    _zip_files(
        path_str=str(ROOT),
        excludes=[],
        output_path=str(package),
        include_parent_dir=False,
        include_gitignore=True,
    )
    files = [file for file in zipfile.ZipFile(package).infolist() if not file.is_dir()]
    sizes: Counter[str] = Counter()
    for file in files:
        sizes[file.filename.split("/")[0]] += file.file_size
    assert sizes.keys() >= PACKAGES
    assert not sizes.keys() & {".git", ".venv", "runs", "docs", "tests", "mlflow.db", "mlartifacts"}
    assert sum(size for top, size in sizes.items() if top not in PACKAGES) < AT_MOST_BESIDE
    assert max(file.file_size for file in files) < LARGEST
