"""What Ray raises when it does not start, as one line that says what to do."""

import re

_REMEDIES = (
    (r"AF_UNIX|socket_filename", "set RAY_TMPDIR to a folder with a short path"),
    (r"No space left|Errno 28|disk.*full", "free the disk, or set RAY_TMPDIR to another one"),
    (r"Read-only|Permission|Errno 13|Errno 30", "set RAY_TMPDIR to a folder that can be written"),
    (r"/dev/shm|shared memory|object.store|plasma", "make /dev/shm larger (docker --shm-size)"),
    (r"Too many open files|Errno 24", "raise the limit of open files (ulimit -n)"),
    (
        r"Cannot allocate|Errno 12|MemoryError|new thread|Resource temporarily|Errno 11",
        "free memory, or raise the limit of processes (ulimit -u)",
    ),
    (r"in use|Errno 98|\bport\b", "another program took the port: start again"),
    (
        r"[Tt]imed? ?out|Timeout|node_ip_address",
        "the machine is busy: start again; RAY_raylet_start_wait_time_s=120 waits longer",
    ),
    (r"[Vv]ersion", "install the same versions of Ray and Python everywhere"),
)
"""By a pattern of Ray's message, the most specific first."""
_OTHERWISE = "start again; with --verbose Ray's own messages are shown"
_LENGTH = 200


def start_error(error: Exception) -> ValueError:
    """The one-line error for what ``ray.init`` raised."""
    text = str(error).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Ray may quote the end of a log, whose last line is the cause.
    cause = lines[-1] if lines and re.match(r"The last \d+ lines", lines[0]) else "; ".join(lines)
    return ValueError(
        f"Ray must start, got {type(error).__name__}: {cause[:_LENGTH] or 'no message'}; "
        f"{_remedy(f'{type(error).__name__} {text}')}"
    )


def _remedy(text: str) -> str:
    return next((words for pattern, words in _REMEDIES if re.search(pattern, text)), _OTHERWISE)
