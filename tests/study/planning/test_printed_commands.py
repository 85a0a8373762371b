"""A printed command works when it is typed in another folder."""

import shlex
import subprocess
from pathlib import Path

import pytest

from study.commands import options
from study.commands.last_lines import browse
from study.commands.options import make_parser
from study.planning.printed_commands import rebuild_command, resume_command

URI = "sqlite:////data/my runs/m.db"


@pytest.mark.parametrize("command", [resume_command, rebuild_command])
def test_a_command_names_its_places_and_quotes_them(command: object, tmp_path: Path) -> None:
    assert callable(command)
    text = command("a", Path("/data/my runs"), URI)
    words = shlex.split(text)
    assert words[-4:] == ["--storage", "/data/my runs", "--tracking-uri", URI]
    done = subprocess.run([*words[:2], "--help"], cwd=tmp_path, capture_output=True, timeout=200)
    assert done.returncode == 0


def test_the_resume_command_names_the_places_of_the_default_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = options.parse_request([])
    words = shlex.split(resume_command("a", request.storage_folder(), request.tracking()))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    again = options.parse_request(words[2:])
    assert again.storage_folder() == tmp_path / "runs"
    assert again.tracking() == f"sqlite:///{tmp_path}/mlflow.db"
    assert make_parser().parse_args(words[2:]).resume == "a"


def test_a_relative_database_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = options.parse_request(["--tracking-uri", "sqlite:///m.db?timeout=9"])
    assert request.tracking() == f"sqlite:///{tmp_path}/m.db?timeout=9"
    assert options.parse_request(["--tracking-uri", "http://x/m"]).tracking() == "http://x/m"


def test_the_browse_command_is_quoted() -> None:
    assert shlex.split(browse(URI, ""), comments=True)[-1] == URI
