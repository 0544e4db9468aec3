# What is asked of each target: every attack's statistic of every sample, and images drawn from it.


rule score:
    input:
        params="results/params/score/{target}/{attack}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
        target=lambda job: files_of(job.target),
    output:
        scores="results/scores/{target}/{attack}.parquet",
        cost="results/cost/{target}/{attack}.json",
        record="results/records/score/{target}/{attack}.json",
    log:
        "results/logs/score/{target}/{attack}.log",
    threads: PARAMS.scoring.threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=gpus_for(PARAMS.scoring.device),
    params:
        folder="results/targets/{target}",
    shell:
        recorded(
            "score --params {input.params} --images {input.images} --split {input.split}"
            " --target {params.folder} --threads {threads} --output {output.scores} --cost {output.cost}"
        )


# Intermediate checkpoints lie in the target's folder; its other files stand for them.
rule score_intermediate:
    input:
        params="results/params/score/{target}/{attack}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
        target=lambda job: files_of(job.target),
    output:
        scores="results/scores/{target}/epochs/{epoch}/{attack}.parquet",
        record="results/records/score/{target}/epochs/{epoch}/{attack}.json",
    log:
        "results/logs/score/{target}/epochs/{epoch}/{attack}.log",
    threads: PARAMS.scoring.threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=gpus_for(PARAMS.scoring.device),
    params:
        folder="results/targets/{target}",
    shell:
        recorded(
            "score --params {input.params} --images {input.images} --split {input.split}"
            " --target {params.folder} --epoch {wildcards.epoch} --threads {threads} --output {output.scores}"
        )


rule sample:
    input:
        params="results/params/sample/{target}.json",
        images=lambda job: images_of(job.target),
        split=lambda job: split_of(job.target),
        target=lambda job: files_of(job.target),
    output:
        samples="results/samples/{target}.npy",
        gallery="results/samples/shown/{target}.npz",
        record="results/records/sample/{target}.json",
    log:
        "results/logs/sample/{target}.log",
    threads: PARAMS.scoring.threads
    resources:
        mem_mb=4000,
        runtime=720,
        gpu=gpus_for(PARAMS.scoring.device),
    params:
        folder="results/targets/{target}",
    shell:
        recorded(
            "sample --params {input.params} --images {input.images} --split {input.split}"
            " --target {params.folder} --threads {threads} --output {output.samples} --gallery {output.gallery}"
        )


# All scores of one target, by name: what a DVC stage asks for.
for target in PARAMS.targets:

    rule:
        name:
            f"scores_{target}"
        input:
            scores_of(target),
            costs_of(target),
            [path for _, path in intermediate_scores_of(target)],
