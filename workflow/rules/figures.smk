# The pictures.


rule figure:
    input:
        params="results/params/figure/{target}/{figure}.json",
        evaluation=rules.evaluate.output.table,
        scores=lambda job: scores_of(job.target),
    output:
        pdf="results/figures/{target}/{figure}.pdf",
        png=report(
            "results/figures/{target}/{figure}.png",
            caption="../report/figure.rst",
            category="{target}",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/logs/figure/{target}/{figure}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        caption=lambda job: caption_of(job.figure),
        scores=lambda job, input: [f"--scores {path}" for path in input.scores],
    shell:
        "simaudit --log {log} figure {wildcards.figure} --params {input.params} --evaluation {input.evaluation}"
        " {params.scores} --output {output.pdf} --output {output.png}"


# All figures of one target, by name: what a DVC stage asks for.
for target in PARAMS.targets:

    rule:
        name:
            f"figures_{target}"
        input:
            figures_of(target),
