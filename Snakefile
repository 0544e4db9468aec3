# Every figure and number from params.yaml: snakemake --cores all
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/terminal.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/processes.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        # Every file that a job makes, and not only the last ones: one that is missing is made again.
        written(),
