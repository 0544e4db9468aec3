# Datasets in the one form that every target sees, and who is a member.


rule prepare:
    input:
        params="results/params/prepare/{dataset}.json",
    output:
        images="data/prepared/{dataset}/images.npy",
        labels="data/prepared/{dataset}/labels.npy",
        record="results/records/prepare/{dataset}.json",
    log:
        "results/logs/prepare/{dataset}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        recorded("prepare --params {input.params} --images {output.images} --labels {output.labels}")


rule split:
    input:
        params="results/params/split/{split}.json",
        images=lambda job: f"data/prepared/{PARAMS.splits[job.split].dataset}/images.npy",
    output:
        split="data/splits/{split}.parquet",
        record="results/records/split/{split}.json",
    log:
        "results/logs/split/{split}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        recorded("split --params {input.params} --images {input.images} --output {output.split}")


# The optimal denoiser of a few members, in so few dimensions that it can be drawn.
rule theory:
    input:
        params="results/params/theory.json",
        images=f"data/prepared/{PARAMS.splits[PARAMS.theory_split].dataset}/images.npy",
        split=f"data/splits/{PARAMS.theory_split}.parquet",
    output:
        line="results/theory/line.parquet",
        field="results/theory/field.parquet",
        record="results/records/theory.json",
    log:
        "results/logs/theory.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        recorded(
            "theory --params {input.params} --images {input.images} --split {input.split}"
            " --line {output.line} --field {output.field}"
        )
