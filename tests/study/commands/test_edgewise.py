"""The installed command `edgewise`: the scripts of `study/` by one name."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from study.commands import edgewise
from study.ledger import provenance, typed_command
from study.planning import printed_commands
from tests.conftest import ROOT


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["/env/bin/edgewise", "--space", "region"])
    return "/env/bin/edgewise"


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        (["--space", "region"], "run", ["--space", "region"]),
        ([], "run", []),
        (["report", "NAME"], "report", ["NAME"]),
        (["predict", "NAME", "--out", "DIR"], "predict", ["NAME", "--out", "DIR"]),
        (["export", "NAME"], "export", ["NAME"]),
        (["explain", "semeda"], "explain", ["semeda"]),
    ],
)
def test_each_word_reaches_its_script(
    words: list[str], command: str, rest: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    def main(arguments: list[str]) -> int:
        given.append(arguments)
        return 7

    monkeypatch.setattr(import_module(f"study.commands.{command}"), "main", main)
    assert edgewise.main(words) == 7
    assert given == [rest]


def test_without_the_extra_one_line_says_what_to_install() -> None:
    """As after `pip install edgewise`: the losses' packages are there, those of a study are not."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "sys.modules['optuna'] = None\n"
        "from study.commands.edgewise import main\n"
        "sys.exit(main(['--list']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "edgewise: needs the package optuna: pip install 'edgewise[study]'\n"


def test_messages_name_what_was_typed(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert edgewise.main(["--space", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("edgewise: --space must be one of ")
    assert edgewise.main(["report", "never-run"]) == 2
    assert capsys.readouterr().err.startswith("edgewise report: NAME must ")


def test_printed_commands_start_what_was_typed(typed: str, tmp_path: Path) -> None:
    resume = printed_commands.resume_command("mine", tmp_path, "sqlite:///x.db")
    assert resume.startswith(f"{typed} --resume mine ")
    rebuild = printed_commands.rebuild_command("mine", tmp_path, "sqlite:///x.db")
    assert rebuild.startswith(f"{typed} report mine --rebuild-mlflow ")


def test_a_printed_command_works_from_another_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["env/bin/edgewise"])
    monkeypatch.chdir(tmp_path)
    resume = printed_commands.resume_command("mine", tmp_path, "sqlite:///x.db")
    assert resume.startswith(f"{tmp_path}/env/bin/edgewise --resume mine ")


def test_without_it_the_scripts_keep_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(ROOT / "study" / "run.py")])
    assert typed_command.name_of("study/report.py") == "study/report.py"


def test_the_ledger_has_the_typed_command(typed: str) -> None:
    assert provenance.provenance().command == "edgewise --space region"


def test_a_commit_is_named_only_of_the_repository_that_holds_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed below a user's repository, git answers with the user's commit."""
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    monkeypatch.setattr(provenance, "_SCRIPT", tmp_path / "study" / "run.py")
    found = provenance.provenance()
    assert found.commit is None
    assert found.dirty is None


def test_the_packages_are_all_installed() -> None:
    """Every package of the repository is in the wheel once, `edgewise` from its folder."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-dir"] == {"edgewise": "trainables/edgewise"}
    discover = import_module("setuptools").PEP420PackageFinder.find
    finds = settings["packages"]["find"]
    found = [
        name
        for where in finds["where"]
        for name in discover(str(ROOT / where), include=finds["include"], exclude=finds["exclude"])
    ]
    assert len(found) == len(set(found))
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in ("study", "trainables", "search_spaces", "cluster")
        for path in (ROOT / package).rglob("*.py")
    }
    expected = {name.replace("trainables.edgewise", "edgewise") for name in folders}
    assert expected | {"cluster.launch"} == set(found)
