# How well each attack tells members from held-out samples.


rule evaluate:
    input:
        params="results/params/evaluate/{target}.json",
        scores=lambda job: scores_of(job.target),
    output:
        table="results/evaluation/{target}.parquet",
        summary="results/evaluation/{target}.json",
    log:
        "results/logs/evaluate/{target}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        scores=lambda job, input: [f"--scores {path}" for path in input.scores],
    shell:
        "simaudit --log {log} evaluate {params.scores} --table {output.table} --summary {output.summary}"
