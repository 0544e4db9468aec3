# What each attack measures on each target, sample by sample.


rule score:
    input:
        params="results/params/score/{target}/{attack}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
        weights=rules.train.output.weights,
        summary=rules.train.output.summary,
    output:
        "results/scores/{target}/{attack}.parquet",
    log:
        "results/logs/score/{target}/{attack}.log",
    threads: PARAMS.scoring.threads
    resources:
        mem_mb=4000,
        runtime=720,
    params:
        folder=lambda job, input: Path(input.summary).parent,
    shell:
        "simaudit --log {log} score --params {input.params} --images {input.images} --split {input.split}"
        " --target {params.folder} --threads {threads} --output {output}"


# All scores of one target, by name: what a DVC stage asks for.
for target in PARAMS.targets:

    rule:
        name:
            f"scores_{target}"
        input:
            scores_of(target),
