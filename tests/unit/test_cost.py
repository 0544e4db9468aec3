"""What a job says that it spent: its own seconds and megabytes, under names that the ledger prints."""

import time

import numpy as np
import torch

from simaudit.evaluation.numbers import ledger
from simaudit.machine.cost import Meter
from simaudit.storage.json import write_json


def test_the_meter_counts_the_time_since_it_was_made_and_the_memory_of_the_process():
    meter = Meter(torch.device("cpu"))
    time.sleep(0.05)
    first = meter.read()
    assert first["seconds"] >= 0.05
    assert "peak_device_memory" not in first
    touched = np.ones(40_000_000)  # 320 MB
    assert meter.read()["peak_memory"] > 320
    assert touched.sum() == 40_000_000


def test_a_cost_has_its_unit_in_the_ledger(tmp_path):
    write_json(
        tmp_path / "sima.json",
        {"target": "t", "attacks": {"sima": {"cost": {"seconds": 2.5, "peak_memory": 300.0}}}},
    )
    numbers = ledger([tmp_path / "sima.json"])
    assert numbers["t.sima.cost.seconds"]["unit"] == "s"
    assert numbers["t.sima.cost.peak_memory"]["unit"] == "MB"
    assert numbers["t.sima.cost.seconds"]["value"] == 2.5
