"""What a command's libraries print, and a user without a name."""

import logging
import os
import pwd
from pathlib import Path

import pytest

from study.commands import explain, process, report, run
from study.tracking import names

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a line in /etc/passwd."""

    def unknown(uid: int) -> object:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in NAMES:
        monkeypatch.setenv(name, "")  # also restores what the code sets
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_user_without_a_name_has_one_in_mlflow_and_for_the_libraries(nameless: None) -> None:
    expected = f"uid-{os.getuid()}"
    assert names.user_name() == expected
    process.name_the_user()
    assert os.environ["LOGNAME"] == expected


def test_a_name_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("USER", "ada")
    process.name_the_user()
    assert (names.user_name(), os.environ["LOGNAME"]) == ("ada", "")


@pytest.mark.parametrize("main", [report.main, run.main, explain.main])
def test_every_command_hides_the_lines_of_optuna(main: object, tmp_path: Path) -> None:
    logger = logging.getLogger("optuna")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        assert callable(main)
        with pytest.raises(SystemExit):
            main(["--no-such-option"])
        assert logger.level == logging.ERROR
    finally:
        logger.setLevel(before)
