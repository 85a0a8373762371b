"""Run a study: `python study/run.py --space inverseform`. See --help and --list."""

import sys
from pathlib import Path

if __name__ == "__main__":  # found from wherever it is called, installed or not
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from study.commands.run import main

if __name__ == "__main__":
    sys.exit(main())
