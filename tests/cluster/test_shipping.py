"""What `ray job submit --working-dir .` sends, as Ray's own code packs it."""

import zipfile
from pathlib import Path

from ray._private.runtime_env.packaging import _zip_files

from tests.conftest import ROOT

AT_MOST_BYTES = 2 * 2**20


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
    names = zipfile.ZipFile(package).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"study", "trainables", "search_spaces", "cluster"} <= tops
    assert not tops & {".git", ".venv", "runs", "docs", "tests", "mlflow.db", "mlartifacts"}
    assert package.stat().st_size < AT_MOST_BYTES
