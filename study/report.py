"""A study's report, from its ledger alone: `python study/report.py NAME [--rebuild-mlflow]`."""

import sys
from pathlib import Path

if __name__ == "__main__":  # found from wherever it is called, installed or not
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from study.commands.report import main

if __name__ == "__main__":
    sys.exit(main())
