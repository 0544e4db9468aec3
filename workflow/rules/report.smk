# What a person reads: every table in three forms, and one page with the verdicts, all tables and all figures; and what
# machines read of it.


rule tables:
    input:
        results=reads("tables"),
    output:
        tables=directory("results/tables"),
        record="results/records/tables.json",
    log:
        "results/logs/tables.log",
    priority: priority("tables")
    threads: 1
    resources:
        mem_mb=memory("tables"),
        runtime=30,
    params:
        stamp=stamp("tables"),
    shell:
        "simaudit run tables"


rule verdict:
    input:
        results=reads("verdict"),
    output:
        verdict="results/verdict.json",
        summary="results/summary.json",
        record="results/records/verdict.json",
    log:
        "results/logs/verdict.log",
    priority: priority("verdict")
    threads: 1
    resources:
        mem_mb=memory("verdict"),
        runtime=30,
    params:
        stamp=stamp("verdict"),
    shell:
        "simaudit run verdict"


rule report:
    input:
        results=reads("report"),
    output:
        page="results/report/index.html",
        record="results/records/report.json",
    log:
        "results/logs/report.log",
    priority: priority("report")
    threads: 1
    resources:
        mem_mb=memory("report"),
        runtime=30,
    params:
        stamp=stamp("report"),
    shell:
        "simaudit run report"
