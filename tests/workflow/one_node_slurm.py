"""A Slurm cluster of this machine alone, on loopback and free ports, that needs no root, no systemd and no /etc."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
SYSTEM_PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])

CONF = """\
ClusterName=simaudit
SlurmctldHost=localhost
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=3600
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory}
PartitionName=all Nodes=localhost Default=YES State=UP
"""


def missing() -> list[str]:
    """The programs that a cluster needs and this machine lacks."""
    return [name for name in (*DAEMONS, "sbatch") if not shutil.which(name, path=SYSTEM_PATH)]


class OneNodeSlurm:
    """Started by `with`, and stopped with all its jobs at the end of it, whatever happened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a user's shell needs to speak to this cluster."""
        path = os.pathsep.join([str(self.folder / "bin"), SYSTEM_PATH])
        return {"PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self) -> "OneNodeSlurm":
        try:
            self._configure()
            key, pipe = self.folder / "munge.key", self.folder / "munge.socket"
            files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("pid", "log", "seed")]
            self._start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={pipe}", *files)
            self._wait("munged", pipe.exists)
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D", "-N", "localhost")
            self._wait("the node", lambda: self("sinfo", "--noheader", "--format=%T") == "idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if len(self._processes) == len(DAEMONS):
            self("scancel", "--me")  # a job's own processes outlive slurmd
            self._wait("the jobs' end", lambda: not self("squeue", "--noheader"))
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __call__(self, *command: str) -> str:
        """What a Slurm command prints; nothing when it fails."""
        done = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        return done.stdout.strip()

    def _configure(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        values = {
            "folder": self.folder,
            "user": getpass.getuser(),
            "controller_port": free_port(),
            "node_port": free_port(),
            "cpus": len(os.sched_getaffinity(0)),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        }
        (self.folder / "slurm.conf").write_text(CONF.format(**values))
        if (
            int(self("slurmd", "-V").split()[-1].split(".")[0]) >= 23
        ):  # older ones get by without, and do not know the word
            (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        (self.folder / "munge.key").write_bytes(os.urandom(64))
        (self.folder / "munge.key").chmod(0o400)
        # The executor starts each job's srun without SLURM_CONF: real clusters have the file where srun looks anyway.
        (self.folder / "bin/srun").write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
        )
        (self.folder / "bin/srun").chmod(0o755)

    def _start(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    command, env={**os.environ, **self.environment}, stdout=out, stderr=subprocess.STDOUT
                )
            )

    def _wait(self, what: str, ready, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._processes):
                logs = sorted((*self.folder.glob("*.out"), *self.folder.glob("*.log")))
                tails = "\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in logs)
                raise RuntimeError(f"waited in vain for {what}, {seconds:.0f} s at most\n{tails}")
            time.sleep(0.2)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
