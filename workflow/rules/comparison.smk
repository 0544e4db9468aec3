# What takes all targets together: controls, seeds and ranks; the ledger of numbers.


rule compare:
    input:
        params="results/params/compare.json",
        evaluation=[file for target in PARAMS.targets for file in evaluation_of(target)],
        blind=[f"results/evaluation/blind/{split}.json" for split in SPLITS],
    output:
        found=[
            "results/comparison/against.json",
            "results/comparison/controls.json",
            "results/comparison/groups.json",
            "results/comparison/published.json",
            "results/comparison/ranks.json",
        ],
        record="results/records/compare.json",
    log:
        "results/logs/compare.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    shell:
        recorded("compare --params {input.params} --output results/comparison")


rule numbers:
    input:
        params="results/params/numbers.json",
        files=[f"results/evaluation/blind/{split}.json" for split in SPLITS]
        + [file for target in PARAMS.targets for file in evaluation_of(target) if file.endswith(".json")]
        + [file for target in PARAMS.targets for file in costs_of(target)]
        + list(rules.compare.output.found),
    output:
        numbers="results/numbers.json",
        record="results/records/numbers.json",
    log:
        "results/logs/numbers.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        recorded("numbers {input.files} --output {output.numbers}")
