"""A tracking server that restarts some time after it was killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen


class Server:
    """MLflow's server on loopback, with its database in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.back = folder, 0.0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def serve(self) -> None:
        """Start it, unless it runs or must still be away."""
        if time.monotonic() < self.back or self.lives():
            return
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--workers",
                "1",
                "--backend-store-uri",
                f"sqlite:///{self.folder}/m.db",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )

    def ready(self, patience_s: float = 180.0) -> None:
        """Start the server, and wait until it answers."""
        end = time.monotonic() + patience_s
        while True:
            self.serve()
            try:
                with urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                assert time.monotonic() < end, "the tracking server does not come back"
                time.sleep(0.5)

    def kill(self, away_s: float = 0.0) -> bool:
        """SIGKILL, and stay away for ``away_s``; False where it did not run."""
        if self.process is None or not self.lives():
            return False
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.back = time.monotonic() + away_s
        return True
