"""A network for other runtimes: `python study/export.py NAME --format onnx`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the script's folder, study/, first on the path, unless it runs with -P; the
    # packages are one level up.
    if not sys.flags.safe_path:
        del sys.path[0]
    # PYTHONPATH may name this folder: its files must not shadow Python's library.
    sys.path.sort(key=str(Path.cwd()).__eq__)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from study.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
