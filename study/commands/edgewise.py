"""`edgewise`, the command that the package installs: `study/run.py` and its siblings by one name.

`edgewise report NAME`, `edgewise predict ...`, `edgewise export ...` and `edgewise explain ...` are
the scripts of these names; everything else is an option of `study/run.py`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

_SIBLINGS = ("report", "predict", "export", "explain")
_OURS = ("cluster", "search_spaces", "study", "trainables")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. The exit code is that of the script, and 1 without what a study needs."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words.pop(0) if words and words[0] in _SIBLINGS else "run"
    try:
        code: int = import_module(f"study.commands.{command}").main(words)
        return code
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in _OURS:
            raise
        line = f"edgewise: needs the package {missing}: pip install 'edgewise[study]'"
        print(line, file=sys.stderr)
        return 1
