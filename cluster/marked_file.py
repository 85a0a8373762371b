"""Files that are complete, with the values of an example in marked lines."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

# A head (`key: `, `key=`, `- ` or `#SBATCH --key=`), the value to replace, and the mark.
_MARKED = re.compile(
    r"(?P<head>\s*(?:- )?(?:#SBATCH --)?[\w-]+(?:: |=)|\s*- )"
    r"(?P<value>.*?)(?P<tail>\s+# <- (?P<name>\w+).*)"
)


def fill(path: Path, values: Mapping[str, object], write: Callable[[object], str]) -> str:
    """Replace every marked value of the file; the marks stay, so that it can be filled again."""
    lines = []
    for line in path.read_text().splitlines():
        marked = _MARKED.fullmatch(line)
        assert marked or "# <- " not in line, f"{path.name}: {line}"
        if marked:
            value = values[marked["name"]]
            if value is None:
                continue  # the study does not need this line
            plain = line.startswith("#SBATCH")  # read by Slurm, not by the shell
            line = marked["head"] + (str(value) if plain else write(value)) + marked["tail"]
        lines.append(line)
    return "\n".join(lines) + "\n"
