"""Several files given to ``--with``, as one plug-in."""

from collections import Counter
from collections.abc import Sequence

from trainables.config import refused
from trainables.plugin import TABLES, Plugin

_TEMPLATE = '''"""Made of {names}: each runs as a module of its own, and their tables are joined."""

import linecache

_FILES = {{
{sources}
}}
_TABLES = {tables!r}
BOUNDARY_HEAD = ()


def _join():
    found, joined = {{}}, {{}}
    for file, text in _FILES.items():
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        names = {{"__name__": __name__, "__doc__": None}}
        exec(compile(text, file, "exec"), names)
        heads = names.get("BOUNDARY_HEAD", ())
        joined["BOUNDARY_HEAD"] = (*joined.get("BOUNDARY_HEAD", ()), *heads)
        for table in _TABLES:
            for name, entry in names.get(table, {{}}).items():
                first = found.setdefault((table, name), file)
                if first != file:
                    raise ValueError(f"{{table}}/{{name}} is in {{first}} and in {{file}}")
                joined.setdefault(table, {{}})[name] = entry
    return joined


globals().update(_join())
'''


def joined(files: Sequence[Plugin]) -> Plugin:
    """The files as one plug-in, whose text travels with the study; a single file is itself.

    Raises:
        ValueError: two files have the same name, so that a message could mean either.
    """
    if len(files) == 1:
        return files[0]
    names = [file.name for file in files]
    for name, count in Counter(names).items():
        if count > 1:
            raise refused("--with", "given files of different names", name)
    # A line of the text per line of the file: a user who may have to add --trust can read it.
    sources = "\n".join(f"    {file.name!r}: (\n{_lines(file.text)}\n    )," for file in files)
    text = _TEMPLATE.format(names=", ".join(names), sources=sources, tables=TABLES)
    return Plugin("+".join(names), text)


def _lines(text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    return "\n".join(f"        {line!r}" for line in lines)
