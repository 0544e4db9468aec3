# What takes all audits together: controls, seeds and ranks; the ledger of numbers.


rule compare:
    input:
        evaluation=reads("compare"),
    output:
        "results/comparison/against.json",
        "results/comparison/carried.json",
        "results/comparison/controls.json",
        "results/comparison/groups.json",
        "results/comparison/published.json",
        "results/comparison/ranks.json",
        record="results/records/compare.json",
    log:
        "results/logs/compare.log",
    priority: priority("compare")
    threads: 1
    resources:
        mem_mb=memory("compare"),
        runtime=30,
    params:
        stamp=stamp("compare"),
    shell:
        "simaudit run compare"


rule numbers:
    input:
        files=reads("numbers"),
    output:
        numbers="results/numbers.json",
        occasion="results/occasion.json",
        record="results/records/numbers.json",
    log:
        "results/logs/numbers.log",
    priority: priority("numbers")
    threads: 1
    resources:
        mem_mb=memory("numbers"),
        runtime=30,
    params:
        stamp=stamp("numbers"),
    shell:
        "simaudit run numbers"
