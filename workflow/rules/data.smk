# Datasets in the one form that every target sees, and who is a member.


rule prepare:
    input:
        params="results/params/prepare/{dataset}.json",
    output:
        images="data/prepared/{dataset}/images.npy",
        labels="data/prepared/{dataset}/labels.npy",
    log:
        "results/logs/prepare/{dataset}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        "simaudit --log {log} prepare --params {input.params} --images {output.images} --labels {output.labels}"


rule split:
    input:
        params="results/params/split/{split}.json",
        images=lambda job: f"data/prepared/{PARAMS.splits[job.split].dataset}/images.npy",
    output:
        "data/splits/{split}.parquet",
    log:
        "results/logs/split/{split}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        "simaudit --log {log} split --params {input.params} --images {input.images} --output {output}"
