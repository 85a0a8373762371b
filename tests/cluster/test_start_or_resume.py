"""The script that starts a study, or resumes it."""

import subprocess
from pathlib import Path

from tests.source import ROOT

SCRIPT = ROOT / "cluster" / "launch" / "start-or-resume.sh"


def test_start_or_resume_starts_a_study_and_then_resumes_it(tmp_path: Path) -> None:
    """The script calls a `python` that prints its arguments."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    script = str(SCRIPT)
    command = ["sh", script, "one", str(tmp_path), "http://t", "--space", "s"]
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin"}

    def words() -> str:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert words().endswith("--tracking-uri http://t --name one --space s\n")
    ledger = tmp_path / "one" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text('{"event":"pla')  # killed in its first write
    assert words().endswith("--name one --space s\n")
    ledger.write_text('{"event":"planned"}\n')
    assert words().endswith("--tracking-uri http://t --resume one\n")
