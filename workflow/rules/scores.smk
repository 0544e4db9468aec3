# What each attack measures on each target, sample by sample.


rule score:
    input:
        params="results/params/score/{target}/{attack}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
        target=lambda job: files_of(job.target),
    output:
        "results/scores/{target}/{attack}.parquet",
    log:
        "results/logs/score/{target}/{attack}.log",
    threads: PARAMS.scoring.threads
    resources:
        mem_mb=4000,
        runtime=720,
    params:
        folder="results/targets/{target}",
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
