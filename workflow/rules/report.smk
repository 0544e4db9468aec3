# What a person reads: every table in three forms, and one page with the verdicts, all tables and all figures.


rule tables:
    input:
        params="results/params/tables.json",
        evaluation=[f"results/evaluation/{target}.json" for target in PARAMS.targets],
        comparison=rules.compare.output.found,
        numbers=rules.numbers.output.numbers,
    output:
        tables=report(
            directory("results/tables"),
            patterns=["{of}/{table}.csv"],
            caption="../report/table.rst",
            category="Tables",
            subcategory="{of}",
            labels={"table": "{table}"},
        ),
        record="results/records/tables.json",
    log:
        "results/logs/tables.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        recorded("tables --params {input.params} --output {output.tables}")


rule report:
    input:
        params="results/params/report.json",
        evaluation=[f"results/evaluation/{target}.json" for target in PARAMS.targets],
        comparison=rules.compare.output.found,
        numbers=rules.numbers.output.numbers,
        figures=pictures(),
        trainings=[f"results/targets/{target}/{SUMMARY}" for target in PARAMS.targets],
        splits=[f"results/params/split/{split}.json" for split in SPLITS],
        # The jobs that the numbers come from, which the page tells of each.
        records=records(),
    output:
        page=report(
            "results/report/index.html",
            caption="../report/page.rst",
            category="Summary",
            labels={"page": "verdicts, figures, tables"},
        ),
        record="results/records/report.json",
    log:
        "results/logs/report.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    shell:
        recorded("report --params {input.params} --output {output.page}")
