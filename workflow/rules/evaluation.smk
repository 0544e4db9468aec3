# How well one could tell members from held-out samples without the model, and which samples are nearly copies of others.


rule blind:
    input:
        data=reads("blind/{split}"),
    output:
        scores="results/evaluation/blind/{split}.parquet",
        summary="results/evaluation/blind/{split}.json",
        record="results/records/blind/{split}.json",
    log:
        "results/logs/blind/{split}.log",
    priority: priority("blind/{split}")
    threads: threads("blind/{split}")
    resources:
        mem_mb=memory("blind/{split}"),
        runtime=240,
    params:
        stamp=stamp("blind/{split}"),
    shell:
        "simaudit run blind/{wildcards.split} --threads {threads}"


rule nearest:
    input:
        data=reads("nearest/{split}"),
    output:
        nearest="results/evaluation/nearest/{split}.parquet",
        summary="results/evaluation/nearest/{split}.json",
        pairs="results/evaluation/nearest/{split}.npz",
        pairs_sheet="results/evaluation/nearest/{split}.png",
        record="results/records/nearest/{split}.json",
    log:
        "results/logs/nearest/{split}.log",
    priority: priority("nearest/{split}")
    threads: threads("nearest/{split}")
    resources:
        mem_mb=memory("nearest/{split}"),
        runtime=60,
    params:
        stamp=stamp("nearest/{split}"),
    shell:
        "simaudit run nearest/{wildcards.split} --threads {threads}"
