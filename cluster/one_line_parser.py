"""A command-line parser for all entry points."""

import argparse
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """Prints an error as one line instead of a page of usage; the exit code is 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")
