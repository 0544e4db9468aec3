# The pictures, each with a table of exactly the values in it and with its caption.


rule figure:
    input:
        params="results/params/figure/{target}/{figure}.json",
        results=lambda job: read_by(job.figure, job.target),
    output:
        pdf="results/figures/{target}/{figure}.pdf",
        csv="results/figures/{target}/{figure}.csv",
        caption="results/figures/{target}/{figure}.json",
        png=report(
            "results/figures/{target}/{figure}.png",
            caption="../report/figure.rst",
            category="{target}",
            labels={"figure": "{figure}"},
        ),
        record="results/records/figure/{target}/{figure}.json",
    log:
        "results/logs/figure/{target}/{figure}.log",
    wildcard_constraints:
        target=any_of(PARAMS.targets),
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        caption=lambda job: caption_of(job.figure),
    shell:
        recorded(
            "figure {wildcards.figure} --params {input.params} --target {wildcards.target}"
            " --output {output.pdf} --output {output.csv} --output {output.png} --output {output.caption}"
        )


rule run_figure:
    input:
        params="results/params/figure/run/{figure}.json",
        results=lambda job: read_by(job.figure),
    output:
        pdf="results/figures/run/{figure}.pdf",
        csv="results/figures/run/{figure}.csv",
        caption="results/figures/run/{figure}.json",
        png=report(
            "results/figures/run/{figure}.png",
            caption="../report/figure.rst",
            category="All targets",
            labels={"figure": "{figure}"},
        ),
        record="results/records/figure/run/{figure}.json",
    log:
        "results/logs/figure/run/{figure}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        caption=lambda job: caption_of(job.figure),
    shell:
        recorded(
            "figure {wildcards.figure} --params {input.params}"
            " --output {output.pdf} --output {output.csv} --output {output.png} --output {output.caption}"
        )


# All figures of one target, and those of all together, by name: what a DVC stage asks for.
rule figures_run:
    input:
        drawn(RUN, PARAMS.figures_of_run),


for target in PARAMS.targets:

    rule:
        name:
            f"figures_{target}"
        input:
            figures_of(target),
