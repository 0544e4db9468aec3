# Datasets in the one form that every target sees, and who is a member.


rule prepare:
    input:
        stamp="results/params/prepare/{dataset}.json",
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
        "simaudit run prepare/{wildcards.dataset}"


rule split:
    input:
        stamp="results/params/split/{split}.json",
        images=reads("split/{split}", "images"),
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
        "simaudit run split/{wildcards.split}"


# The optimal denoiser of a few members, in so few dimensions that it can be drawn.
rule theory:
    input:
        stamp="results/params/theory.json",
        data=reads("theory", "images", "split"),
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
        "simaudit run theory"
