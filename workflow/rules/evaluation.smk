# How well each attack tells members from held-out samples, how well one could without the model, and how good it is.


rule blind:
    input:
        data=reads("blind/{split}", "features", "images", "items", "split"),
    output:
        scores="results/evaluation/blind/{split}.parquet",
        summary="results/evaluation/blind/{split}.json",
        record="results/records/blind/{split}.json",
    log:
        "results/logs/blind/{split}.log",
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
        data=reads("nearest/{split}", "images", "split"),
    output:
        nearest="results/evaluation/nearest/{split}.parquet",
        summary="results/evaluation/nearest/{split}.json",
        pairs="results/evaluation/nearest/{split}.npz",
        pairs_sheet="results/evaluation/nearest/{split}.png",
        record="results/records/nearest/{split}.json",
    log:
        "results/logs/nearest/{split}.log",
    threads: threads("nearest/{split}")
    resources:
        mem_mb=memory("nearest/{split}"),
        runtime=60,
    params:
        stamp=stamp("nearest/{split}"),
    shell:
        "simaudit run nearest/{wildcards.split} --threads {threads}"


rule evaluate:
    input:
        scores=reads("evaluate/{audit}", "scores", "intermediate"),
        beside=reads("evaluate/{audit}", "blind", "nearest"),
    output:
        table="results/evaluation/{audit}.parquet",
        summary="results/evaluation/{audit}.json",
        selected="results/evaluation/selected/{audit}.parquet",
        differences="results/evaluation/differences/{audit}.json",
        permutation="results/evaluation/permutation/{audit}.json",
        epochs="results/evaluation/epochs/{audit}.json",
        profiles="results/evaluation/profiles/{audit}.parquet",
        metrics="results/metrics/{audit}.json",
        record="results/records/evaluate/{audit}.json",
    log:
        "results/logs/evaluate/{audit}.log",
    threads: threads("evaluate/{audit}")
    resources:
        mem_mb=memory("evaluate/{audit}"),
        runtime=60,
    params:
        stamp=stamp("evaluate/{audit}"),
    shell:
        "simaudit run evaluate/{wildcards.audit} --threads {threads}"


rule quality:
    input:
        data=reads("quality/{audit}", "images", "items", "split"),
        samples="results/samples/{audit}.npy",
    output:
        quality="results/evaluation/quality/{audit}.json",
        record="results/records/quality/{audit}.json",
    log:
        "results/logs/quality/{audit}.log",
    threads: threads("quality/{audit}")
    resources:
        mem_mb=memory("quality/{audit}"),
        runtime=120,
    params:
        stamp=stamp("quality/{audit}"),
    shell:
        "simaudit run quality/{wildcards.audit} --threads {threads}"


# Whether an attack tells what a model was trained on from what it draws: the attacks are asked about its own samples.
rule own_samples:
    input:
        data=reads(
            "own_samples/{audit}", "features", "images", "items", "samples", "scores", "split", "target"
        ),
        summary="results/evaluation/{audit}.json",
    output:
        own_samples="results/evaluation/own_samples/{audit}.json",
        record="results/records/own_samples/{audit}.json",
    log:
        "results/logs/own_samples/{audit}.log",
    threads: threads("own_samples/{audit}")
    resources:
        mem_mb=memory("own_samples/{audit}"),
        runtime=240,
        gpu=gpu("own_samples/{audit}"),
    params:
        stamp=stamp("own_samples/{audit}"),
    shell:
        "simaudit run own_samples/{wildcards.audit} --threads {threads}"


rule sets:
    input:
        data=reads("sets/{audit}", "features", "items", "selected", "split"),
    output:
        sets="results/evaluation/sets/{audit}.json",
        set_p_values="results/evaluation/sets/{audit}.parquet",
        record="results/records/sets/{audit}.json",
    log:
        "results/logs/sets/{audit}.log",
    threads: 1
    resources:
        mem_mb=memory("sets/{audit}"),
        runtime=60,
    params:
        stamp=stamp("sets/{audit}"),
    shell:
        "simaudit run sets/{wildcards.audit}"
