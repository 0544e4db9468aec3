"""Two targets that share one autoencoder: who borrows it is trained after the other, and again when that changes."""

import json
import re

import pytest
import yaml

pytestmark = pytest.mark.workflow

LENDER, BORROWER = "digits-ldm", "borrower"
SUMMARY = f"results/targets/{BORROWER}/training.json"
STAGE = f"train_borrowing@{BORROWER}"


@pytest.fixture
def sharing(fresh):
    """A fresh clone with two small latent targets and no other; the first borrows the autoencoder of the second."""
    file = fresh.path / "params.yaml"
    values = yaml.safe_load(file.read_text())
    lender = values["targets"][LENDER]
    lender["autoencoder"]["adversarial"] = None
    borrower = lender | {"autoencoder": {"pretrained": f"results/targets/{LENDER}/vqvae"}}
    values["targets"] = {BORROWER: borrower, LENDER: lender}
    values["audits"] = {}
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    fresh.run("simaudit", "stamps")
    return fresh


def trained(repository):
    """The stages that `dvc repro` runs for the target that borrows, those that train alone."""
    done = repository.run("dvc", "repro", STAGE)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"Running stage '(train[^']+)'", done.stdout)


def test_dvc_trains_the_lender_first_and_both_again_when_it_changes(sharing):
    assert trained(sharing) == [f"train@{LENDER}", STAGE]
    assert trained(sharing) == []
    assert "Nothing to be done" in sharing.snakemake("-n", SUMMARY).stdout
    sharing.change(f"targets.{LENDER}.autoencoder.beta", 0.5)
    assert trained(sharing) == [f"train@{LENDER}", STAGE]
    assert "up to date" in sharing.run("dvc", "status", STAGE).stdout


def test_snakemake_trains_the_lender_first(sharing):
    sharing.snakemake(SUMMARY)
    of_lender, own = (
        json.loads((sharing.path / f"results/targets/{name}/training.json").read_text())
        for name in (LENDER, BORROWER)
    )
    assert own["autoencoder"]["members"] == of_lender["members"]["sha256"]
    weights = "vqvae/diffusion_pytorch_model.safetensors"
    assert own["files"][weights] == of_lender["files"][weights]
    assert "Nothing to be done" in sharing.snakemake("-n", SUMMARY).stdout
