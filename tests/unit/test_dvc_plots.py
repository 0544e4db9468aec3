"""`make plots`: the curves of two revisions in one page, which fetches nothing."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CURVES = "attack,timestep,metric,value\nsima,10,auc,{}\nsima,20,auc,0.7\nsima,10,tpr_at_1pct_fpr,0.1\n"


@pytest.fixture
def revisions(tmp_path):
    """A repository with the plots that dvc.yaml declares, whose values here are others than in its commit."""
    declared = (ROOT / "dvc.yaml").read_text(encoding="utf-8").partition("\nplots:\n")[2]
    (tmp_path / "dvc.yaml").write_text(f"plots:\n{declared}", encoding="utf-8")

    def run(*words):
        return subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    run("git", "init", "--quiet")
    run(Path(sys.executable).with_name("dvc"), "init", "--quiet")
    shutil.copytree(ROOT / ".dvc/plots", tmp_path / ".dvc/plots")
    table = tmp_path / "results/figures/digits-ddpm/metrics_over_time.csv"
    table.parent.mkdir(parents=True)
    table.write_text(CURVES.format(0.8), encoding="utf-8")
    run("git", "add", ".")
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=before")
    table.write_text(CURVES.format(0.9), encoding="utf-8")
    return tmp_path


def test_curves_of_two_revisions_are_in_one_plot_of_a_page_that_fetches_nothing(revisions):
    script = [sys.executable, ROOT / "workflow/plots_page.py", "page.html"]
    subprocess.run(script, cwd=revisions, check=True)
    dvc = [Path(sys.executable).with_name("dvc"), "plots", "diff", "HEAD", "--html-template", "page.html"]
    subprocess.run(dvc, cwd=revisions, check=True, capture_output=True)
    page = (revisions / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=.?http", page)
    specs = re.findall(r"var spec = (\{.*?\});\s+vegaEmbed\(", page.rpartition("<body")[2], flags=re.DOTALL)
    (spec,) = filter(None, map(json.loads, specs))  # the other files are not here, and have empty ones
    shown = {(row["rev"], row["value"]) for row in spec["data"]["values"] if row["timestep"] == "10"}
    assert {("HEAD", "0.8"), ("workspace", "0.9")} <= shown
    assert spec["spec"]["encoding"]["color"]["field"] == "rev"
    assert spec["spec"]["encoding"]["y"]["field"] == "value"
