# How well each attack tells members from held-out samples, how well one could without the model, and how good it is.


rule blind:
    input:
        params="results/params/blind/{split}.json",
        images=lambda job: f"data/prepared/{PARAMS.splits[job.split].dataset}/images.npy",
        split="data/splits/{split}.parquet",
    output:
        scores="results/evaluation/blind/{split}.parquet",
        summary="results/evaluation/blind/{split}.json",
        record="results/records/blind/{split}.json",
    log:
        "results/logs/blind/{split}.log",
    threads: PARAMS.evaluation.threads
    resources:
        mem_mb=4000,
        runtime=240,
    shell:
        recorded(
            "blind --params {input.params} --images {input.images} --split {input.split}"
            " --threads {threads} --scores {output.scores} --summary {output.summary}"
        )


rule nearest:
    input:
        params="results/params/nearest/{split}.json",
        images=lambda job: f"data/prepared/{PARAMS.splits[job.split].dataset}/images.npy",
        split="data/splits/{split}.parquet",
    output:
        nearest="results/evaluation/nearest/{split}.parquet",
        record="results/records/nearest/{split}.json",
    log:
        "results/logs/nearest/{split}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        recorded(
            "nearest --params {input.params} --images {input.images} --split {input.split}"
            " --output {output.nearest}"
        )


rule evaluate:
    input:
        params="results/params/evaluate/{target}.json",
        scores=lambda job: scores_of(job.target),
        intermediate=lambda job: [path for _, path in intermediate_scores_of(job.target)],
        blind=lambda job: f"results/evaluation/blind/{PARAMS.targets[job.target].split}.parquet",
        nearest=lambda job: f"results/evaluation/nearest/{PARAMS.targets[job.target].split}.parquet",
    output:
        table="results/evaluation/{target}.parquet",
        summary="results/evaluation/{target}.json",
        selected="results/evaluation/selected/{target}.parquet",
        differences="results/evaluation/differences/{target}.json",
        permutation="results/evaluation/permutation/{target}.json",
        epochs="results/evaluation/epochs/{target}.json",
        profiles="results/evaluation/profiles/{target}.parquet",
        metrics="results/metrics/{target}.json",
        record="results/records/evaluate/{target}.json",
    log:
        "results/logs/evaluate/{target}.log",
    threads: PARAMS.evaluation.threads
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        scores=lambda job, input: [f"--scores {path}" for path in input.scores],
        intermediate=lambda job: [
            f"--intermediate {epoch} {path}" for epoch, path in intermediate_scores_of(job.target)
        ],
    shell:
        recorded(
            "evaluate --params {input.params} {params.scores} {params.intermediate}"
            " --blind {input.blind} --nearest {input.nearest}"
            " --threads {threads} --table {output.table} --summary {output.summary} --selected {output.selected}"
            " --differences {output.differences} --permutation {output.permutation}"
            " --epochs {output.epochs} --profiles {output.profiles} --metrics {output.metrics}"
        )


rule quality:
    input:
        params="results/params/quality/{target}.json",
        images=lambda job: images_of(job.target),
        labels=lambda job: f"data/prepared/{PARAMS.targets[job.target].dataset}/labels.npy",
        split=lambda job: split_of(job.target),
        samples="results/samples/{target}.npy",
    output:
        quality="results/evaluation/quality/{target}.json",
        record="results/records/quality/{target}.json",
    log:
        "results/logs/quality/{target}.log",
    threads: PARAMS.evaluation.threads
    resources:
        mem_mb=4000,
        runtime=120,
    shell:
        recorded(
            "quality --params {input.params} --images {input.images} --labels {input.labels}"
            " --split {input.split} --samples {input.samples} --threads {threads} --output {output.quality}"
        )
