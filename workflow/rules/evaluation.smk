# How well each attack tells members from held-out samples, how well one could without the model, and how good it is.


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


# An audit: every attack measured, the quality of images drawn from its target, whether attacks take these for members,
# whether sets of members can be told, and which samples most attacks accuse.
for name in processes("evaluation"):

    rule:
        name:
            rule_of(name)
        input:
            data=reads(name),
        output:
            data=writes(name),
        log:
            f"results/logs/{name}.log",
        priority: priority(name)
        threads: threads(name)
        resources:
            mem_mb=memory(name),
            runtime=240,
            gpu=gpu(name),
        params:
            stamp=stamp(name),
            process=name,  # the command is put together when the loop is over
        shell:
            "simaudit run {params.process} --threads {threads}"
