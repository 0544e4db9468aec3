# Datasets in the one form that every target sees, and who is a member.


rule prepare:
    output:
        images="data/prepared/{dataset}/images.npy",
        known="data/prepared/{dataset}/items.parquet",
        record="results/records/prepare/{dataset}.json",
    log:
        "results/logs/prepare/{dataset}.log",
    priority: priority("prepare/{dataset}")
    threads: 1
    resources:
        mem_mb=memory("prepare/{dataset}"),
        runtime=30,
    params:
        stamp=stamp("prepare/{dataset}"),
    shell:
        "simaudit run prepare/{wildcards.dataset}"


rule split:
    input:
        data=reads("split/{split}"),
    output:
        split="data/splits/{split}.parquet",
        record="results/records/split/{split}.json",
    log:
        "results/logs/split/{split}.log",
    priority: priority("split/{split}")
    threads: 1
    resources:
        mem_mb=memory("split/{split}"),
        runtime=30,
    params:
        stamp=stamp("split/{split}"),
    shell:
        "simaudit run split/{wildcards.split}"


# How complex each image of a split is: what attacks that are derived of scores take out of them.
rule features:
    input:
        data=reads("features/{split}"),
    output:
        features="results/features/{split}.parquet",
        record="results/records/features/{split}.json",
    log:
        "results/logs/features/{split}.log",
    priority: priority("features/{split}")
    threads: 1
    resources:
        mem_mb=memory("features/{split}"),
        runtime=60,
    params:
        stamp=stamp("features/{split}"),
    shell:
        "simaudit run features/{wildcards.split}"


# The optimal denoiser of a few members, in so few dimensions that it can be drawn.
rule theory:
    input:
        data=reads("theory"),
    output:
        line="results/theory/line.parquet",
        field="results/theory/field.parquet",
        record="results/records/theory.json",
    log:
        "results/logs/theory.log",
    priority: priority("theory")
    threads: 1
    resources:
        mem_mb=memory("theory"),
        runtime=30,
    params:
        stamp=stamp("theory"),
    shell:
        "simaudit run theory"
