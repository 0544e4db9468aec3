"""Repositories in temporary folders: this one's files as they are now, with the smoke parameters as params.yaml."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from simaudit.plan import dvc
from simaudit.plan.load import load

ROOT = Path(__file__).parents[2]
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]


@dataclass(frozen=True)
class Repository:
    """A copy of this repository in which to act as a user would."""

    path: Path

    def environment(self) -> dict[str, str]:
        """This environment's programs over the copy's own source; no user configuration."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.path / "src"), "HF_HUB_OFFLINE": "1"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with its output."""
        return subprocess.run(command, cwd=self.path, env=self.environment(), capture_output=True, text=True)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own, so that the whole of it can be killed."""
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake and require success."""
        done = self.run("snakemake", "--cores", "all", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def due(self, *arguments: str) -> set[str]:
        """What a dry run would do: the name of each process, which is that of its log."""
        done = self.snakemake("-n", "--printshellcmds", *arguments)
        return set(
            re.findall(r"^    log: results/logs/(.+)\.log$", done.stdout + done.stderr, flags=re.MULTILINE)
        )

    def done_by(self, process: str) -> list[str]:
        """The jobs that a process has done the last time, by its log."""
        text = (self.path / f"results/logs/{process}.log").read_text()
        return re.findall(r"^(.+): is done$", text, flags=re.MULTILINE)

    def change(self, key: str, value: object) -> None:
        """Set the value at a dotted key of params.yaml."""
        file = self.path / "params.yaml"
        values = yaml.safe_load(file.read_text())
        *path, last = key.split(".")
        node = values
        for part in path:
            node = node[part]
        node[last] = value
        file.write_text(yaml.safe_dump(values, sort_keys=False))

    def append(self, file: str, text: str) -> None:
        """Add text to the end of a file."""
        with (self.path / file).open("a") as stream:
            stream.write(text)

    def add_the_attack_of_the_docs(self) -> None:
        """Do what docs/adding.md says of a new attack: its example as a file, and an entry in params.yaml."""
        (example,) = re.findall(
            r"```python\n(.*?)```", (self.path / "docs/adding.md").read_text(), flags=re.DOTALL
        )
        (self.path / "src/simaudit/attacks/threshold/my_attack.py").write_text(example)
        self.change("attacks.my_attack", {"timesteps": [50], "scale": 2.0})

    def copy(self, path: Path) -> "Repository":
        """The same repository with all its results elsewhere."""
        return Repository(Path(shutil.copytree(self.path, path, symlinks=True)))


def checkout(path: Path) -> Repository:
    """The files of this repository that git tracks or would track, committed, with the smoke parameters."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    smoke = load([ROOT / "params.yaml", ROOT / "experiments/smoke.yaml"])
    (path / "params.yaml").write_text(
        yaml.safe_dump(smoke.model_dump(mode="json", exclude_none=True), sort_keys=False)
    )
    dvc.refresh(smoke, path)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*GIT, *command], cwd=path, check=True)
    return Repository(path)
