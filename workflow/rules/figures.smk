# The pictures.


rule figure:
    input:
        params="results/params/figure/{target}/{figure}.json",
        evaluation=[
            rules.evaluate.output.table,
            rules.evaluate.output.summary,
            rules.evaluate.output.selected,
        ],
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
    shell:
        "simaudit --log {log} figure {wildcards.figure} --params {input.params} --target {wildcards.target}"
        " --evaluation results/evaluation --output {output.pdf} --output {output.png}"


# All figures of one target, by name: what a DVC stage asks for.
for target in PARAMS.targets:

    rule:
        name:
            f"figures_{target}"
        input:
            figures_of(target),
